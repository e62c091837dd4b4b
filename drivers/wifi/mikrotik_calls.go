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
	"strings"

	"edgeagent/drivers"
)

// The calls of RouterOS 7 that the driver makes, as MikroTik's manual has them:
// menus of the console as paths below /rest, PUT adds, PATCH sets, DELETE
// removes. All values are strings.

const (
	routerUsers    = "/ip/hotspot/user"
	routerProfiles = "/ip/hotspot/user/profile"
	routerActive   = "/ip/hotspot/active"
	routerCookies  = "/ip/hotspot/cookie"
	routerServers  = "/ip/hotspot"
)

// hotspotUser is a line of /ip/hotspot/user. What is not set is not there.
type hotspotUser struct {
	ID   string `json:".id"`
	Name string `json:"name"`
	// Password is nil if the account may not see it.
	Password *string `json:"password"`
	Profile  string  `json:"profile"`
	Server   string  `json:"server"`
	Comment  string  `json:"comment"`
	Uptime   string  `json:"limit-uptime"`
	Bytes    string  `json:"limit-bytes-total"`
	Disabled string  `json:"disabled"`
}

const userColumns = ".id,name,password,profile,server,comment,limit-uptime,limit-bytes-total,disabled"

// details are what the router says in its errors, and the code by which we
// know it. Anything else that it says may quote a value, and is dropped.
var details = []struct{ text, code string }{
	{"already have user with this name", "already-have-user"},
	{"no such item", "no-such-item"},
	{"no such command", "no-such-command"},
	{"input does not match any value of profile", "no-such-profile"},
	{"input does not match any value of server", "no-such-server"},
	{"not enough permissions", "not-enough-permissions"},
	{"not allowed by device-mode", "not-allowed-by-device-mode"},
	{"session closed", "session-closed"},
}

// routerFault reads the router's error object.
func routerFault(body []byte) string {
	var e struct {
		Error  int    `json:"error"`
		Detail string `json:"detail"`
	}
	if json.Unmarshal(body, &e) != nil || e.Error == 0 {
		return "" // a web page
	}
	text := strings.ToLower(e.Detail)
	for _, d := range details {
		if strings.Contains(text, d.text) {
			return d.code
		}
	}
	return "api-error"
}

// explain gives the router's own errors their meaning.
func (m *mikrotik) explain(err error, answer *answerError) error {
	switch answer.code {
	case "not-enough-permissions":
		return &drivers.LinkDown{Err: fmt.Errorf("%w: %s", err, m.rights)}
	case "no-such-command":
		return &drivers.LinkDown{Err: fmt.Errorf("%w: the router does not know the hotspot's menus: update it to RouterOS 7.9 or later", err)}
	case "not-allowed-by-device-mode":
		return &drivers.LinkDown{Err: fmt.Errorf("%w: %s", err, deviceModeAdvice)}
	case "no-such-profile":
		return fmt.Errorf("%w: make the profile that the tier names under IP, Hotspot, User Profiles", err)
	case "no-such-server":
		return fmt.Errorf("%w: write the name of one under IP, Hotspot, Servers into server, or leave the line out", err)
	case "session-closed", "no-such-item":
		return err // too slow, or gone since we looked: again
	case "":
		if answer.status == http.StatusNotFound {
			return &drivers.LinkDown{Err: fmt.Errorf("%w: there is no REST interface: url must lead to RouterOS 7.9 or later, with www-ssl switched on under IP, Services", err)}
		}
	}
	return nil
}

const deviceModeAdvice = "the router's device-mode forbids the hotspot: give /system/device-mode/update hotspot=yes and press its button within 5 minutes"

func hasCode(err error, code string) bool {
	answer, ok := errors.AsType[*answerError](err)
	return ok && answer.code == code
}

// gone reports whether the router says that a line or a menu is not there: 404
// where a path names it, 400 where an argument does. A 404 without the router's
// error object comes from something else.
func gone(err error) bool {
	return hasCode(err, "no-such-item") || notFound(err) && !hasCode(err, "")
}

func (m *mikrotik) rest(ctx context.Context, r request) error {
	r.path = "/rest" + r.path
	r.fault = routerFault
	return m.call(ctx, r)
}

// printLines reads the lines of a menu that have a value, or all if name is "".
func printLines[T any](ctx context.Context, m *mikrotik, menu, columns, name, value string, list *[]T) error {
	return m.show(ctx, menu, columns, name, value, listed(list))
}

// show reads a menu, which may be settings and no list.
func (m *mikrotik) show(ctx context.Context, menu, columns, name, value string, decode func(io.Reader) error) error {
	query := url.Values{".proplist": {columns}}
	if name != "" {
		query.Set(name, value)
	}
	return m.rest(ctx, request{method: http.MethodGet, path: menu, query: query, decode: decode})
}

var routerID = regexp.MustCompile(`^\*[0-9A-Fa-f]{1,16}$`)

var errNoID = errors.New("an entry has no usable id")

// named returns the users that have a stay's name. There can be one for each
// hotspot server.
func (m *mikrotik) named(ctx context.Context, stay Stay) ([]hotspotUser, error) {
	var list, mine []hotspotUser
	if err := printLines(ctx, m, routerUsers, userColumns, "name", stay.userName(), &list); err != nil {
		return nil, fmt.Errorf("look for the user: %w", err)
	}
	for _, u := range list {
		if !routerID.MatchString(u.ID) {
			return nil, fmt.Errorf("look for the user: %w", errNoID)
		}
		if s, ours := parseStamp(u.Comment); u.Name != stay.userName() || ours && s.key != stay.Key {
			continue
		}
		mine = append(mine, u)
	}
	return mine, nil
}

func (m *mikrotik) add(ctx context.Context, values map[string]string) (hotspotUser, error) {
	var u hotspotUser
	err := m.rest(ctx, request{method: http.MethodPut, path: routerUsers, body: values, decode: into(&u)})
	if err != nil {
		return u, fmt.Errorf("add a user: %w", err)
	}
	if !routerID.MatchString(u.ID) {
		return u, fmt.Errorf("add a user: %w", errNoID) // the next try finds it
	}
	return u, nil
}

// set changes a user. The id is of this moment: a restored back-up renumbers.
func (m *mikrotik) set(ctx context.Context, id string, values map[string]string) error {
	err := m.rest(ctx, request{method: http.MethodPatch, path: routerUsers + "/" + id, body: values, decode: ignore})
	if err != nil {
		return fmt.Errorf("change the user: %w", err)
	}
	return nil
}

// remove deletes a line of a menu; one that is gone already is fine.
func (m *mikrotik) remove(ctx context.Context, menu, id string) error {
	err := m.rest(ctx, request{method: http.MethodDelete, path: menu + "/" + id, decode: ignore})
	if err == nil || gone(err) {
		return nil
	}
	return fmt.Errorf("remove: %w", err)
}

// removeOf deletes all lines of a menu that belong to a user.
func (m *mikrotik) removeOf(ctx context.Context, menu, user string) (int, error) {
	var list []struct {
		ID   string `json:".id"`
		User string `json:"user"`
	}
	if err := printLines(ctx, m, menu, ".id,user", "user", user, &list); err != nil {
		return 0, fmt.Errorf("look into %s: %w", menu, err)
	}
	n := 0
	for _, line := range list {
		switch {
		case line.User != user:
			continue
		case !routerID.MatchString(line.ID):
			return n, fmt.Errorf("look into %s: %w", menu, errNoID)
		}
		if err := m.remove(ctx, menu, line.ID); err != nil {
			return n, fmt.Errorf("%s: %w", menu, err)
		}
		n++
	}
	return n, nil
}
