package wifi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"edgeagent/drivers"
)

// The calls of OPNsense's captive portal API, as its published source has them.

const (
	opnsenseVoucher = "/api/captiveportal/voucher/"
	opnsenseSession = "/api/captiveportal/session/"
	// sessionPage is how many sessions are asked for at once, the product's own
	// default. All in one page: a session that ends between two pages would
	// move another one out of sight.
	sessionPage = 9999
	maxSessions = 16 << 20
)

// seconds is a number of seconds, or an instant in seconds since 1970. PHP
// writes it as a number or as text, by where it comes from; null is 0.
type seconds int64

func (s *seconds) UnmarshalJSON(text []byte) error {
	plain := strings.Trim(string(text), `"`)
	if plain == "null" || plain == "" {
		*s = 0
		return nil
	}
	n, err := strconv.ParseInt(plain, 10, 64)
	if err != nil || n < 0 || n > 1<<40 {
		return errors.New("not a number of seconds")
	}
	*s = seconds(n)
	return nil
}

// ticket is a voucher as a list shows it: without its password.
type ticket struct {
	User     string  `json:"username"`
	Validity seconds `json:"validity"`   // of use, from the first log-in
	Expiry   seconds `json:"expirytime"` // an instant; 0 is never
	Start    seconds `json:"starttime"`  // an instant; now, while it is unused
	State    string  `json:"state"`
}

// live reports whether a new device would get on with it.
func (t ticket) live() bool { return t.State == "unused" || t.State == "valid" }

// goodName reports whether a user name is one of OPNsense's vouchers. It must
// not hold a space: that is between names in a receipt.
func goodName(user string) bool {
	return user != "" && len(user) <= 256 && !strings.ContainsAny(user, " \t\r\n")
}

// group returns the vouchers of a group, expired ones too.
func (o *opnsense) group(ctx context.Context, name string) ([]ticket, error) {
	var list []ticket
	err := o.call(ctx, request{method: http.MethodGet, path: opnsenseVoucher + "list_vouchers/" + o.server + "/" + name, decode: listed(&list)})
	if err != nil {
		return nil, fmt.Errorf("list vouchers: %w", err)
	}
	for _, v := range list {
		if !goodName(v.User) {
			return nil, errors.New("list vouchers: an entry has no usable name")
		}
	}
	return list, nil
}

func (o *opnsense) groups(ctx context.Context) ([]string, error) {
	var list []string
	err := o.call(ctx, request{method: http.MethodGet, path: opnsenseVoucher + "list_voucher_groups/" + o.server, decode: listed(&list)})
	if err != nil {
		return nil, fmt.Errorf("list groups of vouchers: %w", err)
	}
	return list, nil
}

// serverExists asks for the voucher servers: a list of one that does not exist
// is empty, not an error.
func (o *opnsense) serverExists(ctx context.Context) error {
	var list []string
	if err := o.call(ctx, request{method: http.MethodGet, path: opnsenseVoucher + "list_providers", decode: listed(&list)}); err != nil {
		return fmt.Errorf("list voucher servers: %w", err)
	}
	if slices.Contains(list, o.server) {
		return nil
	}
	return o.noServer()
}

func (o *opnsense) noServer() error {
	return &drivers.LinkDown{Err: fmt.Errorf("%s has no voucher server %q: write the name of the one under System, Access, Servers into server", o.base.Host, o.server)}
}

// statusAnswer is what calls answer that have nothing to show.
type statusAnswer struct {
	Status string `json:"status"`
}

// generate makes one voucher. Its end is counted from the instant at which the
// controller reads the request, so the calls' own time is all it can be off.
func (o *opnsense) generate(ctx context.Context, g Grant) (Credential, error) {
	left := max(int64((g.Until.Sub(o.now())+time.Second-1)/time.Second), 1)
	body := struct {
		Count    int    `json:"count"`
		Validity int64  `json:"validity"`
		Expiry   int64  `json:"expirytime"`
		Group    string `json:"vouchergroup"`
	}{1, left, left, g.marker()}
	var raw json.RawMessage
	err := o.call(ctx, request{method: http.MethodPost, path: opnsenseVoucher + "generate_vouchers/" + o.server, body: body, decode: into(&raw)})
	if err != nil {
		return Credential{}, fmt.Errorf("make voucher: %w", err)
	}
	var failed statusAnswer
	if json.Unmarshal(raw, &failed) == nil && failed.Status == "error" {
		return Credential{}, o.noServer()
	}
	var made []struct {
		User     string `json:"username"`
		Password string `json:"password"`
	}
	if json.Unmarshal(raw, &made) != nil || len(made) != 1 || !goodName(made[0].User) {
		return Credential{}, errors.New("make voucher: the answer holds no voucher") // the next try expires it
	}
	now := o.now()
	c := Credential{ID: made[0].User, User: made[0].User, Code: made[0].Password, Since: now, Created: now, Live: true}
	if c.Code == "" { // a voucher server whose passwords have no length: the name is the code
		c.User, c.Code = "", made[0].User
	}
	return c, nil
}

// expire ends a voucher; one that is gone is fine. It kicks nobody.
func (o *opnsense) expire(ctx context.Context, user string) error {
	body := struct {
		User string `json:"username"`
	}{user}
	return o.change(ctx, "expire a voucher", "expire_voucher/"+o.server, body, "ok")
}

// drop removes a group with its vouchers; one that is gone is fine.
func (o *opnsense) drop(ctx context.Context, name string) error {
	return o.change(ctx, "remove a group of vouchers", "drop_voucher_group/"+o.server+"/"+name, struct{}{}, "drop")
}

func (o *opnsense) change(ctx context.Context, what, path string, body any, want string) error {
	var answer statusAnswer
	err := o.call(ctx, request{method: http.MethodPost, path: opnsenseVoucher + path, body: body, decode: into(&answer)})
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	case answer.Status == "error":
		return o.noServer()
	case answer.Status != want:
		return fmt.Errorf("%s: %s does not say that it is done", what, o.base.Host)
	}
	return nil
}

// session is a device that is online.
type session struct {
	ID   string `json:"sessionId"`
	User string `json:"userName"`
	By   string `json:"authenticated_via"`
}

// online finds the sessions that vouchers of these names let in.
func (o *opnsense) online(ctx context.Context, users []string) ([]string, error) {
	all, err := o.sessions(ctx, sessionPage)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, s := range all {
		// Another server may have given the same name to somebody else.
		if slices.Contains(users, s.User) && (s.By == "" || strings.TrimSpace(s.By) == o.server) && s.ID != "" {
			ids = append(ids, s.ID)
		}
	}
	return ids, nil
}

// sessions returns at most so many sessions, and an error if all were asked for
// and there are more.
func (o *opnsense) sessions(ctx context.Context, most int) ([]session, error) {
	body := struct {
		Page  int      `json:"current"`
		Most  int      `json:"rowCount"`
		Zones []string `json:"selected_zones,omitempty"`
	}{Page: 1, Most: most}
	for _, zone := range o.cfg.Zones {
		body.Zones = append(body.Zones, strconv.Itoa(zone))
	}
	var answer struct {
		Total int        `json:"total"`
		Rows  *[]session `json:"rows"`
	}
	err := o.call(ctx, request{method: http.MethodPost, path: opnsenseSession + "search", body: body, limit: maxSessions, decode: into(&answer)})
	switch {
	case err != nil:
		return nil, fmt.Errorf("list sessions: %w", err)
	case answer.Rows == nil:
		return nil, errors.New("list sessions: the answer holds no list")
	case most == sessionPage && answer.Total > len(*answer.Rows):
		return nil, fmt.Errorf("list sessions: %d of %d came", len(*answer.Rows), answer.Total)
	}
	return *answer.Rows, nil
}

// disconnect ends a session; one that the controller does not know has ended.
func (o *opnsense) disconnect(ctx context.Context, id string) error {
	body := struct {
		ID string `json:"sessionId"`
	}{id}
	var answer struct {
		Cause  string `json:"terminateCause"`
		Status string `json:"status"`
	}
	err := o.call(ctx, request{method: http.MethodPost, path: opnsenseSession + "disconnect", body: body, decode: into(&answer)})
	if err != nil {
		return fmt.Errorf("cut a device: %w", err)
	}
	if answer.Cause == "" { // the cause is there even if the session is not
		return fmt.Errorf("cut a device: %s does not say that it is done", o.base.Host)
	}
	return nil
}

// zones are the captive portal zones by their ids. PHP writes them as an
// object, but as a list if they happen to be numbered 0, 1, 2 in this order.
func (o *opnsense) zones(ctx context.Context) (map[string]string, error) {
	var raw json.RawMessage
	if err := o.call(ctx, request{method: http.MethodGet, path: opnsenseSession + "zones", decode: into(&raw)}); err != nil {
		return nil, fmt.Errorf("list zones: %w", err)
	}
	byID, err := parseZones(raw)
	if err != nil {
		return nil, fmt.Errorf("list zones: %w", unreadable(err))
	}
	return byID, nil
}

func parseZones(raw []byte) (map[string]string, error) {
	byID := map[string]string{}
	var list []string
	if err := json.Unmarshal(raw, &list); err != nil {
		return byID, json.Unmarshal(raw, &byID)
	}
	for i, name := range list {
		byID[strconv.Itoa(i)] = name
	}
	return byID, nil
}
