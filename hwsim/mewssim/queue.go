package mewssim

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

func getDevices(s *Server, q *request) (object, error) {
	q.limitation(false) // some clients send one
	rows, cursor := list(s, q, &s.world.devices, func(*Device) time.Time { return time.Time{} }, func(*Device) bool { return true })
	out := object{"Devices": render(s, rows, device)}
	if q.page.count > 0 {
		out["Cursor"] = cursor
	}
	return out, q.err()
}

func device(d *Device) object {
	return object{"Id": d.ID, "Type": d.Type, "Name": d.Name, "Identifier": optional(d.Identifier)}
}

// getActiveCommands gives what waits for this client: neither what it works at
// nor what belongs to devices that are not linked.
func getActiveCommands(s *Server, q *request) (object, error) {
	return s.pageOfCommands(q, func(c *Command) bool {
		return s.world.linked[c.Device] && (c.State == Pending || c.State == Received)
	})
}

// getCommands gives commands in any state.
func getCommands(s *Server, q *request) (object, error) {
	ids := q.ids("CommandIds", most, true)
	return s.pageOfCommands(q, func(c *Command) bool { return ids.has(c.ID) })
}

func (s *Server) pageOfCommands(q *request, match func(*Command) bool) (object, error) {
	q.limitation(false)
	rows, cursor := list(s, q, &s.world.commands, func(c *Command) time.Time { return c.Created }, match)
	return object{"Commands": render(s, rows, s.command), "Cursor": cursor}, q.err()
}

func (s *Server) command(c *Command) object {
	d, _ := s.world.devices.get(c.Device)
	var creator any
	if c.Creator != "" {
		creator = object{"FirstName": nil, "LastName": c.Creator, "ImageUrl": nil}
	}
	var data any = c.Data
	if s.faults.Shape.Absent {
		var members object
		if json.Unmarshal(c.Data, &members) == nil && members != nil {
			data = members
		}
	}
	return object{"Id": c.ID, "State": c.State, "CreatedUtc": instant(c.Created), "Creator": creator, "Device": device(&d), "Data": data}
}

// updateCommand takes a step of the client's. Every attempt at a known command
// goes into its history, also one that is refused.
func updateCommand(s *Server, q *request) (object, error) {
	id, state := q.id("CommandId", true), q.text("State", true)
	step := Change{At: s.now(), By: ByClient, State: state, Status: http.StatusOK}
	q.take("Progress", &step.Progress, false)
	q.take("Notes", &step.Notes, false)
	q.named = 1
	if q.problem != nil {
		return nil, q.problem
	}
	c, known := s.world.commands.get(id)
	if !known {
		return nil, refuse(http.StatusBadRequest, "Invalid CommandId")
	}
	var err error
	switch {
	case state == Pending || !commandState(state):
		s.book.violate("transition", "to %q", state)
		err = refuse(http.StatusBadRequest, "Invalid State")
	case c.Final() && !s.faults.FinalAgain:
		err = refuse(http.StatusBadRequest, "The command is in state %s", c.State)
	case !c.Final():
		step.Taken = true
	}
	if err != nil {
		step.Status = http.StatusBadRequest
	}
	s.step(c, step)
	return object{}, err
}

func commandState(state string) bool {
	return slices.Contains([]string{Pending, Received, Processing, Processed, Cancelled, Failed}, state)
}

// step writes a change down and, if it is taken, tells of it; the caller holds mu.
func (s *Server) step(c Command, change Change) {
	c.History = append(slices.Clip(c.History), change)
	if change.Taken {
		c.State = change.State
		if c.State == Processing && change.Progress != nil {
			c.Progress = change.Progress
		}
		if c.Final() && change.Notes != nil {
			c.Notes = *change.Notes
		}
	}
	save(s, &s.world.commands, c.ID, c)
	if change.Taken {
		s.raise(commandEvent(&c))
	}
	s.tellChange()
}

// tellChange wakes whoever waits for a command; the caller holds mu.
func (s *Server) tellChange() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// order queues a command; the caller holds mu.
func (s *Server) order(c Command) (string, error) {
	if _, ok := s.world.devices.get(c.Device); !ok {
		return "", fmt.Errorf("no device %s", c.Device)
	}
	if c.Created.IsZero() {
		c.Created = s.stamp()
	}
	c.ID = newID()
	c.State = cmp.Or(c.State, Pending)
	s.step(c, Change{At: s.now(), By: ByStaff, State: c.State, Taken: true})
	return c.ID, nil
}

// addKeyCutter orders a key on behalf of the integration. Nothing makes a
// repeated order the same order.
func addKeyCutter(s *Server, q *request) (object, error) {
	var count int
	cutter, reservation := q.id("KeyCutterId", true), q.id("ReservationId", true)
	if q.take("KeyCount", &count, true) && count < 1 {
		q.fail("Invalid KeyCount")
	}
	if e := q.id("EnterpriseId", false); e != "" && e != s.world.enterprise {
		q.fail("Invalid EnterpriseId")
	}
	d, known := s.world.devices.get(cutter)
	if !known || d.Type != KeyCutter {
		q.fail("Invalid KeyCutterId")
	}
	r, known := s.world.reservations.get(reservation)
	if !known {
		q.fail("Invalid ReservationId")
	}
	if q.problem != nil {
		return nil, q.problem
	}
	if r.Room == "" {
		return nil, refuse(http.StatusForbidden, "The reservation has no assigned space")
	}
	id, err := s.order(Command{Device: d.ID, Data: s.keyData(&d, &r, KeyOrder{Count: count})})
	return object{"CommandId": id}, err
}

// Command is a command as it stands, with its history.
func (s *Server) Command(id string) (Command, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world.commands.get(id)
}

// Commands are all commands, oldest first.
func (s *Server) Commands() []Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Command
	for _, c := range s.world.commands.all(time.Time{}) {
		out = append(out, c)
	}
	return out
}

// AwaitCommand returns the command once cond holds for it, or the context's
// error with the command as it was last.
func (s *Server) AwaitCommand(ctx context.Context, id string, cond func(Command) bool) (Command, error) {
	for {
		s.mu.Lock()
		c, known := s.world.commands.get(id)
		changed := s.changed
		s.mu.Unlock()
		if known && cond(c) {
			return c, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return c, fmt.Errorf("waiting for command %s (%s, %d steps): %w", id, c.State, len(c.History), ctx.Err())
		}
	}
}

// CancelCommand is a member of staff who cancels a command in the queue's
// screen, with a reason or "".
func (s *Server) CancelCommand(id, reason string) error {
	return s.SetCommandState(id, Cancelled, reason)
}

// SetCommandState is Mews itself, or its support, which moves a command that is
// not over yet.
func (s *Server) SetCommandState(id, state, reason string) error {
	if !commandState(state) {
		return fmt.Errorf("no state %q of a command", state)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, known := s.world.commands.get(id)
	if !known {
		return fmt.Errorf("no command %s", id)
	}
	if c.Final() {
		return fmt.Errorf("command %s is %s", id, c.State)
	}
	s.step(c, Change{At: s.now(), By: ByStaff, State: state, Notes: &reason, Taken: true})
	return nil
}
