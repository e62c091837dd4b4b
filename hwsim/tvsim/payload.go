package tvsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// What a set reads. Unknown fields are ignored, unknown majors are not.
const (
	major       = 1
	maxDocument = 16 << 10
	maxName     = 64 // runes
)

type guestDoc struct {
	Salutation string `json:"salutation"`
	First      string `json:"first"`
	Last       string `json:"last"`
	Display    string `json:"display"`
}

type welcomeDoc struct {
	V         *int       `json:"v"`
	Gen       int64      `json:"gen"`
	ID        string     `json:"id"`
	Room      string     `json:"room"`
	Stay      string     `json:"stay"`
	Occupied  bool       `json:"occupied"`
	Guests    []guestDoc `json:"guests"`
	Greeting  string     `json:"greeting"`
	Lang      string     `json:"lang"`
	Dir       string     `json:"dir"`
	VIP       string     `json:"vip"`
	Group     string     `json:"group"`
	Departure string     `json:"departure"`
	TZ        string     `json:"tz"`
	DND       bool       `json:"dnd"`
	PowerOn   bool       `json:"power_on"`
	Template  string     `json:"template"`
	WiFi      *wifiDoc   `json:"wifi"`
	Messages  []noteDoc  `json:"messages"`
	IssuedAt  string     `json:"issued_at"`
	ExpiresAt string     `json:"expires_at"`
}

type wifiDoc struct {
	SSID string `json:"ssid"`
	User string `json:"user"`
	Code string `json:"code"`
}

// check wants what a guest needs to get on: half of it is no help to him.
func (w *wifiDoc) check() error {
	if w == nil {
		return nil
	}
	if w.SSID == "" || w.Code == "" {
		return errors.New("wifi lacks ssid or code")
	}
	for field, text := range map[string]string{"ssid": w.SSID, "user": w.User, "code": w.Code} {
		if strings.ContainsFunc(text, isBidi) || utf8.RuneCountInString(text) > maxName {
			return fmt.Errorf("wifi: %s holds bidi controls or is longer than %d characters", field, maxName)
		}
		if err := plain(field, text); err != nil {
			return fmt.Errorf("wifi: %w", err)
		}
	}
	return nil
}

// line is what is drawn of it.
func (w *wifiDoc) line() string {
	if w == nil {
		return ""
	}
	return strings.Join(strings.Fields(w.SSID+" "+w.User+" "+w.Code), " ")
}

// noteDoc is a message that waits in the welcome.
type noteDoc struct {
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	Title     string `json:"title"`
	Body      string `json:"body"`
	Lang      string `json:"lang"`
	Dir       string `json:"dir"`
	CreatedAt string `json:"created_at"`
}

func (n noteDoc) check() error {
	_, err := time.Parse(time.RFC3339, n.CreatedAt)
	if n.ID == "" || n.Body == "" || err != nil || !isolated(n.Title) || !isolated(n.Body) {
		return errors.New("malformed message")
	}
	return nil
}

type messageDoc struct {
	V         *int   `json:"v"`
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	Title     string `json:"title"`
	Body      string `json:"body"`
	Lang      string `json:"lang"`
	Dir       string `json:"dir"`
	Urgent    bool   `json:"urgent"`
	ExpiresAt string `json:"expires_at"`
	Stay      string `json:"stay"`
}

type commandDoc struct {
	V       *int   `json:"v"`
	ID      string `json:"id"`
	Command string `json:"command"`
	On      bool   `json:"on"`
}

type ackDoc struct {
	V      int    `json:"v"`
	ID     string `json:"id,omitempty"`
	Gen    int64  `json:"gen"`
	TV     string `json:"tv"`
	Result string `json:"result"`
	Detail string `json:"detail,omitempty"`
	At     string `json:"at"`
}

type eventDoc struct {
	V     int    `json:"v"`
	TV    string `json:"tv"`
	Event string `json:"event"`
	At    string `json:"at"`
}

type stateDoc struct {
	V        int    `json:"v"`
	State    string `json:"state"`
	App      string `json:"app,omitempty"`
	ShownGen int64  `json:"shown_gen"`
}

var errMajor = errors.New("unknown major version")

// readWelcome parses a welcome and holds it against every rule about its form.
func readWelcome(payload []byte) (doc welcomeDoc, expires time.Time, err error) {
	if len(payload) > maxDocument {
		return doc, expires, fmt.Errorf("%d bytes, limit %d", len(payload), maxDocument)
	}
	if err := json.Unmarshal(payload, &doc); err != nil {
		return doc, expires, errors.New("not a JSON object of the right shape")
	}
	if doc.V == nil || *doc.V != major {
		return doc, expires, errMajor
	}
	switch {
	case doc.Gen <= 0:
		return doc, expires, errors.New("gen is not positive")
	case doc.ID == "" || doc.Room == "" || doc.Stay == "":
		return doc, expires, errors.New("id, room or stay is missing")
	case !doc.Occupied:
		return doc, expires, errors.New("occupied is false; vacant is the empty payload")
	case doc.Dir != "ltr" && doc.Dir != "rtl":
		return doc, expires, fmt.Errorf("dir %q", doc.Dir)
	case doc.PowerOn && doc.DND:
		return doc, expires, errors.New("power_on against do-not-disturb")
	}
	if _, err := language.Parse(doc.Lang); err != nil {
		return doc, expires, fmt.Errorf("lang %q is no BCP 47 tag", doc.Lang)
	}
	for _, g := range doc.Guests {
		if err := g.check(); err != nil {
			return doc, expires, err
		}
	}
	if err := plain("greeting", doc.Greeting); err != nil || !isolated(doc.Greeting) {
		return doc, expires, errors.New("greeting holds controls, or bidi overrides or open isolates")
	}
	if err := doc.WiFi.check(); err != nil {
		return doc, expires, err
	}
	for _, n := range doc.Messages {
		if err := n.check(); err != nil {
			return doc, expires, err
		}
	}
	return doc, expires, doc.checkTimes(&expires)
}

// bodies are the messages that the guest can read again, oldest first.
func (d *welcomeDoc) bodies() []string {
	var bodies []string
	for _, n := range d.Messages {
		bodies = append(bodies, n.Body)
	}
	return bodies
}

func (d *welcomeDoc) checkTimes(expires *time.Time) error {
	if _, err := time.LoadLocation(d.TZ); d.TZ == "" || err != nil {
		return fmt.Errorf("tz %q is no zone name", d.TZ)
	}
	if _, err := time.Parse(time.RFC3339, d.IssuedAt); err != nil {
		return fmt.Errorf("issued_at %q", d.IssuedAt)
	}
	at, err := time.Parse(time.RFC3339, d.ExpiresAt)
	if err != nil {
		return fmt.Errorf("expires_at %q", d.ExpiresAt)
	}
	*expires = at
	return nil
}

func (g guestDoc) check() error {
	for field, text := range map[string]string{"salutation": g.Salutation, "first": g.First, "last": g.Last} {
		if strings.ContainsFunc(text, isBidi) {
			return fmt.Errorf("%s holds bidi controls", field)
		}
		if err := plain(field, text); err != nil {
			return err
		}
		if utf8.RuneCountInString(text) > maxName {
			return fmt.Errorf("%s is longer than %d characters", field, maxName)
		}
	}
	if g.Display == "" {
		return errors.New("display is empty")
	}
	if !isolated(g.Display) {
		return errors.New("display holds bidi overrides or open isolates")
	}
	for _, name := range []string{g.First, g.Last} {
		if name != "" && strings.Contains(g.Display, name) && !strings.ContainsRune(g.Display, '\u2068') {
			return errors.New("display holds a name outside an isolate")
		}
	}
	return plain("display", g.Display)
}

func plain(field, text string) error {
	switch {
	case !utf8.ValidString(text):
		return fmt.Errorf("%s is not UTF-8", field)
	case strings.ContainsFunc(text, unicode.IsControl):
		return fmt.Errorf("%s holds control characters", field)
	case !norm.NFC.IsNormalString(text):
		return fmt.Errorf("%s is not in NFC", field)
	}
	return nil
}

func isBidi(r rune) bool {
	return (r >= '\u202A' && r <= '\u202E') || (r >= '\u2066' && r <= '\u2069')
}

// isolated accepts first-strong isolates that are closed, and no other bidi control.
func isolated(text string) bool {
	depth := 0
	for _, r := range text {
		switch {
		case r == '\u2068':
			depth++
		case r == '\u2069':
			if depth--; depth < 0 {
				return false
			}
		case isBidi(r):
			return false
		}
	}
	return depth == 0
}

// names are what people read on the screen: the displays without their isolates.
func (d *welcomeDoc) names() []string {
	var names []string
	for _, g := range d.Guests {
		names = append(names, read(g.Display))
	}
	return names
}

// read is a line without its isolates.
func read(line string) string {
	return strings.Map(func(r rune) rune {
		if isBidi(r) {
			return -1
		}
		return r
	}, line)
}
