package wifi

import (
	"regexp"
	"slices"
	"strconv"
	"time"
)

// The rows of a stay, as FreeRADIUS's rlm_sql reads them. All ends are absolute
// and in seconds since 1970: a date in words is read in the server's own zone.

// Attributes that are looked for again.
const (
	attrPassword   = "Cleartext-Password"
	attrExpiration = "Expiration"
)

// markerPriority puts the marker behind every group that says something. The
// marker is a group without rows: FreeRADIUS asks for them and finds none.
const markerPriority = 100

const tierPriority = 1

// plan is the account that a grant asks for. Cleartext-Password is what CHAP
// needs: no hash will do.
func (r *Radius) plan(g Grant, user, secret string, until time.Time) account {
	a := account{
		user: user,
		check: []row{
			{attrPassword, ":=", secret},
			{attrExpiration, ":=", epochDigits(until)},
			{"Simultaneous-Use", ":=", strconv.Itoa(g.Devices)},
		},
		reply: []row{
			{"Idle-Timeout", ":=", strconv.Itoa(int(r.IdleTimeout / time.Second))},
			{"Acct-Interim-Interval", ":=", strconv.Itoa(int(r.Interim / time.Second))},
		},
		groups: []membership{{g.marker(), markerPriority}},
	}
	if g.Profile != "" {
		a.groups = append(a.groups, membership{g.Profile, tierPriority})
	}
	for _, maker := range radiusMakers {
		if slices.Contains(r.Attributes, maker) {
			a.reply = append(a.reply, radiusLimits[maker](g.Tier)...)
		}
	}
	return a
}

// radiusLimits are the limits of a tier as each maker has them.
var radiusLimits = map[string]func(Tier) []row{
	"wispr": func(t Tier) (rows []row) {
		// In bit/s, and Down is the guest's download.
		if t.DownKbps > 0 {
			rows = append(rows, row{"WISPr-Bandwidth-Max-Down", ":=", strconv.Itoa(t.DownKbps * 1000)})
		}
		if t.UpKbps > 0 {
			rows = append(rows, row{"WISPr-Bandwidth-Max-Up", ":=", strconv.Itoa(t.UpKbps * 1000)})
		}
		return rows
	},
	"mikrotik": func(t Tier) (rows []row) {
		// rx/tx as the router sees it: what it receives is the guest's upload.
		// Zero is no limit there as here.
		if t.DownKbps > 0 || t.UpKbps > 0 {
			rows = append(rows, row{"Mikrotik-Rate-Limit", ":=", strconv.Itoa(t.UpKbps) + "k/" + strconv.Itoa(t.DownKbps) + "k"})
		}
		return append(rows, octets(t.DataMB, "Mikrotik-Total-Limit", "Mikrotik-Total-Limit-Gigawords")...)
	},
	"chillispot": func(t Tier) []row {
		rows := []row{}
		if t.DownKbps > 0 {
			rows = append(rows, row{"ChilliSpot-Bandwidth-Max-Down", ":=", strconv.Itoa(t.DownKbps)})
		}
		if t.UpKbps > 0 {
			rows = append(rows, row{"ChilliSpot-Bandwidth-Max-Up", ":=", strconv.Itoa(t.UpKbps)})
		}
		// Its partner for more than 32 bits is unknown to FreeRADIUS, which
		// refuses a guest over an attribute that it does not know.
		return append(rows, octets(min(t.DataMB, 0xffff_ffff/1_000_000), "ChilliSpot-Max-Total-Octets", "")...)
	},
}

// octets is a data cap: 32 bits, and what does not fit into them beside it.
func octets(megabytes int, low, high string) []row {
	if megabytes == 0 {
		return nil
	}
	n := uint64(megabytes) * 1_000_000
	rows := []row{{low, ":=", strconv.FormatUint(n&0xffff_ffff, 10)}}
	if n > 0xffff_ffff {
		rows = append(rows, row{high, ":=", strconv.FormatUint(n>>32, 10)})
	}
	return rows
}

// value is that of an attribute among rows; "" if there is none.
func value(rows []row, attribute string) string {
	for _, r := range rows {
		if r.attribute == attribute {
			return r.value
		}
	}
	return ""
}

var epochFormat = regexp.MustCompile(`^[0-9]{1,11}$`)

// epoch reads an Expiration of ours; zero for any other.
func epoch(text string) time.Time {
	if !epochFormat.MatchString(text) {
		return time.Time{}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(n, 0)
}

// same reports whether two accounts have the same rows, in whatever order.
func (a account) same(b account) bool {
	return a.user == b.user && sameRows(a.check, b.check) && sameRows(a.reply, b.reply) && sameRows(a.groups, b.groups)
}

func sameRows[T comparable](a, b []T) bool {
	if len(a) != len(b) {
		return false
	}
	rest := slices.Clone(b)
	for _, x := range a {
		i := slices.Index(rest, x)
		if i < 0 {
			return false
		}
		rest = slices.Delete(rest, i, i+1)
	}
	return true
}

func (a account) empty() bool { return len(a.check)+len(a.reply)+len(a.groups) == 0 }

// marked reports whether the account is that of a stay of ours.
func (a account) marked(marker string) bool {
	return slices.ContainsFunc(a.groups, func(m membership) bool { return m.group == marker })
}
