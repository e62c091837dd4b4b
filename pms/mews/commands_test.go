package mews

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/mewssim"
	"edgeagent/pms"
)

func TestCommandWithinOneRead(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	before := r.sim.Audit()
	id := r.key(stay, mewssim.KeyOrder{})
	n := r.await("command", ofCommand(id))
	after := r.sim.Audit()
	if len(after.Requests) != len(before.Requests)+1 || after.Requests[len(before.Requests)].Path != "commands/getAllByIds" {
		t.Errorf("requests %+v", after.Requests[len(before.Requests):])
	}
	if n.Kind != pms.KindKeyRequest || n.Replayed || n.Expires.Sub(n.Received) != 90*time.Second || !n.KeysByCommand || n.Offset != r.place() {
		t.Errorf("notice %+v", n)
	}
	// The same hint again, or the queue after a reconnect, is no second command.
	r.sim.SendRaw(fmt.Sprintf(`{"Events":[{"Type":"DeviceCommand","Id":%q,"State":"Pending"},{"Type":"DeviceCommand","Id":%q,"State":"Pending"}]}`, id, strings.ToUpper(id)))
	r.src.Reconnect()
	r.wait("second socket", func() bool { return len(r.sim.Audit().Connects) == 2 })
	r.live()
	r.settled()
	if n := r.count(ofCommand(id)); n != 1 {
		t.Errorf("told %d times", n)
	}
}

func TestDuplicateAndReversedEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	r.sim.Change(func(f *mewssim.Faults) { f.Socket.Duplicate, f.Socket.Reverse = 3, true })
	var cancelled, kept string
	r.sim.Together(func() {
		cancelled, kept = r.key(stay, mewssim.KeyOrder{}), r.key(stay, mewssim.KeyOrder{})
		check(t, r.sim.CancelCommand(cancelled, ""))
	})
	r.await("command", ofCommand(kept))
	r.settled()
	if n := r.count(ofCommand(kept)); n != 1 {
		t.Errorf("told %d times", n)
	}
	if n := r.count(func(n pms.Notice) bool { return n.CommandID == cancelled && n.Kind == pms.KindKeyRequest }); n != 0 {
		t.Error("a cancelled command would be carried out")
	}
}

func TestCancelledBeforeItIsTaken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	r.sim.Trouble(mewssim.Trouble{Path: "commands/getAllByIds", Times: 1, Kind: mewssim.Status, Status: 503})
	r.sim.Change(func(f *mewssim.Faults) { f.Socket.Lose = true })
	id := r.key(stay, mewssim.KeyOrder{})
	check(t, r.sim.CancelCommand(id, "wrong room"))
	r.sim.SendRaw(fmt.Sprintf(`{"Events":[{"Type":"DeviceCommand","Id":%q,"State":"Pending"}]}`, id))
	r.wait("read of it", func() bool { return r.calls("commands/getAllByIds") > 1 || r.calls("commands/getAllActive") > 1 })
	r.sim.Change(func(f *mewssim.Faults) { f.Socket.Lose = false })
	r.settled()
	if _, told := r.last(ofCommand(id)); told {
		t.Error("it would be carried out")
	}
}

func TestCancelledAfterItWasTaken(t *testing.T) {
	t.Parallel()
	withdrawn := func(id string) func(pms.Notice) bool {
		return func(n pms.Notice) bool { return n.CommandID == id && n.Kind == pms.KindCommandWithdrawn }
	}
	t.Run("by event", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		stay := r.arrive("Guest", "101")
		r.run().live()
		id := r.key(stay, mewssim.KeyOrder{})
		r.await("command", ofCommand(id))
		r.answer(id, pms.CommandReceived, "")
		check(t, r.sim.CancelCommand(id, ""))
		r.await("withdrawal", withdrawn(id))
		r.answer(id, pms.CommandCancelled, "cancelled in Mews") // nothing is left to say
		if got := r.steps(id); got != "Received" {
			t.Errorf("told %s", got)
		}
	})
	t.Run("by poll, the event being lost", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, waits(func(w *Waits) { w.Commands = 30 * time.Millisecond }))
		stay := r.arrive("Guest", "101")
		r.run().live()
		id := r.key(stay, mewssim.KeyOrder{})
		r.await("command", ofCommand(id))
		r.answer(id, pms.CommandReceived, "")
		r.sim.Change(func(f *mewssim.Faults) { f.Socket.Lose = true })
		check(t, r.sim.CancelCommand(id, ""))
		r.await("withdrawal", withdrawn(id))
	})
	t.Run("by a refused answer", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		stay := r.arrive("Guest", "101")
		r.run().live()
		id := r.key(stay, mewssim.KeyOrder{})
		r.await("command", ofCommand(id))
		r.sim.Change(func(f *mewssim.Faults) { f.Socket.Lose = true })
		check(t, r.sim.CancelCommand(id, ""))
		r.answer(id, pms.CommandReceived, "") // Mews says 400: it is final
		r.await("withdrawal", withdrawn(id))
		r.answer(id, pms.CommandProcessing, "")
		if got := r.steps(id); got != "Received" {
			t.Errorf("told %s", got)
		}
	})
	t.Run("while the gateway was off", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		stay := r.arrive("Guest", "101")
		r.run().live()
		id := r.key(stay, mewssim.KeyOrder{})
		r.await("command", ofCommand(id))
		r.answer(id, pms.CommandReceived, "")
		r.sim.Change(func(f *mewssim.Faults) { f.FinalAgain = true }) // a server that takes any answer
		r.stop()
		check(t, r.sim.CancelCommand(id, ""))
		r.restart()
		r.live()
		r.answer(id, pms.CommandProcessing, "") // the store has it still; it is looked at before work begins
		r.await("withdrawal", withdrawn(id))
		if got := r.steps(id); got != "Received" {
			t.Errorf("told %s", got)
		}
	})
}

func TestAnswerAfterARestart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	id := r.key(stay, mewssim.KeyOrder{})
	r.await("command", ofCommand(id))
	r.answer(id, pms.CommandReceived, "")
	r.answer(id, pms.CommandProcessing, "")
	// The answer arrives, and the power goes before that is known.
	r.answer(id, pms.CommandProcessed, "1 key")
	r.restart()
	r.live()
	looks := r.calls("commands/getAllByIds")
	r.answer(id, pms.CommandError, "outcome unknown")
	if c := r.command(id); c.State != mewssim.Processed || r.steps(id) != "Received Processing Processed" || r.calls("commands/getAllByIds") != looks+1 {
		t.Errorf("command %+v", c)
	}
}

func TestFinalStateSeenElsewhere(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	id := r.key(stay, mewssim.KeyOrder{})
	r.await("command", ofCommand(id))
	r.answer(id, pms.CommandReceived, "")
	r.answer(id, pms.CommandProcessing, "")
	r.sim.Change(func(f *mewssim.Faults) { f.Socket.Lose = true })
	check(t, r.sim.SetCommandState(id, mewssim.Failed, "by support"))
	r.answer(id, pms.CommandProcessed, "1 key") // nil: Mews knows a final state already
	if c := r.command(id); c.State != mewssim.Failed || c.Notes != "by support" {
		t.Errorf("command %+v", c)
	}
	// A refusal for another reason is an error, as often as it is asked.
	other := r.key(stay, mewssim.KeyOrder{})
	r.sim.Trouble(mewssim.Trouble{Path: "commands/update", Times: 1, Kind: mewssim.Status, Status: 403, Message: "Not today, Smith"})
	err := r.src.Acknowledge(t.Context(), pms.Answer{CommandID: other, State: pms.CommandReceived})
	if err == nil || !strings.HasPrefix(err.Error(), "commands/update: HTTP 403: Mews does not allow it (request ") {
		t.Errorf("error %v", err)
	}
	r.answer(other, pms.CommandReceived, "")
}

func TestUnknownCommand(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	r.answer("00000000-0000-0000-0000-00000000beef", pms.CommandError, "") // nobody waits for it any more
	if r.calls("commands/update") != 0 {
		t.Error("Mews was told")
	}
}

func TestDevicesThatAreNotServed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	guest := r.guest("Guest")
	add := func(kind, name string) string {
		id := r.sim.AddDevice(kind, name, "")
		check(t, r.sim.Link(id))
		return id
	}
	printer, scanner, terminal, fiscal, odd := add(mewssim.Printer, "P"), add(mewssim.PassportScanner, "S"), add(mewssim.PaymentTerminal, "T"),
		add(mewssim.FiscalMachine, "F"), add("VisiOnlineKeyCutter\n", "V")
	bar := add(mewssim.KeyCutter, "Bar")
	stay := r.arrive("Guest", "101")
	r.run().live()
	for id, want := range map[string]string{
		must(r.sim.Print(printer, 1, "application/pdf", []byte("x")))(t): "this gateway does not print: send the document to a printer that Mews serves itself",
		must(r.sim.ScanPassport(scanner, guest, ""))(t):                  "this gateway has no passport scanner: enter the document by hand",
		must(r.sim.Charge(terminal, guest, 10))(t):                       "this gateway has no payment terminal: take the payment another way",
		must(r.sim.Fiscalize(fiscal, guest))(t):                          "this gateway has no fiscal machine: see that the bill is reported another way",
		must(r.sim.AddRawCommand(mewssim.Command{Device: odd}))(t):       "this gateway serves no device of the type VisiOnlineKeyCutter",
		must(r.sim.CutKey(bar, stay, 1))(t):                              "no encoder here stands for the key cutter Bar: have the installer map it",
	} {
		n := r.await("command", ofCommand(id))
		if n.Refuse != want || n.RefuseAs != "" {
			t.Errorf("%q as %q, want %q", n.Refuse, n.RefuseAs, want)
		}
		r.answer(id, pms.CommandError, n.Refuse)
		if c := r.command(id); c.Notes != want || c.State != mewssim.Failed {
			t.Errorf("command %+v", c)
		}
	}
}

func TestUnmappedProperty(t *testing.T) {
	t.Parallel()
	r := newRig(t, config(func(c *Config) { c.Devices = nil }))
	stay := r.arrive("Guest", "101")
	r.run().live()
	n := r.await("command", ofCommand(r.key(stay, mewssim.KeyOrder{})))
	if n.Refuse != "" || value(n, pms.FieldEncoder) != "" || n.KeysByCommand {
		t.Errorf("notice %+v", n)
	}
}

func TestLocksGrantsAndRooms(t *testing.T) {
	t.Parallel()
	r := newRig(t, config(func(c *Config) {
		c.Locks = map[string]string{"L-17": "101"}
		c.Grants = map[string]string{"POOL": "p1", "GYM": "g1"}
		c.Rooms = map[string]string{"102": "0102"}
	}))
	stay := r.arrive("Müller", "101")
	r.run().live()
	for _, tt := range []struct {
		locks               []string
		room, rooms, grants string
		refuse              string
	}{
		{[]string{"L-17"}, "101", "", "", ""},
		{[]string{"POOL", " 102 ", "L-17", "GYM", "101"}, "0102", "101", "p1,g1", ""},
		{[]string{"205"}, "205", "", "", ""},
		{[]string{}, "", "", "", "not cut: Mews names no lock for this reservation; assign a room, or have its lock entered in Mews"},
		{[]string{"POOL"}, "", "", "", "not cut: Mews names no lock for this reservation; assign a room, or have its lock entered in Mews"},
	} {
		n := r.await("command", ofCommand(r.key(stay, mewssim.KeyOrder{Locks: tt.locks})))
		if n.Refuse != tt.refuse || value(n, pms.FieldRoom) != tt.room || value(n, pms.FieldRooms) != tt.rooms || value(n, pms.FieldGrants) != tt.grants {
			t.Errorf("%q: %+v", tt.locks, n)
		}
		if tt.refuse == "" && value(n, pms.FieldLastName) != "Muller" {
			t.Errorf("name %q", value(n, pms.FieldLastName))
		}
	}
	e := r.told(pms.KeyRequested)[1]
	if e.Extra["rooms"] != "101" || e.Extra["grants"] != "p1,g1" || e.Extra["encoder"] != "lobby" {
		t.Errorf("event %+v", e.Extra)
	}
}

// Each command is taken however many come at once, and whatever happens meanwhile.
func TestManyCommands(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	want := map[string]bool{}
	r.sim.Trouble(mewssim.Trouble{Path: "commands/getAllByIds", Times: 2, Kind: mewssim.Status, Status: 500})
	for i := range 60 {
		want[r.key(stay, mewssim.KeyOrder{})] = true
		if i%20 == 10 {
			r.sim.DropSockets()
		}
	}
	r.wait("all", func() bool { return r.count(func(n pms.Notice) bool { return want[n.CommandID] }) == len(want) })
	r.live()
	r.settled()
	if n := r.count(func(n pms.Notice) bool { return want[n.CommandID] }); n != len(want) {
		t.Errorf("%d notices for %d commands", n, len(want))
	}
}

func TestMemoryOfCommandsIsBounded(t *testing.T) {
	t.Parallel()
	m := newRecently()
	for i := range maxRecently + 10 {
		m.add(fmt.Sprint(i))
		m.add(fmt.Sprint(i))
	}
	if len(m.known) != maxRecently || len(m.order) != maxRecently || m.has("9") || !m.has("10") {
		t.Errorf("%d known", len(m.known))
	}
	s := newSightings()
	for i := range maxSightings + 10 {
		s.told(fmt.Sprint(i), time.Now())
	}
	if len(s.of) != maxSightings {
		t.Errorf("%d sightings", len(s.of))
	}
	d := &desk{told: map[string]*telling{}}
	for i := range maxTold + 10 {
		d.over(fmt.Sprint(i))
	}
	if len(d.told) > maxTold {
		t.Errorf("%d told", len(d.told))
	}
}
