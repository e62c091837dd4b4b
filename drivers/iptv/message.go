package iptv

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"edgeagent/drivers"
)

// messageLife is how long a message may be shown after it was sent.
const messageLife = 10 * time.Minute

// messageDoc is a pop-up. It is never retained: a set that boots must not show
// yesterday's message.
type messageDoc struct {
	V         int    `json:"v"`
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	Title     string `json:"title,omitempty"`
	Body      string `json:"body"`
	Lang      string `json:"lang"`
	Dir       string `json:"dir"`
	Urgent    bool   `json:"urgent"`
	CreatedAt string `json:"created_at"`
	ExpiresAt string `json:"expires_at"`
	Stay      string `json:"stay"`
}

// commandDoc tells sets to do something. Command is power or reload; On belongs to power.
type commandDoc struct {
	V       int    `json:"v"`
	ID      string `json:"id"`
	Command string `json:"command"`
	On      *bool  `json:"on,omitempty"`
	At      string `json:"at"`
}

// message makes the pop-up of a command. Its id is the command's, so that a
// set that gets it twice shows it once.
func (d *Driver) messageText(cmd drivers.Command) ([]byte, error) {
	p := cmd.Params
	doc := messageDoc{
		V: major, ID: cmd.ID, Kind: orElse(p["kind"], kinds[0]), Title: clean(p["title"], maxTitle), Body: cleanBody(p["body"], maxBody),
		Lang: d.tongue("").String(), Urgent: isTrue(p["urgent"]), Stay: clean(p["stay"], maxName),
	}
	switch {
	case doc.Body == "" || doc.Stay == "":
		return nil, fmt.Errorf("%w: a message needs body and stay", drivers.ErrRefused)
	case !slices.Contains(kinds, doc.Kind):
		return nil, fmt.Errorf("%w: message kind %q is unknown", drivers.ErrRefused, doc.Kind)
	}
	doc.Dir = textDirection(doc.Title + doc.Body)
	now := d.now().In(d.zone)
	doc.CreatedAt, doc.ExpiresAt = now.Format(time.RFC3339), now.Add(messageLife).Format(time.RFC3339)
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", drivers.ErrRefused, err)
	}
	return text, nil
}

func (d *Driver) commandText(id, command string, on *bool) []byte {
	doc := commandDoc{V: major, ID: id, Command: command, On: on, At: d.now().In(d.zone).Format(time.RFC3339)}
	text, err := json.Marshal(doc)
	if err != nil {
		return nil // strings and flags always encode
	}
	return text
}
