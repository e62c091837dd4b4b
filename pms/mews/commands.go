package mews

import (
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
			f.ids[key], f.named = true, true
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
	if soon := now.Add(f.cfg.KeyWait); soon.Before(n.Expires) {
		n.Expires = soon
	}
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
