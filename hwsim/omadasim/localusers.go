package omadasim

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// localUser is a local user as it is written. Pointers are fields that must be there.
type localUser struct {
	Password *string    `json:"password"`
	Enabled  *bool      `json:"enable"`
	Expires  *int64     `json:"expirationTime"`
	Binding  *int       `json:"bindingType"`
	MAC      string     `json:"macAddress,omitempty"`
	MaxUsers *int       `json:"maxUsers"`
	Name     string     `json:"name,omitempty"`
	Phone    string     `json:"phone,omitempty"`
	Rate     *rateLimit `json:"rateLimit"`
	traffic
	Portals  *[]string       `json:"portals"`
	All      bool            `json:"applyToAllPortals"`
	Logout   *bool           `json:"logout,omitempty"`
	HasDaily *bool           `json:"dailyLimitEnable,omitempty"`
	Daily    json.RawMessage `json:"dailyLimit,omitempty"`

	id, userName string
	chosen       []string // portals; nil is all
}

func (u *localUser) expires() time.Time { return time.UnixMilli(*u.Expires) }

func (c *Controller) localUsers(s *site, r *http.Request, rest []string, body []byte) answer {
	switch {
	case len(rest) == 0 && r.Method == http.MethodGet:
		search := strings.ToLower(r.URL.Query().Get("searchKey"))
		var list []map[string]any
		for _, u := range s.users {
			if strings.Contains(strings.ToLower(u.userName), search) {
				list = append(list, s.userObject(u, c.now()))
			}
		}
		return paged(r, list)
	case len(rest) == 0 && r.Method == http.MethodPost:
		return c.createUser(s, r, body)
	case len(rest) != 1:
		return fail(codeInvalid, "no such resource")
	}
	at := slices.IndexFunc(s.users, func(u *localUser) bool { return u.id == rest[0] })
	switch {
	case at < 0:
		return fail(codeUnknownID, "no local user %q", rest[0])
	case r.Method == http.MethodPost:
		return c.modifyUser(s, s.users[at], r, body)
	case r.Method == http.MethodDelete:
		s.users = slices.Delete(s.users, at, at+1)
		return done(nil)
	}
	return fail(codeInvalid, "no such method here")
}

// userObject is how a user is read: portals by name, unlike how it is written.
func (s *site) userObject(u *localUser, now time.Time) map[string]any {
	o := map[string]any{
		"id": u.id, "userName": u.userName, "password": *u.Password, "enable": *u.Enabled, "expirationTime": *u.Expires,
		"bindingType": *u.Binding, "maxUsers": *u.MaxUsers, "name": u.Name, "phone": u.Phone, "rateLimit": u.Rate,
		"trafficLimitEnable": *u.Capped, "portals": s.names(u.chosen), "applyToAllPortals": u.All,
		"used": len(s.valid(now, func(r *record) bool { return r.userName == u.userName })), "overtime": !now.Before(u.expires()),
	}
	if u.MAC != "" {
		o["macAddress"] = u.MAC
	}
	if u.MB != nil {
		o["trafficLimit"] = *u.MB
	}
	if u.Every != nil {
		o["trafficLimitFrequency"] = *u.Every
	}
	if u.HasDaily != nil {
		o["dailyLimitEnable"], o["dailyLimit"] = *u.HasDaily, u.Daily
	}
	if u.Logout != nil {
		o["logout"] = *u.Logout
	}
	return o
}

var visible = regexp.MustCompile(`^[!-~]{1,128}$`)

func (c *Controller) createUser(s *site, r *http.Request, body []byte) answer {
	var in struct {
		UserName *string `json:"userName"`
		localUser
	}
	if err := decode(r, body, &in); err != nil {
		return fail(codeInvalid, "%v", err)
	}
	if in.UserName == nil || !visible.MatchString(*in.UserName) {
		return fail(codeInvalid, "userName must be 1 to 128 visible ASCII characters")
	}
	u := &in.localUser
	u.userName = *in.UserName
	if wrong := s.checkUser(u); wrong != nil {
		return *wrong
	}
	if slices.ContainsFunc(s.users, func(o *localUser) bool { return o.userName == u.userName }) {
		return fail(codeUserExists, "Local user %q exists, yours has the password %q", u.userName, *u.Password)
	}
	if len(s.users) >= c.opts.MaxUsers {
		return fail(codeUserLimit, "The number of local users has reached the limit.")
	}
	u.id = s.nextID("user")
	s.users = append(s.users, u)
	return done(map[string]any{"id": u.id})
}

// modifyUser takes the whole object but for the name.
func (c *Controller) modifyUser(s *site, was *localUser, r *http.Request, body []byte) answer {
	var in localUser
	if err := decode(r, body, &in); err != nil {
		return fail(codeInvalid, "%v", err)
	}
	in.id, in.userName = was.id, was.userName
	if wrong := s.checkUser(&in); wrong != nil {
		return *wrong
	}
	if *in.MaxUsers != *was.MaxUsers {
		return fail(codeInvalid, "maxUsers cannot be modified")
	}
	*was = in
	return done(nil)
}

func (s *site) checkUser(u *localUser) *answer {
	bad := func(a answer) *answer { return &a }
	switch {
	case u.Password == nil || u.Enabled == nil || u.Expires == nil || u.Binding == nil || u.MaxUsers == nil || u.Portals == nil:
		return bad(fail(codeInvalid, "password, enable, expirationTime, bindingType, maxUsers and portals are required"))
	case *u.Password == "" || len(*u.Password) > 128:
		return bad(fail(codeInvalid, "password must have 1 to 128 characters"))
	case *u.Expires < 1_000_000_000_000:
		return bad(fail(codeInvalid, "expirationTime is in ms"))
	case *u.Binding < 0 || *u.Binding > 2:
		return bad(fail(codeInvalid, "bindingType must be 0 to 2"))
	case *u.Binding == 1 && len(u.MAC) != 17:
		return bad(fail(codeBoundMAC, "the MAC address is invalid"))
	case *u.MaxUsers < 1 || *u.MaxUsers > 2048:
		return bad(fail(codeInvalid, "maxUsers must be 1 to 2048"))
	case len(u.Name) > 128 || strings.Contains(u.Name, " ") || len(u.Phone) > 20:
		return bad(fail(codeInvalid, "name or phone is out of range"))
	}
	if code, err := u.Rate.check(); err != nil {
		return bad(fail(code, "%v", err))
	}
	if err := u.check(); err != nil {
		return bad(fail(codeInvalid, "%v", err))
	}
	var wrong *answer
	u.chosen, wrong = s.choose(u.All, *u.Portals, typeLocalUser, codeNoUserPage)
	return wrong
}

// SetUser changes the first site's user of that name as a person at the
// controller's page would: a phone number, and a limit of two hours a day.
func (c *Controller) SetUser(userName, phone string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range c.sites[0].users {
		if u.userName == userName {
			on := true
			u.Phone, u.HasDaily, u.Daily = phone, &on, json.RawMessage(`{"authTimeout":3}`)
			return true
		}
	}
	return false
}

// Phone is the phone number of the first site's user of that name, and whether
// it has a limit a day.
func (c *Controller) Phone(userName string) (phone string, daily bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range c.sites[0].users {
		if u.userName == userName {
			return u.Phone, u.HasDaily != nil && *u.HasDaily && len(u.Daily) > 0
		}
	}
	return "", false
}

// AddUser makes a local user as a person at the controller's page would: for a
// day, all portals, any number of devices and no limits.
func (c *Controller) AddUser(userName, password string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sites[0]
	on, off, mode, binding, devices := true, false, 0, 0, 2048
	end := c.now().Add(24 * time.Hour).UnixMilli()
	s.users = append(s.users, &localUser{id: s.nextID("user"), userName: userName, Password: &password, Enabled: &on, Expires: &end,
		Binding: &binding, MaxUsers: &devices, All: true, traffic: traffic{Capped: &off},
		Rate: &rateLimit{Mode: &mode, Custom: &customRates{HasDown: &off, HasUp: &off}}})
}
