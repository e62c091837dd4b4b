package mews

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
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
	return func(ctx context.Context) func() {
		var byID, active []commandRow
		err := f.readCommands(ctx, "commands/getAllByIds", ids, &byID)
		if all && err == nil {
			if active, err = f.readActive(ctx); err == nil {
				err = f.readCommands(ctx, "commands/getAllByIds", f.desk.lost(active), &byID)
			}
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
		if all {
			f.plan(dutyCommands, now, f.every(dutyCommands))
		}
		return
	}
	if ctx.Err() != nil {
		return
	}
	for _, key := range ids {
		f.ids[key] = true
	}
	f.failed++
	wait := min(f.api.pause(err, f.failed), max(f.waits.CommandsDown, f.waits.BackoffMin))
	if e := statusOf(err); e != 0 && reactionTo(e).refused {
		wait = f.api.pause(err, f.failed)
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
func (s *Source) readCommands(ctx context.Context, operation string, ids []string, to *[]commandRow) error {
	for _, part := range chunks(ids) {
		var answer struct{ Commands rows[commandRow] }
		if err := s.api.call(ctx, urgent, operation, fields{"CommandIds": part}, &answer); err != nil {
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
		if json.Unmarshal(raw, &least) == nil && least.ID != "" {
			list.good = append(list.good, commandRow{ID: least.ID, State: least.State, Device: deviceRow{Type: unreadable}})
		}
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
			if f.taken.has(key) && !f.desk.answering(key) {
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

// keyData is what a command for a key cutter carries (Connector API, Commands).
type keyData struct {
	KeyCutterID         string `json:"KeyCutterId"`
	KeyCutterData       string
	KeyCount            int
	LockIDs             []string `json:"LockIds"`
	StartUtc            instant
	EndUtc              instant
	FirstName           string
	LastName            string
	NormalizedFirstName string
	NormalizedLastName  string
	ReservationID       string `json:"ReservationId"`
	ReservationNumber   string
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
		return n, !f.cfg.LeaveUnmapped
	}
	n.Kind = pms.KindKeyRequest
	var data keyData
	if err := json.Unmarshal(row.Data, &data); err != nil {
		n.Refuse = refusals[unreadable]
		return n, true
	}
	cutter, mapped := f.cutter(row, &data)
	if !mapped && f.cfg.LeaveUnmapped {
		return n, false
	}
	switch age := now.Sub(created); {
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

// Bounds of what one key command can ask for.
const (
	maxCards = 9
	maxLocks = 32
)

// fillKey fills the notice from the command's data, and returns why it cannot
// be carried out, "" if it can. A lock is a room, or a common door that the
// lock system knows as an authorisation.
func (f *follower) fillKey(n *pms.Notice, row *commandRow, data *keyData, cutter Cutter) (refuse string) {
	var rooms, grants []string
	for _, lock := range data.LockIDs[:min(len(data.LockIDs), maxLocks)] {
		lock = strings.TrimSpace(lock)
		if grant := f.cfg.Grants[lock]; grant != "" {
			grants = append(grants, grant)
		} else if room := f.lockRoom(lock); room != "" && !slices.Contains(rooms, room) {
			rooms = append(rooms, room)
		}
	}
	switch {
	case len(rooms) == 0:
		return "not cut: Mews names no lock for this reservation; assign a room, or have its lock entered in Mews"
	case len(data.LockIDs) > maxLocks:
		return fmt.Sprintf("not cut: %d locks are too many for one card", len(data.LockIDs))
	case data.KeyCount < 1 || data.KeyCount > maxCards:
		return fmt.Sprintf("not cut: %d cards were asked for; ask for 1 to %d", data.KeyCount, maxCards)
	case data.EndUtc.IsZero():
		return "not cut: Mews gives no departure; correct the reservation and ask again"
	}
	n.Reservation = id(data.ReservationID)
	n.Fields = []pms.Field{
		{Name: pms.FieldRoom, Old: rooms[0], New: rooms[0]},
		{Name: pms.FieldRooms, New: strings.Join(rooms[1:], ",")},
		{Name: pms.FieldGrants, New: strings.Join(grants, ",")},
		{Name: pms.FieldConfirmation, New: data.ReservationNumber},
		{Name: pms.FieldLastName, New: or(data.NormalizedLastName, data.LastName)},
		{Name: pms.FieldFirstName, New: or(data.NormalizedFirstName, data.FirstName)},
		{Name: pms.FieldArrival, New: instantText(data.StartUtc.Time)},
		{Name: pms.FieldDeparture, New: instantText(data.EndUtc.Time)},
		{Name: pms.FieldCopies, New: strconv.Itoa(data.KeyCount)},
		// Mews does not say whether the key is new: what was cut before decides.
		{Name: pms.FieldKey, New: "auto"},
		{Name: pms.FieldEncoder, New: cutter.Device},
		{Name: pms.FieldLockEncoder, New: or(cutter.Encoder, f.encoderIn(row, data.KeyCutterData))},
	}
	return ""
}

func (f *follower) lockRoom(lock string) string {
	if room := f.cfg.Locks[lock]; room != "" {
		return room
	}
	return f.roomName(lock)
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// encoderIn reads the encoder's name in the lock system out of the "Data JSON"
// that the hotel can type for a key cutter in Mews: {"encoder": "2"}. People
// type it, and it may hold passwords, so nothing of it is shown; one that is no
// JSON is told of and otherwise ignored, since a guest waits for the key.
func (f *follower) encoderIn(row *commandRow, text string) string {
	if strings.TrimSpace(text) == "" {
		return ""
	}
	var data map[string]json.RawMessage
	if len(text) > 64<<10 || json.Unmarshal([]byte(text), &data) != nil {
		f.board.Raise(alarmData, fmt.Sprintf("the Data JSON of the key cutter %s in Mews is no JSON; keys are cut without it: correct it in Mews, or leave it empty", printable(row.Device.Name, 40)))
		return ""
	}
	for name, value := range data {
		var encoder string
		if strings.EqualFold(name, "encoder") && json.Unmarshal(value, &encoder) == nil {
			return printable(encoder, 60)
		}
	}
	return ""
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
