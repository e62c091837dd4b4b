package mews

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/mewssim"
	"edgeagent/pms"
)

func TestItem31PagesGoBackwards(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.noLedger = true
	owner := r.guest("Group")
	want := map[string]bool{}
	for range 2000 {
		want[r.book(mewssim.Booking{Owner: owner, Room: r.hotel.room["101"], State: mewssim.Started})] = true
	}
	r.run().live()
	for _, n := range r.all() {
		delete(want, n.Reservation)
	}
	if len(want) != 0 {
		t.Errorf("%d reservations not read", len(want))
	}
	calls := r.sim.Audit().Calls("reservations/getAll/2023-06-06")
	rows := 0
	for i, c := range calls {
		if (c.Cursor == "") != (i == 0) || c.Count != 1000 {
			t.Errorf("call %d: %+v", i, c)
		}
		rows += c.Rows
	}
	if len(calls) != 3 || rows != 2000 { // the last page is full, so there is one more, empty
		t.Errorf("%d calls, %d rows", len(calls), rows)
	}
}

func TestItem32EmptyArraysAndExtents(t *testing.T) {
	t.Parallel()
	sim := must(mewssim.Start(mewssim.Options{}))(t) // a property without anything
	r := newRig(t, config(func(c *Config) { c.PlatformURL, c.SocketURL = sim.PlatformURL(), sim.SocketURL() }))
	defer sim.Close()
	r.run().live()
	r.waitAlarm(alarmServices, "Mews knows no service here whose reservations are stays: write their names under services in the property file")
	r.stop()
	if v := sim.Violations(); len(v) != 0 {
		t.Errorf("breaches %v", v)
	}
}

func TestItem33RefusedAndForbidden(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.sim.Deny("customers/getAll")
	r.run().live()
	r.arrive("Guest", "101")
	r.waitIn("101", "?") // without a name the room works all the same
	r.waitAlarm(alarmPermission, "Mews does not grant customers/getAll to this integration, and grants others: ask Mews to enable it")
	if r.alarm(alarmRefused) != "" {
		t.Error("the tokens are doubted")
	}
	r.sim.Trouble(mewssim.Trouble{Path: "reservations/getAll", Times: 1, Kind: mewssim.Status, Status: 403, Message: "Guest Smith is blocked"})
	r.booking("Later", "102")
	r.waitProblem(`reservations/getAll/2023-06-06: HTTP 403: Mews does not allow it (request `)
	if p := r.src.Link().Problem; !strings.HasSuffix(p, `): "Guest Smith is blocked"`) {
		t.Errorf("problem %s", p)
	}
	r.settled()
	r.wait("end of the problem", func() bool { return r.src.Link().Problem == "" })
	r.sim.Allow("customers/getAll")
	r.arrive("Named", "103")
	r.waitIn("103", "Named")
	if a := r.alarm(alarmPermission); a != "" {
		t.Errorf("alarm %s", a)
	}
	r.stop()
	if strings.Contains(r.log.String(), "Smith") {
		t.Error("what Mews says to staff is in the log")
	}
}

func TestItem34RetryAfter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		form string
		want string
	}{
		{"1", "too many requests with this token: does another program use it? give each its own; the agent rests for 1s"},
		{time.Now().UTC().Add(time.Second).Format(http.TimeFormat), "too many requests with this token: does another program use it? give each its own; the agent rests for "},
		{"", "too many requests with this token: does another program use it? give each its own; the agent rests for 1s"},
	} {
		r := newRig(t).run().live()
		r.sim.Trouble(mewssim.Trouble{Path: "reservations/getAll", Times: 1, Kind: mewssim.Status, Status: 429, Retry: tt.form})
		id := r.booking("Guest", "101")
		r.await("reservation", func(n pms.Notice) bool { return n.Reservation == id })
		if got := r.alarm(alarmLimit); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%q: alarm %q", tt.form, got)
		}
		calls := r.sim.Audit().Calls("reservations/getAll/2023-06-06")
		again := calls[len(calls)-1].At.Sub(calls[len(calls)-2].At)
		if tt.form == "1" && again < time.Second {
			t.Errorf("asked again after %s", again)
		}
	}
}

func TestItem35OnlyPathsThatExist(t *testing.T) {
	t.Parallel()
	r := newRig(t, waits(func(w *Waits) {
		w.Commands, w.Stays, w.Rooms, w.Guests = 20*time.Millisecond, 20*time.Millisecond, 20*time.Millisecond, 20*time.Millisecond
	}))
	stay := r.arrive("Guest", "101")
	r.run().live()
	id := r.key(stay, mewssim.KeyOrder{})
	r.await("command", ofCommand(id))
	r.answer(id, pms.CommandProcessed, "")
	r.wait("polls", func() bool { return r.calls("resources/getAll") > 2 && r.calls("customers/getAll") > 3 })
	check(t, must0(r.src.Probe(t.Context())))
	r.stop()
	known := []string{"configuration/get", "services/getAll", "resourceCategories/getAll", "resources/getAll", "resourceCategoryAssignments/getAll",
		"reservations/getAll/2023-06-06", "companionships/getAll", "customers/getAll", "devices/getAll", "commands/getAllActive", "commands/getAllByIds", "commands/update"}
	for _, q := range r.sim.Audit().Requests {
		if !slices.Contains(known, q.Path) || q.Client != "edgeagent 9.9" {
			t.Errorf("request %+v", q)
		}
	}
}

func must0(list []pms.Finding) error {
	for _, f := range list {
		if !f.OK {
			return fmt.Errorf("finding %+v", f)
		}
	}
	return nil
}

func TestItem36ReadsArePosts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	r.sim.Trouble(mewssim.Trouble{Path: "reservations/getAll", Times: 2, Kind: mewssim.Reset})
	id := r.booking("Guest", "102")
	r.await("reservation read again", func(n pms.Notice) bool { return n.Reservation == id })
	// What is no read is sent once; whoever keeps the outbox decides about more.
	command := r.key(stay, mewssim.KeyOrder{})
	r.await("command", ofCommand(command))
	before := r.calls("commands/update")
	r.sim.Trouble(mewssim.Trouble{Path: "commands/update", Times: 1, Kind: mewssim.Reset})
	if err := r.src.Acknowledge(t.Context(), pms.Answer{CommandID: command, State: pms.CommandReceived}); err == nil {
		t.Error("no error")
	}
	if n := r.calls("commands/update") - before; n != 1 {
		t.Errorf("sent %d times", n)
	}
	r.stop()
	for _, secret := range []string{r.sim.ClientToken(), r.sim.AccessToken()} {
		if strings.Contains(r.log.String(), secret) {
			t.Error("a token is in the log")
		}
	}
}

func TestItem37PortfolioTokens(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.sim.Change(func(f *mewssim.Faults) { f.Shape.Portfolio = true })
	r.run().live()
	r.waitAlarm(alarmPortfolio, "the access token is one for several properties, and device commands come only with a token of one property: ask Mews for such a one")
}

func TestItem38TheGatewaysClock(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mews time.Duration
		want string
	}{
		{2 * time.Hour, "the gateway's clock is 2h0m0s behind Mews's; ages are told by Mews's clock, keys and screens by the gateway's: let the gateway reach a time server"},
		{-2 * time.Hour, "the gateway's clock is 2h0m0s ahead of Mews's; ages are told by Mews's clock, keys and screens by the gateway's: let the gateway reach a time server"},
	} {
		t.Run(tt.mews.String(), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.sim.SetClockOffset(tt.mews)
			r.run().live()
			r.waitAlarm(alarmClock, tt.want)
			// What happens now is news, and what waits is not too old.
			stay := r.arrive("Guest", "101")
			r.waitIn("101", "Guest")
			if in := r.told(pms.StayCheckedIn); len(in) != 1 || !in[0].Fresh {
				t.Errorf("check-in %+v", in)
			}
			if n := r.await("command", ofCommand(r.key(stay, mewssim.KeyOrder{}))); n.Refuse != "" {
				t.Errorf("refused: %s", n.Refuse)
			}
			if n := r.await("old command", ofCommand(r.key(stay, mewssim.KeyOrder{Created: r.sim.Now().Add(-10 * time.Minute)}))); n.RefuseAs != pms.CommandCancelled {
				t.Errorf("notice %+v", n)
			}
			// The windows after a restart are Mews's.
			r.stop()
			// Each start measures the difference anew, to a second.
			later := r.sim.Now().Add(2 * time.Second)
			r.wait("later second", func() bool { return r.sim.Now().After(later) })
			check(t, r.sim.CheckOut(stay))
			r.restart()
			r.waitIn("101", "")
			if mark, ok := parseWatermark(r.place()); !ok || r.sim.Now().Sub(mark.stays).Abs() > time.Minute {
				t.Errorf("mark %s at %s", r.place(), r.sim.Now())
			}
		})
	}
}
