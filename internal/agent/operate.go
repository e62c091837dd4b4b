package agent

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"edgeagent/offsetstore"
)

// What a person at the status page, or at the command line, can do with commands.
// Resolve is the fourth.

// Retry has a command tried again: one that waits is due now, and one that has
// failed is given out once more, under a new id. A failed one of before the last
// start is not known any more: what it was about may have changed.
func (a *Agent) Retry(id string) error {
	lane, err := a.store.Hasten(id)
	if err == nil {
		if d := a.device(lane); d != nil {
			d.lane.reset()
		}
		a.log.Info().Str("device", lane).Str("command", id).Msg("retry by hand")
		return nil
	}
	if !errors.Is(err, offsetstore.ErrNotWaiting) {
		return fmt.Errorf("%w: wait for its outcome", err)
	}
	c, ok := a.recent.failed(id)
	if !ok {
		return errors.New("no command of this id waits or has failed since the agent was started: have the PMS send it again")
	}
	if c.Unknown {
		return errors.New("nobody knows whether it was done: look first, and say so with edgeagent resolve")
	}
	return a.reissue(c)
}

// reissue gives a failed job out once more.
func (a *Agent) reissue(c offsetstore.Command) error {
	now := time.Now()
	again := offsetstore.Command{
		ID: fmt.Sprintf("%s/again-%d", c.ID, now.UnixMilli()), Lane: c.Lane, Subject: c.Subject, Setting: c.Setting,
		Body: c.Body, Source: c.Source, Due: now, Created: now,
	}
	if within := a.within(c); within > 0 {
		again.Deadline = now.Add(within)
	}
	a.turn.Lock()
	defer a.turn.Unlock()
	a.log.Info().Str("device", c.Lane).Str("command", again.ID).Str("subject", c.Subject).Msg("retry by hand")
	return a.store.Accept(offsetstore.Batch{Source: c.Source, Commands: []offsetstore.Command{again}})
}

// within is how long a job of a command's kind is wanted.
func (a *Agent) within(c offsetstore.Command) time.Duration {
	d := a.device(c.Lane)
	if d == nil {
		return 0
	}
	_, action, err := d.command(c)
	if err != nil {
		return 0
	}
	return action.Within
}

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
