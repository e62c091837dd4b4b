package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"edgeagent/drivers"
	"edgeagent/offsetstore"
)

// Resolve ends the doubt about a command whose outcome is unknown: somebody has
// looked, and it was done, or it was not. From then on the room's key is known
// again, and what was not done may be tried again. The PMS keeps the answer that
// it was given.
func (a *Agent) Resolve(id string, done bool) error {
	note := "a person found that it was not done"
	if done {
		note = "a person found that it was done"
	}
	err := a.resolve(id, done, note)
	if errors.Is(err, offsetstore.ErrNotUnknown) {
		return fmt.Errorf("%w: the status page lists those that need a person, with their ids", err)
	}
	return err
}

// Late is Resolve by the device itself, whose answer came too late.
func (a *Agent) Late(id string, done bool, note string) {
	if err := a.resolve(id, done, note); err != nil {
		a.log.Warn().Str("command", id).Str("note", note).Err(err).Msg("a late outcome changes nothing")
	}
}

func (a *Agent) resolve(id string, done bool, note string) error {
	unknown, err := a.store.Unknown()
	if err != nil {
		return err
	}
	for _, c := range unknown {
		if c.ID != id {
			continue
		}
		var known json.RawMessage
		if done {
			if known, err = supposed(c); err != nil {
				return err
			}
		}
		if c.Note != "" {
			note = c.Note + "; " + note
		}
		if err := a.store.Resolve(id, note, known); err != nil {
			return err
		}
		a.log.Info().Str("device", c.Lane).Str("command", id).Str("subject", c.Subject).Bool("done", done).Str("note", note).Msg("outcome found out")
		a.outcomes.resolved(id, done, note)
		if c.Unknown, c.Note = false, note; done {
			c.State = offsetstore.Processed
		}
		a.recent.resolved(c)
		a.changes.Add(1)
		if done {
			a.learned(c.Lane, c.Subject)
		}
		return nil
	}
	return offsetstore.ErrNotUnknown
}

// supposed is the receipt that a command would have left. After a crash the
// driver had no time to say: then the room has a key of that stay and nobody
// knows which, so the next one is a new one.
func supposed(c offsetstore.Command) (json.RawMessage, error) {
	var r drivers.Receipt
	if len(c.Receipt) > 0 {
		if err := json.Unmarshal(c.Receipt, &r); err != nil {
			return nil, err
		}
	}
	r = withEnd(r, c)
	if r.Values == nil {
		r.Values = map[string]string{}
	}
	if r.Values[drivers.ValueAt] == "" {
		r.Values[drivers.ValueAt] = c.Settled.UTC().Format(time.RFC3339Nano)
	}
	return json.Marshal(r)
}
