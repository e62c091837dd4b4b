package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"edgeagent/drivers/wifi"
	"edgeagent/internal/web"
	"edgeagent/internal/zones"
)

// pageQuestions are those that only the setup page has: who sits at a terminal of
// the gateway needs no page on the network to begin with.
func pageQuestions() []question {
	return []question{
		{flag: "page", text: "Status page on the local network", help: "with a password, which is asked for below; no: on the gateway only", oneOf: []string{"yes", "no"}, usual: always("yes")},
		{flag: "page-user", text: "Name to log in with there", when: is("page", "yes"), usual: always("desk"), wrong: func(_ answers, text string) string {
			if slugOf(text) != text {
				return "a-z, 0-9, _ and - only, such as desk"
			}
			return ""
		}},
	}
}

// ask puts the questions of init on the page: those that are open, and those that
// were answered before. Secrets are not among them: the page asks for the files
// that the property file names.
func (d *setupDesk) ask(ctx context.Context, given map[string]string) (asked []web.Question, text string) {
	a, open := answers{}, false
	list := append(questions(), pageQuestions()...)
	for i := range list {
		q := &list[i]
		if q.secret != "" || q.quiet != nil && q.quiet(a) || q.when != nil && !q.when(a) {
			continue
		}
		shown := web.Question{Name: q.flag, Text: q.text, Help: q.help, OneOf: q.oneOf}
		usual := ""
		if q.usual != nil {
			usual = q.usual(a)
		}
		d.hints(ctx, q, a, &shown, &usual)
		answer, was := given[q.flag]
		if answer == "" {
			answer = usual
		}
		shown.Answer = answer
		if was {
			shown.Problem = q.problem(a, answer)
		}
		if was && shown.Problem == "" {
			a[q.flag] = answer
		} else {
			open = true
		}
		asked = append(asked, shown)
	}
	if open {
		return asked, ""
	}
	return nil, propertyText(a)
}

// hints are what the gateway itself can say about an answer.
func (d *setupDesk) hints(ctx context.Context, q *question, a answers, shown *web.Question, usual *string) {
	switch q.flag {
	case "id":
		shown.Help = "a-z, 0-9, _ and -; left empty, it is made of the name"
	case "timezone":
		shown.Help, shown.Suggest = "such as Europe/Lisbon", zones.Places()
		if strings.HasSuffix(*usual, "UTC") {
			*usual = "" // what an image has: no hotel's own
		}
	case "encoder":
		shown.Help = "a serial port, such as those above, or host:port; none without one"
		for _, p := range d.machine().Ports {
			shown.Suggest = append(shown.Suggest, p.Name)
		}
	case "wifi-pin":
		pin := d.pin(ctx, a["wifi-url"])
		*usual, shown.Help = pin.sha256, pin.text+q.help
	}
}

// pinShown is what a controller says of its certificate.
type pinShown struct {
	url, sha256, text string
	until             time.Time // of a controller that does not answer: when to ask again
}

// pinPatience bounds the wait for a controller's certificate; pinAgain is how long
// one that did not answer is left alone.
const (
	pinPatience = 5 * time.Second
	pinAgain    = 15 * time.Second
)

// pin asks a controller for its certificate, and remembers the last one.
func (d *setupDesk) pin(ctx context.Context, url string) pinShown {
	d.asking.Lock()
	defer d.asking.Unlock()
	if d.shown.url == url && (d.shown.until.IsZero() || time.Now().Before(d.shown.until)) {
		return d.shown
	}
	ctx, cancel := context.WithTimeout(ctx, pinPatience)
	defer cancel()
	cert, err := wifi.Fingerprint(ctx, url)
	if err != nil {
		d.shown = pinShown{url: url, until: time.Now().Add(pinAgain), text: fmt.Sprintf("the controller does not show its certificate (%v); ", err)}
	} else {
		d.shown = pinShown{url: url, sha256: cert.SHA256, text: fmt.Sprintf("the controller shows one of %s, good until %s; ", plain(cert.Subject), cert.NotAfter.Format(time.DateOnly))}
	}
	return d.shown
}
