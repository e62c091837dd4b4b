package wifi

import (
	"regexp"
	"sync"
	"time"
)

// TP-Link Omada by its Open API, which controllers have from version 5 on. A
// guest gets a local user, with a name and a password of ours and an absolute
// end that can be moved, or a voucher, whose code the controller makes and
// whose window cannot be changed.
//
//	omadaBoth --> omadaUsers, omadaVouchers --> omada.onSite --> api --> ask --> client
//	                                                             |
//	                                                token, refreshed or fetched anew
//
// A device that is online has a record of its own with its own end: neither a
// longer credential nor a deleted one is known to change it. So an extension
// moves the records' ends too, and a cut disconnects them.

type omada struct {
	*client
	tokens omadaTokens
	// hotspot is the kind of log-in that a portal must offer.
	hotspot hotspotType

	mu      sync.Mutex
	siteID  string
	portals []string // ids of the portals that are set; nil before they are known
}

// hotspotType is a kind of log-in at a portal, as hotspotTypes numbers it.
type hotspotType int

const (
	byVoucher   hotspotType = 3
	byLocalUser hotspotType = 5
)

func (h hotspotType) String() string {
	if h == byVoucher {
		return "Voucher"
	}
	return "Local User"
}

const (
	omadaUsersMode    = "users"
	omadaVouchersMode = "vouchers"

	// omadaEvery keeps to the 10 requests a second that a controller allows.
	omadaEvery = 100 * time.Millisecond
)

func newOmada(c *client, cfg Config) controller {
	o := &omada{client: c, tokens: newOmadaTokens(), hotspot: byLocalUser}
	c.pace.single, c.pace.every = true, omadaEvery
	c.manners = manners{
		sign:      signOmada,
		explain:   o.explain,
		refused:   "client refused: compare client_id and the file of client_secret_file with Settings, Platform Integration, Open API",
		rights:    "the client lacks the right: give its role Site Hotspot Manager, view and modify",
		elsewhere: "write the interface access address that the page of the Open API client shows into url",
	}
	if cfg.Credentials == omadaVouchersMode {
		o.hotspot = byVoucher
		return &omadaBoth{&omadaVouchers{o}, &omadaUsers{o}}
	}
	return &omadaBoth{&omadaUsers{o}, &omadaVouchers{o}}
}

// omadaID is what an identifier looks like that may go into a path.
var omadaID = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

// omadaEnd is the end that a credential should have: the one that it has, if
// the stay's departure lies in the past and that end is still to come.
// Otherwise each repetition would give another four hours.
func omadaEnd(g Grant, has, now time.Time) time.Time {
	if !g.Overdue {
		return g.Until
	}
	least := g.Departed
	if now.After(least) {
		least = now
	}
	if has.Before(least) || has.After(g.Until) {
		return g.Until
	}
	return has
}

// omadaRate is a limit of rates in kbit/s, down and up as the guest sees them.
// Mode 0 has them here, mode 1 in a profile of the controller.
type omadaRate struct {
	Mode    int               `json:"mode"`
	Profile string            `json:"rateLimitProfileId,omitempty"`
	Custom  *omadaCustomRates `json:"customRateLimit,omitempty"`
}

type omadaCustomRates struct {
	HasDown bool `json:"downLimitEnable"`
	Down    int  `json:"downLimit,omitempty"`
	HasUp   bool `json:"upLimitEnable"`
	Up      int  `json:"upLimit,omitempty"`
}

func omadaRates(t Tier) omadaRate {
	return omadaRate{Custom: &omadaCustomRates{HasDown: t.DownKbps > 0, Down: t.DownKbps, HasUp: t.UpKbps > 0, Up: t.UpKbps}}
}

// same reports whether two limits let through the same.
func (r omadaRate) same(as omadaRate) bool {
	return r.Mode == as.Mode && r.Profile == as.Profile && r.custom() == as.custom()
}

func (r omadaRate) custom() omadaCustomRates {
	if r.Custom == nil {
		return omadaCustomRates{}
	}
	c := *r.Custom
	if !c.HasDown {
		c.Down = 0
	}
	if !c.HasUp {
		c.Up = 0
	}
	return c
}

// firstMade is when the stay's first credential was made, as far as known.
func (s Stay) firstMade(now time.Time) time.Time {
	if since, err := time.Parse(time.RFC3339, s.Known["since"]); err == nil {
		return since
	}
	return now
}
