package agent

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"edgeagent/offsetstore"
)

// What a person at the status page, or at the command line, can do with commands
// beside Retry and Resolve.

// Cancel takes a job back that no device has begun.
func (a *Agent) Cancel(id string) error {
	const note = "a person called it off"
	open, err := a.store.Open()
	if err != nil {
		return err
	}
	err = a.store.Cancel(id, note)
	switch {
	case errors.Is(err, offsetstore.ErrNotWaiting):
		return fmt.Errorf("%w: it has ended, or never was", err)
	case errors.Is(err, offsetstore.ErrUnderWay):
		return fmt.Errorf("%w: it cannot be called off any more", err)
	case err == nil:
		a.counts.cancelled.Add(1)
		i := slices.IndexFunc(open, func(c offsetstore.Command) bool { return c.ID == id })
		if i < 0 {
			break // it came after the list was taken
		}
		c := open[i]
		c.State, c.Settled, c.Note = offsetstore.Cancelled, time.Now(), note
		a.recent.add(c)
		a.log.Info().Str("device", c.Lane).Str("command", id).Str("subject", c.Subject).Msg("called off by hand")
	}
	return err
}

// device is the device of that name, nil if there is none.
func (a *Agent) device(name string) *device {
	for _, d := range a.devices {
		if d.name == name {
			return d
		}
	}
	return nil
}
