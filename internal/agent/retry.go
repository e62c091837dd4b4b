package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"edgeagent/offsetstore"
	"edgeagent/pms"
)

// Retry has a command tried again: one that waits is due now, and one that has
// failed is given out once more, under a new id. Whether it may be, retryable says.
func (a *Agent) Retry(id string) error {
	a.turn.Lock() // nothing is accepted between the look and the deed
	defer a.turn.Unlock()
	c, err := a.store.Waiting(id)
	switch {
	case err == nil:
		return a.hasten(c)
	case errors.Is(err, offsetstore.ErrUnderWay):
		return fmt.Errorf("%w: wait for its outcome", err)
	}
	c, failed := a.recent.failed(id)
	if !failed {
		return a.notKept(id)
	}
	if err := a.retryable(c); err != nil {
		return err
	}
	return a.reissue(c)
}

// hasten has a waiting command tried at once. a.turn is held.
func (a *Agent) hasten(c offsetstore.Command) error {
	if err := a.stillWanted(c); err != nil {
		return err
	}
	if err := a.store.Hasten(c.ID); err != nil {
		return fmt.Errorf("%w: it runs by itself then, if it is still wanted", err)
	}
	if d := a.device(c.Lane); d != nil {
		d.lane.reset()
	}
	a.changes.Add(1)
	a.log.Info().Str("device", c.Lane).Str("command", c.ID).Msg("retry by hand")
	return nil
}

// notKept says why a command cannot be tried again that is not among those that failed.
func (a *Agent) notKept(id string) error {
	unknown, err := a.store.Unknown()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(unknown, func(c offsetstore.Command) bool { return c.ID == id }) {
		return errUnknown
	}
	ended, err := a.store.Has(id)
	switch {
	case err != nil:
		return err
	case ended:
		return errors.New("it has ended and did not fail, or failed before the agent was started, when what it was to do was forgotten: have the PMS send it again")
	}
	return errors.New("there is no command of this id: edgeagent commands lists those that wait or have failed")
}

// errUnknown: it may have been done, and nobody may do it twice by mistake.
var errUnknown = errors.New("nobody knows whether it was done: look first, and say so with edgeagent resolve")

// retryable says why a person may not have a failed command given out once more;
// nil if he may. The page and the command line offer what it lets through, and
// Retry asks it again while nothing else is accepted.
func (a *Agent) retryable(c offsetstore.Command) error {
	if c.Unknown {
		return errUnknown
	}
	if _, err := a.store.Waiting(c.ID); errors.Is(err, offsetstore.ErrUnderWay) {
		return err // its outcome is not on the disk yet
	}
	given, err := a.givenAgain(c.ID)
	switch {
	case err != nil:
		return err
	case given != "":
		return fmt.Errorf("it was given out again already, as %s: retry that one if it fails", given)
	}
	d := a.device(c.Lane)
	if d == nil {
		return fmt.Errorf("the property file has no device %q any more: have the PMS send it again", c.Lane)
	}
	if err := a.stillWanted(c); err != nil {
		return err
	}
	for _, other := range a.devices {
		if other != d && (d.Kind != "keycard" || other.Kind != d.Kind || other.Keys != d.Keys) {
			continue // a room has one key, whichever encoder makes it
		}
		if newer := a.store.Newer(other.name, c.Subject, c.Created); newer != "" && newer != c.ID {
			return fmt.Errorf("%s came after it and is about the same: have the PMS send what is wanted now", newer)
		}
	}
	return nil
}

// givenAgain is the last command that a failed one was given out again as, "" if
// it was not. The store knows, across restarts too.
func (a *Agent) givenAgain(id string) (last string, err error) {
	for {
		id = again(id)
		given, err := a.store.Has(id)
		if err != nil || !given {
			return last, err
		}
		last = id
	}
}

// again is the id of a command that is given out once more: always the same, so
// that it is given out once.
func again(id string) string {
	const mark = "/again-"
	if at := strings.LastIndex(id, mark); at >= 0 {
		if n, err := strconv.ParseInt(id[at+len(mark):], 10, 64); err == nil {
			return id[:at] + mark + strconv.FormatInt(n+1, 10)
		}
	}
	return id + mark + "1"
}

// stillWanted says why the stay that a command belongs to has no use for it any
// more; nil if it has. What takes something away from a stay is wanted always.
func (a *Agent) stillWanted(c offsetstore.Command) error {
	d := a.device(c.Lane)
	var b body
	if d == nil || json.Unmarshal(c.Body, &b) != nil || b.ends(d) {
		return nil // there is nothing to be said of it here
	}
	if a.store.Behind(c.Source) {
		return errors.New("this gateway came back from a backup and has not heard yet who is in which room now: wait until the PMS link has caught up")
	}
	what := "it"
	if d.Kind == "keycard" {
		what = "a key"
	}
	room, stay := b.Params["room"], b.Params["stay"]
	bound := stay != "" || d.Kind == "keycard"
	if stay == "" {
		stay = b.Stay
	}
	if strings.HasPrefix(c.Subject, "stay:") {
		room = "" // it goes with the stay
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if room == "" {
		if now, known := a.ledger.ByKey(stay); stay != "" && !(known && now.Status == pms.StatusInHouse) {
			return fmt.Errorf("the stay is not in house: have the PMS send %s for the present guest", what)
		}
		return nil
	}
	here := a.ledger.Room(room)
	empty := !bound && len(here) == 0 // it is about a room without a guest
	if empty || slices.ContainsFunc(here, func(s pms.Stay) bool { return s.Key == stay }) {
		return nil
	}
	return a.left(room, stay, what)
}

// left says where a stay is that is not in a room. a.mu is held.
func (a *Agent) left(room, stay, what string) error {
	now, known := a.ledger.ByKey(stay)
	switch {
	case stay == "":
		return fmt.Errorf("it does not say which stay of room %s it was for: have the PMS send %s for the present guest", room, what)
	case known && now.Status == pms.StatusExpected:
		return fmt.Errorf("the stay is not checked in to room %s: have the PMS send %s when it is", room, what)
	case known && now.Status == pms.StatusInHouse && now.Room != "" && now.Room != room:
		return fmt.Errorf("the stay has moved from room %s to %s: have the PMS send %s for that room", room, now.Room, what)
	}
	return fmt.Errorf("the stay has left room %s: have the PMS send %s for the present guest", room, what)
}

// ends reports whether the action takes something away.
func (b *body) ends(d *device) bool {
	for _, action := range d.Actions {
		if action.Name == b.Action {
			return action.Ends
		}
	}
	return false
}

// reissue gives a failed job out once more. a.turn is held.
func (a *Agent) reissue(c offsetstore.Command) error {
	now := time.Now()
	next := offsetstore.Command{
		ID: again(c.ID), Lane: c.Lane, Subject: c.Subject, Setting: c.Setting,
		Body: c.Body, Source: c.Source, Due: now, Created: now,
	}
	if within := a.within(c); within > 0 {
		next.Deadline = now.Add(within)
	}
	a.changes.Add(1)
	a.log.Info().Str("device", c.Lane).Str("command", next.ID).Str("subject", c.Subject).Msg("retry by hand")
	return a.store.Accept(offsetstore.Batch{Source: c.Source, Commands: []offsetstore.Command{next}, Again: true})
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
