package nomadixsim

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// command is one that the gateway knows.
type command struct {
	newer bool // on newer firmware only
	attrs []string
	// children that it takes, with the most characters of each; 0 is any.
	children map[string]int
	need     []string
	run      func(*Gateway, element) reply
}

var commands = map[string]command{
	"USER_ADD": {
		attrs: []string{"MAC_ADDR"},
		children: map[string]int{
			"USER_NAME": 96, "PASSWORD": 128, "EXPIRY_TIME": 10, "COUNTDOWN": 1, "ROOM_NUMBER": 8,
			"PAYMENT_METHOD": 0, "CONFIRMATION": 0, "PAYMENT": 0, "PLAN": 0, "IP_TYPE": 0,
			"BANDWIDTH_MAX_UP": 10, "BANDWIDTH_MAX_DOWN": 10, "QOS_POLICY": 0, "USER_DEF1": 128, "USER_DEF2": 128, "CLASS_NAME": 0,
		},
		run: (*Gateway).userAdd,
	},
	"ACCESS_CODE_ADD": {
		newer:    true,
		children: map[string]int{"USER_NAME": 96, "EXPIRY_TIME": 10, "VALID_UNTIL": 40, "GROUP_USERS_MAX": 4},
		need:     []string{"USER_NAME", "VALID_UNTIL"},
		run:      (*Gateway).groupAdd,
	},
	"GROUP_ADD": {
		newer:    true,
		children: map[string]int{"USER_NAME": 96, "PASSWORD": 128, "EXPIRY_TIME": 10, "VALID_UNTIL": 40, "GROUP_USERS_MAX": 4},
		need:     []string{"USER_NAME", "PASSWORD", "VALID_UNTIL"},
		run:      (*Gateway).groupAdd,
	},
	"USER_DELETE":    {children: map[string]int{"USER": 96}, need: []string{"USER"}, run: (*Gateway).userDelete},
	"USER_QUERY":     {children: map[string]int{"USER": 96}, need: []string{"USER"}, run: (*Gateway).userQuery},
	"LOGOUT":         {children: map[string]int{"SUB_MAC_ADDR": 12, "SUB_USER_NAME": 96}, run: (*Gateway).logout},
	"CACHE_UPDATE":   {attrs: []string{"MAC_ADDR"}, children: map[string]int{"PAYMENT_METHOD": 0}, run: (*Gateway).cacheUpdate},
	"USER_AUTHORIZE": {attrs: []string{"MAC_ADDR"}, run: (*Gateway).userAuthorize},
}

var macFormat = regexp.MustCompile(`^[0-9A-F]{12}$`)

// command carries out what a request says, strictly.
func (g *Gateway) command(body []byte) reply {
	root, err := parse(body)
	if err != nil {
		return fail(100)
	}
	name := root.attr("COMMAND")
	known := commands[name]
	if known.run == nil || known.newer && !g.opts.Newer {
		return fail(101)
	}
	for _, a := range root.Attrs {
		if a.Name.Local != "COMMAND" && !slices.Contains(known.attrs, a.Name.Local) {
			return fail(100)
		}
	}
	seen := map[string]bool{}
	for _, c := range root.Children {
		most, ok := known.children[c.XMLName.Local]
		if !ok || seen[c.XMLName.Local] || len(c.Children) > 0 || most > 0 && len(c.Text) > most {
			return fail(100)
		}
		seen[c.XMLName.Local] = true
	}
	for _, need := range known.need {
		if root.child(need).Text == "" {
			return fail(103)
		}
	}
	if g.opts.NoAAA {
		return fail(207)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forgetExpired()
	return known.run(g, root)
}

func (g *Gateway) userAdd(root element) reply {
	name := root.child("USER_NAME").Text
	down, okDown := number(root.child("BANDWIDTH_MAX_DOWN").Text)
	up, okUp := number(root.child("BANDWIDTH_MAX_UP").Text)
	lasts, number := duration(root.child("EXPIRY_TIME"))
	switch method := root.child("PAYMENT_METHOD").Text; {
	case name == "":
		return fail(103)
	case number != 0:
		return fail(number)
	case lasts == 0 || !okDown || !okUp:
		return fail(103)
	case root.child("PASSWORD").Text != "" && root.child("PASSWORD").attr("ENCRYPT") != "FALSE":
		return fail(102) // encrypted ones are not simulated
	case !slices.Contains([]string{"", "RADIUS", "PMS", "CREDIT_CARD", "ROOM_OPEN"}, method):
		return fail(303)
	}
	room := root.child("ROOM_NUMBER").Text
	if room != "" && g.opts.Rooms != nil && !slices.Contains(g.opts.Rooms, room) {
		return fail(200)
	}
	a := &account{name: name, password: root.child("PASSWORD").Text, room: room, lasts: lasts,
		down: down, up: up, marker: root.child("USER_DEF1").Text}
	switch root.child("COUNTDOWN").Text {
	case "", "0":
		a.end = g.now().Add(lasts)
	case "1": // the clock runs while somebody is on: it starts at the first log-in
	default:
		return fail(103)
	}
	return g.add(a)
}

func (g *Gateway) groupAdd(root element) reply {
	until, err := time.Parse(time.RFC3339, root.child("VALID_UNTIL").Text)
	if err != nil || !until.After(g.now()) {
		return fail(103)
	}
	lasts, failed := duration(root.child("EXPIRY_TIME"))
	if failed != 0 {
		return fail(failed)
	}
	most, ok := number(root.child("GROUP_USERS_MAX").Text)
	if !ok {
		return fail(103)
	}
	if p := root.child("PASSWORD"); p.Text != "" && p.attr("ENCRYPT") != "FALSE" {
		return fail(102)
	}
	return g.add(&account{name: root.child("USER_NAME").Text, password: root.child("PASSWORD").Text,
		lasts: lasts, end: until, group: true, most: most})
}

func (g *Gateway) add(a *account) reply {
	if _, ok := g.accounts[a.name]; ok {
		return fail(204)
	}
	if len(g.accounts) >= g.opts.Most {
		return fail(205)
	}
	g.accounts[a.name] = a
	return reply{}
}

// named finds the account that a USER element means.
func (g *Gateway) named(user element) (*account, int) {
	switch user.attr("ID_TYPE") {
	case "USER_NAME":
		if a, ok := g.accounts[user.Text]; ok {
			return a, 0
		}
		return nil, 201
	case "MAC_ADDR":
		if s, ok := g.sessions[user.Text]; ok && macFormat.MatchString(user.Text) {
			if a, ok := g.accounts[s.user]; ok {
				return a, 0
			}
		}
		return nil, 202
	}
	return nil, 102
}

func (g *Gateway) userDelete(root element) reply {
	a, failed := g.named(root.child("USER"))
	if failed != 0 {
		return fail(failed)
	}
	delete(g.accounts, a.name) // whoever is on stays on
	return reply{}
}

func (g *Gateway) userQuery(root element) reply {
	a, failed := g.named(root.child("USER"))
	if failed != 0 {
		return fail(failed)
	}
	left := a.lasts
	if !a.group && !a.end.IsZero() {
		left = a.end.Sub(g.now())
	}
	fields := []element{
		field("MAC_ADDR", g.newestMAC(a.name)),
		field("USER_NAME", a.name),
		field("PASSWORD", a.password),
		field("EXPIRY_TIME", strconv.Itoa(int(left/time.Second)), "UNITS", "SECONDS"),
		field("ROOM_NUMBER", a.room),
		field("PAYMENT_METHOD", ""),
		field("DATA_VOLUME", "0"),
	}
	if a.group {
		fields = append(fields, field("VALID_UNTIL", a.end.UTC().Format(time.RFC3339)))
	}
	return reply{fields: fields}
}

func (g *Gateway) userAuthorize(root element) reply {
	mac := root.attr("MAC_ADDR")
	if !macFormat.MatchString(mac) {
		return fail(102)
	}
	status := "INVALID_USER"
	if s, ok := g.sessions[mac]; ok && g.now().Before(s.end) {
		status = "VALID_USER"
	}
	return reply{fields: []element{field("STATUS", status)}}
}

// duration is an EXPIRY_TIME: a number and its unit. None is zero.
func duration(e element) (time.Duration, int) {
	if e.Text == "" {
		return 0, 0
	}
	unit := map[string]time.Duration{"SECONDS": time.Second, "MINUTES": time.Minute, "HOURS": time.Hour, "DAYS": 24 * time.Hour}[e.attr("UNITS")]
	n, ok := number(e.Text)
	switch {
	case unit == 0:
		return 0, 102
	case !ok || n < 1:
		return 0, 103
	}
	return time.Duration(n) * unit, 0
}

// number is what a field holds: none is zero.
func number(text string) (int, bool) {
	if text == "" {
		return 0, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n > 0 && !strings.HasPrefix(text, "+")
}
