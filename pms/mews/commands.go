package mews

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"edgeagent/pms"
)

// commandEvent takes in that a device command is new or was changed. Our own
// answers come back as such events; what counts is a new one, and one that
// somebody else has ended.
func (f *follower) commandEvent(key, state string) {
	switch {
	case state == "Pending":
		if !f.taken.has(key) {
			f.ids[key] = true
			f.failed = 0
		}
	case pms.CommandState(state).Final() && !f.desk.answering(key):
		delete(f.ids, key)
		f.withdraw(key)
	}
}

// withdraw hands over that nobody wants the command any more.
func (f *follower) withdraw(key string) {
	f.taken.add(key)
	f.desk.over(key)
	now := f.now()
	f.hand([]pms.Notice{{
		ID: f.name + "/command/" + key + "/withdrawn", Source: f.name, Offset: f.mark.String(), Kind: pms.KindCommandWithdrawn,
		Name: "DeviceCommand", CommandID: key, NotBefore: now, Received: now,
	}})
}

// planAsk is the next request about device commands: those that events named,
// and by the clock all that wait. A person at the desk waits for it, so it is
// made at once and made again soon.
func (f *follower) planAsk(now time.Time) func(context.Context) func() {
	var ids []string
	for key := range f.ids {
		if len(ids) < maxIDs {
			ids = append(ids, key)
			delete(f.ids, key)
		}
	}
	all := f.isDue(dutyCommands, now)
	if all {
		f.due[dutyCommands] = time.Time{}
	}
	tries := f.failed + 1
	return func(ctx context.Context) func() {
		var byID, active []commandRow
		err := f.readCommands(ctx, ids, &byID)
		switch odd := !reactionTo(statusOf(err)).again; {
		case err != nil && odd && !refusedTokens(err): // the list of all that wait has them as well
			all = true
			active, _ = f.readActive(ctx)
		case err == nil && all:
			if active, err = f.readActive(ctx); err == nil {
				err = f.readCommands(ctx, f.desk.lost(active), &byID)
			}
		}
		if pair := refusedPair(err); pair != 0 {
			_ = f.api.rest(ctx, f.api.pause(err, tries), pair) // its error is that of ctx
		}
		return func() {
			f.asking = false
			f.asked(ctx, ids, all, err)
			f.commands(append(byID, active...), all && err == nil)
		}
	}
}

// asked plans the next look at device commands.
func (f *follower) asked(ctx context.Context, ids []string, all bool, err error) {
	now := f.now()
	if err == nil {
		f.failed = 0
		if all && f.due[dutyCommands].IsZero() { // else a new socket wants to know once more
			f.plan(dutyCommands, now, f.every(dutyCommands))
		}
		return
	}
	if ctx.Err() != nil {
		return
	}
	for _, key := range ids {
		if reactionTo(statusOf(err)).again { // else the list of all that wait has them
			f.ids[key] = true
		}
	}
	f.failed++
	wait := min(f.api.pause(err, f.failed), max(f.waits.CommandsDown, f.waits.BackoffMin))
	switch {
	case refusedTokens(err):
		wait = 0 // it has been rested already
	case !reactionTo(statusOf(err)).again:
		wait = f.every(dutyCommands)
	}
	f.due[dutyCommands] = now.Add(wait)
	f.log.Warn().Err(err).Dur("wait", wait).Msg("pms device commands cannot be read now")
}

// readActive reads the commands that wait for us. The request takes no page,
// though the answer may have a cursor; then a client cannot ask for the rest.
func (s *Source) readActive(ctx context.Context) ([]commandRow, error) {
	var answer struct{ Commands rows[commandRow] }
	err := s.api.call(ctx, urgent, "commands/getAllActive", nil, &answer)
	s.spoiltCommands(&answer.Commands)
	return answer.Commands.good, err
}

// readCommands adds the commands with the given ids, whatever their state.
func (s *Source) readCommands(ctx context.Context, ids []string, to *[]commandRow) error {
	for _, part := range chunks(ids) {
		var answer struct{ Commands rows[commandRow] }
		if err := s.api.call(ctx, urgent, "commands/getAllByIds", fields{"CommandIds": part}, &answer); err != nil {
			return err
		}
		s.spoiltCommands(&answer.Commands)
		*to = append(*to, answer.Commands.good...)
	}
	return nil
}

// spoiltCommands makes the best of commands that cannot be read whole: with an
// id they can at least be answered.
func (s *Source) spoiltCommands(list *rows[commandRow]) {
	for _, raw := range list.bad {
		var least struct {
			ID    string `json:"Id"`
			State string
		}
		if json.Unmarshal(raw, &least) == nil && isID(id(least.ID)) {
			list.good = append(list.good, commandRow{ID: least.ID, State: least.State, Device: deviceRow{Type: unreadable}})
			continue
		}
		s.in.change(func() { s.in.lost++ })
	}
}

// unreadable stands for the device of a command that cannot be read.
const unreadable = "unreadable"

// commands hands over commands that are new to us.
func (f *follower) commands(list []commandRow, active bool) {
	var notices []pms.Notice
	untold := false
	for i := range list {
		row := &list[i]
		key := id(row.ID)
		state := pms.CommandState(row.State)
		switch {
		case state.Final():
			if (f.taken.has(key) || f.desk.knows(key)) && !f.desk.answering(key) {
				f.withdraw(key)
			}
			continue
		case state == pms.CommandProcessing, key == "", f.taken.has(key):
			continue
		}
		n, ours := f.command(row)
		if !ours {
			continue
		}
		untold = untold || active && f.live && f.clock.server().Sub(row.CreatedUtc.Time) > 10*time.Second &&
			row.CreatedUtc.After(f.openedAt) && row.State == "Pending"
		f.taken.add(key)
		notices = append(notices, n)
	}
	f.hand(notices)
	switch {
	case f.in.counts().commands > 0:
		f.board.Clear(alarmNoCommands)
	case untold:
		f.board.Raise(alarmNoCommands, "device commands wait in Mews, and no event says so: in Mews open Marketplace, My subscriptions, this integration, Settings, Connected devices, add the key cutter, then reconnect (edgeagent reconnect); until then commands are found by polls")
	}
}

// refusals are the notes for devices that this product does not serve.
var refusals = map[string]string{
	"Printer":         "this gateway does not print: send the document to a printer that Mews serves itself",
	"PassportScanner": "this gateway has no passport scanner: enter the document by hand",
	"PaymentTerminal": "this gateway has no payment terminal: take the payment another way",
	"FiscalMachine":   "this gateway has no fiscal machine: see that the bill is reported another way",
	unreadable:        "the command could not be read: ask again, and tell the installer if it stays so",
}

// command words a device command; ours is false for one that is left to
// another gateway. Each of the others gets an answer, if only that nobody
// serves such a device.
func (f *follower) command(row *commandRow) (n pms.Notice, ours bool) {
	now := f.now()
	created := f.earlier(row.CreatedUtc.Time, now)
	n = pms.Notice{
		ID: f.name + "/command/" + id(row.ID), Source: f.name, Offset: f.mark.String(), Kind: pms.KindDeviceCommand,
		Name: "DeviceCommand " + printable(row.Device.Type, 40), CommandID: id(row.ID),
		NotBefore: created, Received: now, Expires: created.Add(f.cfg.MaxAge), KeysByCommand: *f.cfg.KeysByCommand,
	}
	if row.Device.Type != "KeyCutter" {
		if n.Refuse = refusals[row.Device.Type]; n.Refuse == "" {
			n.Refuse = fmt.Sprintf("this gateway serves no device of the type %s", printable(row.Device.Type, 40))
		}
		return n, true
	}
	n.Kind = pms.KindKeyRequest
	var data keyData
	err := json.Unmarshal(row.Data, &data)
	cutter, mapped := f.cutter(row, &data)
	if !mapped && f.cfg.LeaveUnmapped {
		return n, false
	}
	switch age := now.Sub(created); {
	case err != nil:
		n.Refuse = refusals[unreadable]
	case age > f.cfg.MaxAge:
		n.RefuseAs = f.cfg.closeOldAs()
		n.Refuse = fmt.Sprintf("not cut: it was asked for %s ago, while the gateway could not be reached; ask again if the guest still needs it", ago(age))
	case !mapped && len(f.cfg.Devices) > 0:
		n.Refuse = fmt.Sprintf("no encoder here stands for the key cutter %s: have the installer map it", printable(row.Device.Name, 40))
	default:
		n.Refuse = f.fillKey(&n, row, &data, cutter)
	}
	return n, true
}

// ago is an age as people say it.
func ago(d time.Duration) string {
	switch {
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// cutter finds the encoder that stands for a key cutter, by any of the names
// that it has in Mews.
func (f *follower) cutter(row *commandRow, data *keyData) (Cutter, bool) {
	for _, name := range []string{row.Device.ID, row.Device.Identifier, data.KeyCutterID, row.Device.Name} {
		for _, c := range f.cfg.Devices {
			if name != "" && strings.EqualFold(strings.TrimSpace(name), strings.TrimSpace(c.Mews)) {
				return c, true
			}
		}
	}
	return Cutter{}, false
}

// recently remembers which commands have been handed over, the newest of them.
type recently struct {
	order []string
	known map[string]bool
}

const maxRecently = 5000

func newRecently() *recently { return &recently{known: map[string]bool{}} }

func (r *recently) has(key string) bool { return r.known[key] }

func (r *recently) add(key string) {
	if r.known[key] {
		return
	}
	if len(r.order) >= maxRecently {
		delete(r.known, r.order[0])
		r.order = r.order[1:]
	}
	r.order, r.known[key] = append(r.order, key), true
}
