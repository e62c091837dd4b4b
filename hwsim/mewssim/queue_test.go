package mewssim

import (
	"encoding/json"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func (s *Server) update(t *testing.T, status int, id, state string, more object) {
	t.Helper()
	fields := object{"CommandId": id, "State": state}
	maps.Copy(fields, more)
	if got := s.call(t, "commands/update", fields); got.status != status {
		t.Errorf("%s: %d %s", state, got.status, got.text)
	}
}

func TestCommandGoesRound(t *testing.T) {
	s, _ := startAt(t)
	h := build(s)
	r := h.book(h.room)
	p := s.dial(t)
	ok(t, s.EditDevice(h.cutter, func(d *Device) { d.APIURL, d.Data = "10.0.0.5:9000", `{"Type":` }))
	id := must(s.CutKey(h.cutter, r.ID, 2))
	echo := func(state string) {
		t.Helper()
		if diff := cmp.Diff([]object{{"Type": "DeviceCommand", "Id": id, "State": state}}, p.events()); diff != "" {
			t.Error(diff)
		}
	}
	echo("Pending")
	want := []object{{"Id": id, "State": "Pending", "CreatedUtc": "2026-03-01T12:00:00Z", "Creator": nil,
		"Device": object{"Id": h.cutter, "Type": "KeyCutter", "Name": "Desk encoder", "Identifier": "ENC-1"},
		"Data": object{"KeyCutterId": "ENC-1", "ApiUrl": "10.0.0.5:9000", "KeyCutterData": `{"Type":`, "KeyCount": 2.0, "LockIds": []any{"101"},
			"StartUtc": "2026-03-01T12:00:00Z", "EndUtc": "2026-03-03T12:00:00Z", "FirstName": "Ágnes", "LastName": "Örkény",
			"NormalizedFirstName": "Agnes", "NormalizedLastName": "Orkeny", "Telephone": nil, "Email": nil,
			"ReservationId": r.ID, "ReservationNumber": r.Number}}}
	byID := func() []object {
		return s.good(t, "commands/getAllByIds", object{"CommandIds": []string{id}}).list("Commands")
	}
	if diff := cmp.Diff(want, byID()); diff != "" {
		t.Error(diff)
	}
	active := func() int { return len(s.good(t, "commands/getAllActive", nil).list("Commands")) }
	s.update(t, 200, id, Received, object{"Notes": "early"})
	if echo("Received"); active() != 1 {
		t.Error("not active")
	}
	s.update(t, 200, id, Processing, object{"Progress": 0.5})
	if echo("Processing"); active() != 0 {
		t.Error("active")
	}
	s.update(t, 200, id, Processed, object{"Progress": 1, "Notes": "2 keys"})
	echo("Processed")
	if got := byID(); len(got) != 1 || got[0]["State"] != "Processed" {
		t.Error(got)
	}
	c, _ := s.Command(id)
	if *c.Progress != 0.5 || c.Notes != "2 keys" || len(c.Updates()) != 3 || *c.Updates()[0].Notes != "early" || *c.Updates()[2].Progress != 1 {
		t.Errorf("%+v", c)
	}
	s.update(t, 400, id, Failed, nil)
	s.Change(func(f *Faults) { f.FinalAgain = true })
	s.update(t, 200, id, Processed, nil)
	p.nothing(s)
	c, _ = s.Command(id)
	if u := c.Updates(); c.State != Processed || len(u) != 5 || u[3].Status != 400 || u[4].Status != 200 || u[4].Taken {
		t.Errorf("%+v", c)
	}
	if v := s.Violations(); len(v) > 0 {
		t.Error(v)
	}
}

func TestUpdatesThatAreRefused(t *testing.T) {
	s, _ := startAt(t)
	h := build(s)
	id := must(s.CutKey(h.cutter, h.book(h.room).ID, 1))
	s.update(t, 400, newID(), Received, nil)
	s.update(t, 400, id, "Canceled", nil)
	s.update(t, 400, id, Pending, nil)
	s.update(t, 400, id, Processing, object{"Progress": "half"})
	if c, _ := s.Command(id); c.State != Pending {
		t.Error(c.State)
	}
}

// Staff cancel while the client works; its result comes too late.
func TestStaffCancelsMidFlight(t *testing.T) {
	s, _ := startAt(t)
	h := build(s)
	id := must(s.CutKey(h.cutter, h.book(h.room).ID, 1))
	p := s.dial(t)
	s.update(t, 200, id, Processing, nil)
	p.events()
	ok(t, s.CancelCommand(id, "wrong guest"))
	if e := p.events()[0]; e["State"] != "Cancelled" {
		t.Error(e)
	}
	s.update(t, 400, id, Processed, nil)
	if err := s.CancelCommand(id, ""); err == nil {
		t.Error("cancelled twice")
	}
	c, err := s.AwaitCommand(within(t), id, Command.Final)
	if err != nil || c.State != Cancelled || c.Notes != "wrong guest" || len(c.History) != 4 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestAwaitCommandWakes(t *testing.T) {
	s, _ := startAt(t)
	h := build(s)
	id := must(s.CutKey(h.cutter, h.book(h.room).ID, 1))
	done := make(chan error, 1)
	go func() {
		_, err := s.AwaitCommand(within(t), id, Command.Final)
		done <- err
	}()
	s.update(t, 200, id, Failed, object{"Notes": "encoder offline"})
	ok(t, <-done)
}

func TestKeyOrdersOfAllKinds(t *testing.T) {
	s, _ := startAt(t)
	h := build(s)
	r := h.book(h.room)
	ok(t, s.SetLocks(h.room, "101", "POOL"))
	data := "no json"
	old := must(s.CutKeyWith(h.cutter, r.ID, KeyOrder{Data: &data, Locks: []string{}, Created: h.Now().Add(-time.Hour), Creator: "Kovács"}))
	now := must(s.CutKey(h.cutter, r.ID, 1))
	rows := s.good(t, "commands/getAllActive", object{"Limitation": first(10)}).list("Commands")
	if len(rows) != 2 || rows[0]["Id"] != now || rows[1]["Id"] != old {
		t.Fatalf("%v", rows)
	}
	got := rows[1]["Data"].(object)
	if got["KeyCutterData"] != data || len(got["LockIds"].([]any)) != 0 || rows[1]["CreatedUtc"] != "2026-03-01T11:00:00Z" {
		t.Errorf("%v", rows[1])
	}
	if diff := cmp.Diff([]any{"101", "POOL"}, rows[0]["Data"].(object)["LockIds"]); diff != "" {
		t.Error(diff)
	}
}

func TestOtherDevices(t *testing.T) {
	s, _ := startAt(t)
	h := build(s)
	add := func(kind string) string {
		id := s.AddDevice(kind, kind, "")
		ok(t, s.Link(id))
		return id
	}
	must(s.Print(add(Printer), 1, "application/pdf", []byte("pdf")))
	must(s.ScanPassport(add(PassportScanner), h.guest, ""))
	must(s.Charge(add(PaymentTerminal), h.guest, 12.5))
	must(s.Fiscalize(add(FiscalMachine), newID()))
	must(s.AddRawCommand(Command{Device: add("VisiOnlineKeyCutter"), Data: json.RawMessage(`{"Any":["thing"]}`)}))
	types := map[any]bool{}
	for _, c := range s.good(t, "commands/getAllActive", nil).list("Commands") {
		types[c["Device"].(object)["Type"]] = c["Data"] != nil
	}
	if len(types) != 5 || !types["VisiOnlineKeyCutter"] || len(s.good(t, "devices/getAll", nil).list("Devices")) != 6 {
		t.Error(types)
	}
	if _, err := s.AddRawCommand(Command{Device: h.cutter, Data: json.RawMessage("{")}); err == nil {
		t.Error("a payload that is no JSON")
	}
}

func TestAddKeyCutter(t *testing.T) {
	s, _ := startAt(t)
	h := build(s)
	p := s.dial(t)
	r, roomless := h.book(h.room), h.book("")
	p.events()
	p.events()
	add := func(device, reservation string) reply {
		return s.call(t, "commands/addKeyCutter", object{"KeyCutterId": device, "ReservationId": reservation, "KeyCount": 1})
	}
	if got := add(h.cutter, roomless.ID); got.status != 403 {
		t.Error(got.status)
	}
	if got := add("ENC-1", r.ID); got.status != 400 {
		t.Error(got.status)
	}
	got := add(h.cutter, r.ID)
	if e := p.events()[0]; got.status != 200 || e["Id"] != got.json["CommandId"] {
		t.Errorf("%d %v, %v", got.status, got.json, e)
	}
	if add(h.cutter, r.ID); len(s.Commands()) != 2 {
		t.Error("a repeated order is not a second one")
	}
}
