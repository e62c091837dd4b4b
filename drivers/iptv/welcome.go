package iptv

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"edgeagent/drivers"
)

// Limits of the contract.
const (
	major       = 1
	sizeGoal    = 4 << 10  // a welcome is cut down to this
	maxDocument = 16 << 10 // nothing larger is published or believed
	// unknownStay is how long a screen stands whose departure nobody knows.
	unknownStay = 30 * 24 * time.Hour
)

// welcomeDoc is the desired state of a screen, as it is retained at the broker.
type welcomeDoc struct {
	V         int        `json:"v"`
	Gen       int64      `json:"gen"`
	ID        string     `json:"id"`
	Room      string     `json:"room"`
	Stay      string     `json:"stay"`
	Occupied  bool       `json:"occupied"`
	Guests    []guestDoc `json:"guests"`
	Greeting  string     `json:"greeting,omitempty"` // for a set without words of its own in Lang
	Lang      string     `json:"lang"`
	Dir       string     `json:"dir"`
	VIP       string     `json:"vip,omitempty"`
	Group     string     `json:"group,omitempty"`
	Arrival   string     `json:"arrival,omitempty"`
	Departure string     `json:"departure,omitempty"`
	TZ        string     `json:"tz"`
	DND       bool       `json:"dnd"`
	Rights    rightsDoc  `json:"rights"`
	PowerOn   bool       `json:"power_on"`
	Wifi      *wifiDoc   `json:"wifi,omitempty"`
	Template  string     `json:"template,omitempty"`
	Messages  []noteDoc  `json:"messages,omitempty"` // oldest first; they go with the stay
	IssuedAt  string     `json:"issued_at"`
	ExpiresAt string     `json:"expires_at"`

	// floating says that expires_at hangs on the moment of issue, not on the stay.
	floating bool
	how      *manners // of Greeting
}

type rightsDoc struct {
	PayTV    bool `json:"paytv"`
	Adult    bool `json:"adult"`
	Bill     bool `json:"bill"`
	Checkout bool `json:"checkout"`
}

type wifiDoc struct {
	SSID string `json:"ssid"`
	User string `json:"user,omitempty"` // where the code alone is not enough
	Code string `json:"code"`
}

// wifi is what a stay's guest types to get on, as far as it is known by now and
// the property lets it be shown.
func (d *Driver) wifi(stay string) *wifiDoc {
	if d.cfg.ShowWifi == "" || d.site.Known == nil {
		return nil
	}
	known := d.site.Known(d.cfg.ShowWifi, "stay:"+stay)
	if !drivers.LetsIn(known, d.now()) {
		return nil
	}
	w := &wifiDoc{SSID: clean(known["ssid"], maxName), User: clean(known["user"], maxName), Code: clean(known["code"], maxName)}
	if w.SSID == "" || w.Code == "" {
		return nil // half of it helps nobody, and sets would refuse the greeting for it
	}
	return w
}

// revisions is how many publications of one command's screen gen can tell apart.
const revisions = 16

// sequences keeps gen below 2^53: a set that is a web page knows whole numbers
// exactly only up to there. The store counts from its first day in microseconds,
// so what is cut off stays the same for 17 years; should it change between one
// store and the next, put makes the sets take the lower number.
const sequences = (1 << 53) / revisions

// generation is the gen of the first publication of a command.
func generation(seq int64) int64 { return seq % sequences * revisions }

// document makes the screen that a welcome command asks for. Its gen comes from
// the command's Seq, which grows with every command, also across restarts; what
// is left between two is for the same screen with more on it.
func (d *Driver) document(cmd drivers.Command) (*welcomeDoc, error) {
	p := cmd.Params
	room, stay := clean(p["room"], maxName), clean(p["stay"], maxName)
	if room == "" || stay == "" {
		return nil, fmt.Errorf("%w: a welcome needs room and stay", drivers.ErrRefused)
	}
	guests, err := readGuests(p["guests"])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", drivers.ErrRefused, err)
	}
	tag := d.tongue(p["language"])
	now := d.now()
	doc := &welcomeDoc{
		V: major, Gen: generation(cmd.Seq), ID: newID(), Room: room, Stay: stay, Occupied: true,
		Lang: tag.String(), Dir: direction(tag), how: d.phrases.speech(tag, d.tongue("")),
		VIP: clean(p["vip"], 32), Group: clean(p["group"], maxName), TZ: d.zone.String(), DND: isTrue(p["dnd"]),
		Rights: readRights(p["rights"]), Template: clean(d.template(p), maxName),
		IssuedAt: now.In(d.zone).Format(time.RFC3339),
	}
	doc.Guests, doc.Greeting = d.phrases.address(guests, tag, d.tongue(""), doc.how, d.cfg.NameStyle)
	doc.PowerOn = d.cfg.PowerOnCheckin && isTrue(p["fresh"]) && !doc.DND && !d.old(cmd)
	doc.Wifi = d.wifi(stay)
	if err := doc.setTimes(d, p["arrival"], p["departure"], now); err != nil {
		return nil, err
	}
	return doc, doc.fit()
}

// template is the screen template of a stay: what the rule says, else that of
// the VIP tier, of the group, and at last the hotel's. The guest goes before
// the party.
func (d *Driver) template(p map[string]string) string {
	own := orElse(lookup(d.cfg.TemplateByVIP, p["vip"]), lookup(d.cfg.TemplateByGroup, p["group"]))
	return orElse(p["template"], orElse(own, d.cfg.Template))
}

// lookup finds a key however it is written: PMSs do not agree on capitals.
func lookup(table map[string]string, key string) string {
	for _, known := range sortedKeys(table) {
		if upper(known) == upper(key) {
			return table[known]
		}
	}
	return ""
}

// old says that the command has waited so long, for the broker or for a
// restart, that its check-in is no news any more.
func (d *Driver) old(cmd drivers.Command) bool {
	return !cmd.Accepted.IsZero() && d.now().Sub(cmd.Accepted) > d.cfg.FreshFor
}

func (w *welcomeDoc) setTimes(d *Driver, arrival, departure string, now time.Time) error {
	ends := now.Add(unknownStay)
	w.floating = true
	for _, t := range []struct {
		name, text string
		into       *string
	}{{"arrival", arrival, &w.Arrival}, {"departure", departure, &w.Departure}} {
		if t.text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, t.text)
		if err != nil {
			return fmt.Errorf("%w: %s is no RFC 3339 time", drivers.ErrRefused, t.name)
		}
		*t.into = at.In(d.zone).Format(time.RFC3339)
		if t.name == "departure" {
			ends, w.floating = at.Add(d.cfg.Grace), false
		}
	}
	// Who is due out and has not left is still a guest.
	if soonest := now.Add(d.cfg.Grace); ends.Before(soonest) {
		ends, w.floating = soonest, true
	}
	w.ExpiresAt = ends.In(d.zone).Format(time.RFC3339)
	return nil
}

// fit drops what the screen can do without until the document has a size that
// every set takes.
func (w *welcomeDoc) fit() error {
	for len(w.Messages) > 0 && (len(w.Messages) > maxNotes || len(w.encode()) > sizeGoal) {
		w.Messages = w.Messages[1:]
	}
	for len(w.Guests) > 1 && len(w.encode()) > sizeGoal {
		w.Guests = w.Guests[:len(w.Guests)-1]
		if w.how != nil { // else the broker had it, and it fitted
			var names []string
			for _, g := range w.Guests {
				names = append(names, g.Display)
			}
			w.Greeting = w.how.greet(names)
		}
	}
	if size := len(w.encode()); size > maxDocument {
		return fmt.Errorf("%w: the welcome would be %d bytes, more than %d", drivers.ErrRefused, size, maxDocument)
	}
	return nil
}

func (w *welcomeDoc) encode() []byte {
	var text bytes.Buffer
	coder := json.NewEncoder(&text)
	coder.SetEscapeHTML(false) // names are text; escaping belongs to whoever draws them
	if err := coder.Encode(w); err != nil {
		return nil // strings, numbers and flags always encode
	}
	return bytes.TrimSpace(text.Bytes())
}

// same says whether both put the same on the screen: all but what belongs to a
// single publication, and messages, which no setting knows of.
func (w *welcomeDoc) same(other *welcomeDoc) bool {
	a, b := *w, *other
	for _, doc := range []*welcomeDoc{&a, &b} {
		doc.Gen, doc.ID, doc.IssuedAt, doc.PowerOn, doc.Messages = 0, "", "", false, nil
		if w.floating || other.floating {
			doc.ExpiresAt = ""
		}
	}
	return bytes.Equal(a.encode(), b.encode())
}

// overdue says that the stay should have ended long ago. Its screen is left as
// it is, but not put up again.
func (w *welcomeDoc) overdue(now time.Time, grace time.Duration) bool {
	at, err := time.Parse(time.RFC3339, w.Departure)
	return err == nil && !at.Add(grace).After(now)
}

// readWelcome reads what the broker retains. What is not of this contract is
// an unknown screen: a document without a stay.
func readWelcome(payload []byte) *welcomeDoc {
	doc := &welcomeDoc{}
	if len(payload) > maxDocument || json.Unmarshal(payload, doc) != nil || doc.V != major {
		return &welcomeDoc{}
	}
	return doc
}

func readRights(text string) rightsDoc {
	var r rightsDoc
	for right := range strings.SplitSeq(text, ",") {
		switch strings.TrimSpace(right) {
		case "paytv":
			r.PayTV = true
		case "adult":
			r.Adult = true
		case "bill":
			r.Bill = true
		case "checkout":
			r.Checkout = true
		}
	}
	return r
}

func isTrue(text string) bool {
	yes, err := strconv.ParseBool(text)
	return err == nil && yes
}

// newID names a publication.
func newID() string { return rand.Text() }
