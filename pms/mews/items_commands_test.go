package mews

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/mewssim"
	"edgeagent/pms"
)

func TestItem14NamesOfAKeyCutter(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	data := func(cutter string) []byte {
		return fmt.Appendf(nil, `{"KeyCutterId":%q,"KeyCount":1,"LockIds":["101"],"StartUtc":"2026-01-01T00:00:00Z","EndUtc":"2027-01-01T00:00:00Z","LastName":"G","ReservationId":%q}`, cutter, stay)
	}
	for _, name := range []string{r.hotel.cutter, strings.ToUpper(r.hotel.cutter), "enc-1", " front DESK ", "typed"} {
		r.cfg.Devices = []Cutter{{Mews: name, Device: "by " + name, Encoder: "7"}}
		r.make()
		r.run().live()
		id := must(r.sim.AddRawCommand(mewssim.Command{Device: r.hotel.cutter, Data: data("typed")}))(t)
		n := r.await("command", ofCommand(id))
		if n.Refuse != "" || value(n, pms.FieldEncoder) != "by "+name || value(n, pms.FieldLockEncoder) != "7" {
			t.Errorf("%q: %+v", name, n)
		}
		r.answer(id, pms.CommandProcessed, "")
		r.stop()
	}
}

func TestItem15JSONInAString(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	for _, tt := range []struct {
		data, encoder string
		odd           bool
	}{
		{`{"Type":"Vision","Encoder":"12","password":"hunter2"}`, "12", false},
		{``, "", false}, {` `, "", false}, {`{"encoder":12}`, "", false}, {`null`, "", false},
		{`{"encoder":"12",`, "", true}, {`encoder=12;pw=hunter2`, "", true}, {`["hunter2"]`, "", true}, {`"hunter2"`, "", true},
		{strings.Repeat(" ", 70<<10) + `{}`, "", true},
	} {
		r.src.board.Clear(alarmData)
		id := r.key(stay, mewssim.KeyOrder{Data: &tt.data})
		n := r.await("command", ofCommand(id))
		if n.Refuse != "" || value(n, pms.FieldLockEncoder) != tt.encoder {
			t.Errorf("%q: %+v", tt.data, n)
		}
		want := ""
		if tt.odd {
			want = "the Data JSON of the key cutter Front desk in Mews is no JSON; keys are cut without it: correct it in Mews, or leave it empty"
		}
		if got := r.alarm(alarmData); got != want {
			t.Errorf("%q: alarm %q", tt.data, got)
		}
		r.answer(id, pms.CommandProcessed, "")
	}
	r.stop()
	if strings.Contains(r.log.String(), "hunter2") || strings.Contains(fmt.Sprint(r.src.Link()), "hunter2") {
		t.Error("a password is shown")
	}
}

func TestItem16NewOrDuplicateIsNotTold(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	for range 2 {
		n := r.await("command", ofCommand(r.key(stay, mewssim.KeyOrder{Count: 2})))
		if value(n, pms.FieldKey) != "auto" || value(n, pms.FieldCopies) != "2" || n.Reservation != stay {
			t.Errorf("notice %+v", n)
		}
	}
	if keys := r.told(pms.KeyRequested); len(keys) != 2 || keys[0].Stay.Reservation != stay || keys[0].Room != "101" {
		t.Errorf("events %+v", keys)
	}
}

func TestItem17TimesAreUTC(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	// The night in which Budapest's clocks go back.
	to := time.Date(time.Now().Year()+1, 10, 31, 10, 37, 0, 0, time.UTC)
	to = to.AddDate(0, 0, -int(to.Weekday()))
	from := to.Add(-21*time.Hour - 32*time.Minute)
	n := r.await("command", ofCommand(r.key(stay, mewssim.KeyOrder{Start: from, End: to})))
	if value(n, pms.FieldArrival) != from.Format(time.RFC3339) || value(n, pms.FieldDeparture) != to.Format(time.RFC3339) {
		t.Errorf("notice %+v", n.Fields)
	}
	e := r.told(pms.KeyRequested)[0]
	if local := e.Stay.Departure.In(r.deps.Zone).Format("15:04 -0700"); local != "11:37 +0100" {
		t.Errorf("departure %s", local)
	}
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	check(t, err)
	r.deps.Zone = tokyo
	r.restart()
	r.waitAlarm(alarmZone, "Mews has the property in the time zone Europe/Budapest, the property file in Asia/Tokyo: keys would end at another hour; correct property.timezone")
}

func TestItem18ProgressAndNotes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	id := r.key(stay, mewssim.KeyOrder{})
	r.await("command", ofCommand(id))
	long := strings.Repeat("é", 300) + "\x00\n"
	for _, state := range []pms.CommandState{pms.CommandReceived, pms.CommandProcessing, pms.CommandError} {
		r.answer(id, state, long)
	}
	for _, u := range r.command(id).Updates() {
		if (u.Progress != nil) != (u.State == mewssim.Processing) || (u.Notes != nil) != (u.State == mewssim.Failed) {
			t.Errorf("%s with progress %v and notes %v", u.State, u.Progress, u.Notes)
		}
	}
	if c := r.command(id); c.Notes != strings.Repeat("é", 250)+"…" || *c.Progress != 0.5 {
		t.Errorf("command %+v", c)
	}
}

func TestItem19ReceivedIsNoLock(t *testing.T) {
	t.Parallel()
	r := newRig(t, config(func(c *Config) { c.LeaveUnmapped = true }))
	bar := r.sim.AddDevice(mewssim.KeyCutter, "Bar", "")
	check(t, r.sim.Link(bar))
	stay := r.arrive("Guest", "101")
	r.run().live()
	theirs, ours := must(r.sim.CutKey(bar, stay, 1))(t), r.key(stay, mewssim.KeyOrder{})
	r.await("ours", ofCommand(ours))
	r.settled()
	if _, told := r.last(ofCommand(theirs)); told {
		t.Error("the other gateway's key would be cut here too")
	}
	broken := must(r.sim.AddRawCommand(mewssim.Command{Device: bar, Data: []byte(`{"KeyCount":"one"}`)}))(t)
	printer := r.sim.AddDevice(mewssim.Printer, "Printer", "")
	print := must(r.sim.Print(printer, 1, "application/pdf", nil))(t)
	check(t, r.sim.Link(printer))
	r.src.Reconnect() // everything that waits is looked at once more
	r.await("what nobody else would answer", ofCommand(print))
	for _, id := range []string{theirs, broken} {
		if _, told := r.last(ofCommand(id)); told {
			t.Errorf("told of %s", id)
		}
	}
}

func TestItem20StaleKeyCommands(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		as   string
		age  time.Duration
		want string
		end  pms.CommandState
	}{
		{"", 6 * time.Minute, "not cut: it was asked for 6 minutes ago, while the gateway could not be reached; ask again if the guest still needs it", pms.CommandCancelled},
		{"error", 3 * time.Hour, "not cut: it was asked for 3 hours ago, while the gateway could not be reached; ask again if the guest still needs it", pms.CommandError},
		{"cancelled", 72 * time.Hour, "not cut: it was asked for 3 days ago, while the gateway could not be reached; ask again if the guest still needs it", pms.CommandCancelled},
		{"", 4 * time.Minute, "", ""},
	} {
		r := newRig(t, config(func(c *Config) { c.CloseOldAs = tt.as }))
		stay := r.arrive("Guest", "101")
		id := r.key(stay, mewssim.KeyOrder{Created: r.sim.Now().Add(-tt.age - 2*time.Second)})
		n := r.run().await("command", ofCommand(id))
		if n.Refuse != tt.want || n.RefuseAs != tt.end {
			t.Errorf("after %s: %q as %q", tt.age, n.Refuse, n.RefuseAs)
		}
		if left := n.Expires.Sub(n.Received); left > 5*time.Minute-tt.age || left < 5*time.Minute-tt.age-time.Minute {
			t.Errorf("after %s it expires in %s", tt.age, left)
		}
		if most := n.NotBefore.Add(5 * time.Minute); n.Expires.After(most) {
			t.Errorf("after %s it expires %s, and is too old %s", tt.age, n.Expires, most)
		}
		r.live()
		if len(r.told(pms.KeyRequested)) > 0 && tt.want != "" {
			t.Error("a rule sees it")
		}
	}
}

func TestItem21OrdersAreNotRepeatedBlindly(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	check(t, err)
	for _, name := range files { // we never create a command, so none can come twice
		text, err := os.ReadFile(name)
		check(t, err)
		if !strings.HasSuffix(name, "_test.go") && strings.Contains(string(text), "commands/add") {
			t.Errorf("%s creates commands", name)
		}
	}
}
