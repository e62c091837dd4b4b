package iptv

import (
	"context"
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

// noteDoc is the copy of a message in the welcome, for a set that was off when
// the message came, or for a guest who wants to read it again.
type noteDoc struct {
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	Title     string `json:"title,omitempty"`
	Body      string `json:"body"`
	Lang      string `json:"lang"`
	Dir       string `json:"dir"`
	CreatedAt string `json:"created_at"`
}

// maxNotes bounds the messages on one screen; the oldest go first.
const maxNotes = 10

// commandDoc tells sets to do something. Command is power, mute, wake or reload; On belongs to the first two.
type commandDoc struct {
	V       int    `json:"v"`
	ID      string `json:"id"`
	Command string `json:"command"`
	On      *bool  `json:"on,omitempty"`
	At      string `json:"at"`
}

// popup makes the pop-up of a command. Its id is the command's, so that a set
// that gets it twice shows it once.
func (d *Driver) popup(cmd drivers.Command) (*messageDoc, error) {
	p := cmd.Params
	doc := &messageDoc{
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
	return doc, nil
}

// keep puts a copy of the message into what the broker retains for a room key,
// if that is still the screen of the same stay.
func (s *session) keep(ctx context.Context, key string, m *messageDoc) error {
	unlock, err := s.d.lock(ctx, key)
	if err != nil {
		return err
	}
	defer unlock()
	held := s.house.retained(key)
	if held == nil || held.Stay != m.Stay || slices.ContainsFunc(held.Messages, func(n noteDoc) bool { return n.ID == m.ID }) {
		return nil
	}
	doc := *held
	note := noteDoc{ID: m.ID, Kind: m.Kind, Title: m.Title, Body: m.Body, Lang: m.Lang, Dir: m.Dir, CreatedAt: m.CreatedAt}
	doc.Messages = append(slices.Clone(held.Messages), note)
	doc.Gen, doc.PowerOn, doc.IssuedAt = held.Gen+1, false, m.CreatedAt
	if err := doc.fit(); err != nil {
		return err
	}
	return s.put(ctx, key, &doc)
}

func (d *Driver) commandText(id, command string, on *bool) []byte {
	doc := commandDoc{V: major, ID: id, Command: command, On: on, At: d.now().In(d.zone).Format(time.RFC3339)}
	text, err := json.Marshal(doc)
	if err != nil {
		return nil // strings and flags always encode
	}
	return text
}
