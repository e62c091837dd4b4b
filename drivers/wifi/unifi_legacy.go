package wifi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The calls of UniFi's legacy controller API, as open clients use them. Only
// this one says which voucher let a device in.

const (
	unifiLegacy = "/proxy/network/api/s/"
	// maxGuests bounds the guest list, which has no pages; it is read as a
	// stream, so its size is not held in memory.
	maxGuests = 16 << 20
)

// guest is a record of the legacy stat/guest: one authorisation of one device.
type guest struct {
	MAC     string `json:"mac"`
	Code    string `json:"voucher_code"`
	By      string `json:"authorized_by"`
	Start   int64  `json:"start"`
	Expired bool   `json:"expired"`
}

var unifiMAC = regexp.MustCompile(`^[0-9a-f]{2}(:[0-9a-f]{2}){5}$`)

// legacy calls the old API. A session may have ended, or its CSRF token been
// renewed by an answer that got lost: then it logs in again, once.
func (u *unifi) legacy(ctx context.Context, r request, record func(*json.Decoder) error) error {
	stale, err := u.legacyOnce(ctx, r, record)
	if stale {
		_, err = u.legacyOnce(ctx, r, record)
	}
	return err
}

// legacyOnce makes the call. Its errors can come with status 200, so the
// envelope decides. stale means that another log-in may help.
func (u *unifi) legacyOnce(ctx context.Context, r request, record func(*json.Decoder) error) (stale bool, err error) {
	var s *unifiSession
	if u.login != nil {
		if s, err = u.enter(ctx); err != nil {
			return errors.Is(err, errLogIn), u.classify(err)
		}
	}
	r.path = s.prefix() + u.site + r.path
	r.fault = unifiFault
	var meta legacyMeta
	r.decode = func(body io.Reader) error { return readLegacy(body, &meta, record) }
	if err := u.call(ctx, r); err != nil {
		var answer *answerError
		return errors.As(err, &answer) && answer.status == http.StatusForbidden && u.login != nil && u.login.left(s), err
	}
	if meta.RC == "ok" {
		return false, nil
	}
	status := http.StatusBadGateway // unheard of: again
	switch meta.Msg {
	case "api.err.LoginRequired", "api.err.NoSiteContext":
		status = http.StatusUnauthorized
	case "api.err.NoPermission":
		status = http.StatusForbidden
	case "api.err.Invalid", "api.err.InvalidPayload":
		status = http.StatusBadRequest
	}
	if u.login != nil && status == http.StatusUnauthorized {
		u.login.leave(s)
		stale = meta.Msg == "api.err.LoginRequired"
	}
	return stale, u.classify(&answerError{status: status, code: cleanCode(meta.Msg)})
}

type legacyMeta struct {
	RC  string `json:"rc"`
	Msg string `json:"msg"`
}

type legacyEnvelope struct {
	Meta legacyMeta `json:"meta"`
}

// readLegacy reads {"meta":{…},"data":[…]} record by record: a big house has
// megabytes of guests.
func readLegacy(body io.Reader, meta *legacyMeta, record func(*json.Decoder) error) error {
	dec := json.NewDecoder(body)
	if err := delim(dec, '{'); err != nil {
		return err
	}
	listed := record == nil
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		switch {
		case name == "meta":
			err = dec.Decode(meta)
		case name == "data" && record != nil:
			listed, err = true, records(dec, record)
		default:
			var skip json.RawMessage
			err = dec.Decode(&skip)
		}
		if err != nil {
			return err
		}
	}
	if meta.RC == "ok" && !listed {
		return errNoList
	}
	return delim(dec, '}')
}

// each reads a record and hands it on.
func each[T any](to func(T)) func(*json.Decoder) error {
	return func(dec *json.Decoder) error {
		var record T
		if err := dec.Decode(&record); err != nil {
			return err
		}
		to(record)
		return nil
	}
}

func records(dec *json.Decoder, record func(*json.Decoder) error) error {
	if err := delim(dec, '['); err != nil {
		return err
	}
	for dec.More() {
		if err := record(dec); err != nil {
			return err
		}
	}
	return delim(dec, ']')
}

func delim(dec *json.Decoder, want json.Delim) error {
	token, err := dec.Token()
	if err == nil && token != want {
		err = fmt.Errorf("expected %v", want)
	}
	return err
}

// guests yields the authorisations since an instant. Records without a usable
// address are passed over: nothing could be done to them.
func (u *unifi) guests(ctx context.Context, since time.Time, found func(guest)) error {
	back := min(u.now().Sub(since), maxHistory)
	hours := max(int(back/time.Hour)+2, 24)
	err := u.legacy(ctx, request{method: http.MethodGet, path: "/stat/guest", limit: maxGuests,
		query: url.Values{"within": {strconv.Itoa(hours)}}}, each(func(g guest) {
		g.MAC = strings.ToLower(g.MAC)
		if unifiMAC.MatchString(g.MAC) {
			found(g)
		}
	}))
	if err != nil {
		return fmt.Errorf("list guests: %w", err)
	}
	return nil
}

// authorise lets a device in until the grant ends, in place of whatever it had.
func (u *unifi) authorise(ctx context.Context, mac string, g Grant) error {
	body := struct {
		Cmd     string `json:"cmd"`
		MAC     string `json:"mac"`
		Minutes int    `json:"minutes"`
		Up      int    `json:"up,omitempty"`
		Down    int    `json:"down,omitempty"`
		Bytes   int    `json:"bytes,omitempty"` // MB, whatever the name says
	}{"authorize-guest", mac, u.minutes(g.Until), g.UpKbps, g.DownKbps, g.DataMB}
	if err := u.legacy(ctx, request{method: http.MethodPost, path: "/cmd/stamgr", body: body}, nil); err != nil {
		return fmt.Errorf("authorise a device: %w", err)
	}
	return nil
}

// unauthorise cuts a device; one that the controller does not know is cut.
func (u *unifi) unauthorise(ctx context.Context, mac string) error {
	body := struct {
		Cmd string `json:"cmd"`
		MAC string `json:"mac"`
	}{"unauthorize-guest", mac}
	err := u.legacy(ctx, request{method: http.MethodPost, path: "/cmd/stamgr", body: body}, nil)
	var answer *answerError
	if errors.As(err, &answer) && strings.HasPrefix(answer.code, "api.err.Unknown") {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cut a device: %w", err)
	}
	return nil
}
