package mews

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/mewssim"
	"edgeagent/pms"
)

// Each of these says what the user sees while something is wrong, and that
// nothing is lost by it.

func TestStormOf429(t *testing.T) {
	t.Parallel()
	for name, form := range map[string]mewssim.RetryAfter{"seconds": mewssim.RetrySeconds, "date": mewssim.RetryDate, "missing": mewssim.RetryMissing} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, tolerate("limit", "impatience"))
			stay := r.arrive("Guest", "101")
			r.run().live()
			// Another program has used up the token.
			r.sim.Change(func(f *mewssim.Faults) {
				f.Limit = mewssim.Limit{Requests: 4, Window: 600 * time.Millisecond, Retry: form}
			})
			id := r.key(stay, mewssim.KeyOrder{})
			r.src.Reconnect()
			r.arrive("Last", "102")
			r.waitIn("102", "Last")
			r.await("command", ofCommand(id))
			if got := r.alarm(alarmLimit); !strings.HasPrefix(got, "too many requests with this token: does another program use it? give each its own; the agent rests for ") {
				t.Errorf("alarm %q", got)
			}
			if r.src.Link().State == pms.LinkParked {
				t.Error("parked")
			}
		})
	}
}

func TestTokensRotatedInMidLife(t *testing.T) {
	t.Parallel()
	for _, closed := range []int{0, 1008} {
		r := newRig(t, tolerate("credentials"), waits(func(w *Waits) { w.Refused, w.RefusedMax = time.Hour, time.Hour }))
		r.sim.Change(func(f *mewssim.Faults) { f.Socket.CloseOnRevoke = closed })
		stay := r.arrive("Guest", "101")
		r.run().live()
		fresh := r.sim.RotateToken()
		id := r.key(stay, mewssim.KeyOrder{})
		r.arrive("Later", "102")
		r.waitAlarm(alarmRefused, "Mews refuses the tokens: check both token files, and in Mews that the integration is enabled")
		if a := r.alarm(alarmPermission); a != "" {
			t.Errorf("alarm %s", a)
		}
		if closed != 0 {
			r.wait("parked link", func() bool { return r.src.Link().State == pms.LinkParked })
			r.waitProblem("socket: HTTP 401: Mews refuses the tokens for the socket: check both token files, and ask Mews support whether WebSockets are enabled for this integration; meanwhile the agent asks Mews again and again")
		}
		if r.in("101") != "Guest" {
			t.Error("the guest has lost his name")
		}
		r.setSecret("access", fresh)
		r.waitIn("102", "Later")
		r.await("command", ofCommand(id))
		r.live()
		r.wait("end of the alarm", func() bool { return r.alarm(alarmRefused) == "" })
	}
}

func TestTokenFiles(t *testing.T) {
	t.Parallel()
	r := newRig(t, tolerate("credentials"))
	r.setSecret("access", "AccessToken=abc;")
	r.run()
	r.waitProblem("a token file does not hold a token: write just the token, hex digits and hyphens, on one line; meanwhile the agent asks Mews again and again")
	r.setSecret("access", r.sim.AccessToken())
	r.live()
	if p := r.src.Link().Problem; p != "" {
		t.Errorf("problem %s", p)
	}
}

func TestOperationsNotGranted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, op := range []string{"companionships/getAll", "commands/getAllByIds"} {
		r.sim.Deny(op)
	}
	stay := r.arrive("Guest", "101")
	r.run().live()
	r.waitIn("101", "Guest") // the owner is known without companions
	id := r.key(stay, mewssim.KeyOrder{})
	r.await("command by the list of all that wait", ofCommand(id))
	r.answer(id, pms.CommandReceived, "")
	r.answer(id, pms.CommandProcessed, "")
	if c := r.command(id); c.State != mewssim.Processed {
		t.Errorf("command %+v", c)
	}
	r.waitAlarm(alarmPermission, "Mews does not grant commands/getAllByIds, companionships/getAll to this integration, and grants others: ask Mews to enable it")
	r.sim.Deny("reservations/getAll/2023-06-06")
	r.booking("Other", "102")
	r.waitProblem("reservations/getAll/2023-06-06: HTTP 401: Mews does not grant this operation to the integration (request ")
	r.sim.Allow("reservations/getAll/2023-06-06")
	r.wait("the other booking", func() bool {
		return r.count(func(n pms.Notice) bool { return n.Name == "Reservation Confirmed" }) > 0
	})
}

func TestSlowServerIsAskedForLess(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i := range 3 {
		r.arrive(fmt.Sprint("Guest", i), fmt.Sprint(101+i))
	}
	r.sim.Trouble(mewssim.Trouble{Path: "reservations/getAll", Times: 10, Kind: mewssim.Status, Status: 408})
	r.run().live()
	for i, room := range []string{"101", "102", "103"} {
		r.waitIn(room, fmt.Sprint("Guest", i))
	}
	if calls := r.sim.Audit().Calls("reservations/getAll/2023-06-06"); calls[10].Count != 15 {
		t.Errorf("last page of %d", calls[10].Count)
	}
}

func TestHalvingOfWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	r.sim.Change(func(f *mewssim.Faults) { f.MaxBody, f.Socket.PerFrame = 9000, 1000 })
	want := map[string]bool{}
	r.sim.Together(func() {
		for range 700 { // some 27 KB of ids
			want[r.booking("Guest", "")] = true
		}
	})
	r.wait("all", func() bool { return r.count(func(n pms.Notice) bool { return want[n.Reservation] }) == len(want) })
	if r.src.Link().Problem != "" {
		t.Errorf("problem %s", r.src.Link().Problem)
	}
	// A window has nothing to halve but its page.
	r.sim.Trouble(mewssim.Trouble{Path: "reservations/getAll", Times: 2, Kind: mewssim.Status, Status: 413})
	r.src.Reconnect()
	r.wait("smaller page", func() bool {
		calls := r.sim.Audit().Calls("reservations/getAll/2023-06-06")
		return calls[len(calls)-1].Count == 250
	})
}

func TestRetiredOperation(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		want   string
	}{
		{410, "services/getAll: Mews has ended this operation: update edgeagent"},
		{404, "services/getAll: Mews knows no such operation; is platform_url right? else update edgeagent"},
		{405, "services/getAll: what answers is not the Connector API; is platform_url right?"},
	} {
		r := newRig(t)
		r.arrive("Guest", "101")
		r.sim.Trouble(mewssim.Trouble{Path: "services/getAll", Kind: mewssim.Status, Status: tt.status})
		r.run()
		r.waitAlarm(alarmRetired, tt.want)
		r.sim.ClearTroubles() // it was a brown-out
		r.waitIn("101", "Guest")
		r.wait("end of the alarm", func() bool { return r.alarm(alarmRetired) == "" })
	}
}

func TestTroubleOfTheServerPasses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		trouble mewssim.Trouble
	}{
		{"409", mewssim.Trouble{Kind: mewssim.Status, Status: 409}},
		{"500", mewssim.Trouble{Kind: mewssim.Status, Status: 500}},
		{"503", mewssim.Trouble{Kind: mewssim.Status, Status: 503, Retry: "0"}},
		{"418", mewssim.Trouble{Kind: mewssim.Status, Status: 418}},
		{"login page", mewssim.Trouble{Kind: mewssim.HTML}},
		{"redirect to a login page", mewssim.Trouble{Kind: mewssim.HTML, Status: 302}},
		{"truncated", mewssim.Trouble{Kind: mewssim.Truncate}},
		{"broken off", mewssim.Trouble{Kind: mewssim.Break}},
		{"garbage", mewssim.Trouble{Kind: mewssim.Garbage}},
		{"reset", mewssim.Trouble{Kind: mewssim.Reset}},
		{"hang", mewssim.Trouble{Kind: mewssim.Hang}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, waits(func(w *Waits) {
				if tt.name == "hang" {
					w.Quick, w.Bulk = 100*time.Millisecond, 100*time.Millisecond
				}
			}))
			stay := r.arrive("Guest", "101")
			r.run().live()
			tt.trouble.Times = 3 // of each
			for _, path := range []string{"reservations/", "customers/", "companionships/", "commands/getAllByIds"} {
				tt.trouble.Path = path
				r.sim.Trouble(tt.trouble)
			}
			r.arrive("Later", "102")
			id := r.key(stay, mewssim.KeyOrder{})
			r.waitIn("102", "Later")
			r.await("command", ofCommand(id))
			r.wait("quiet page", func() bool { l := r.src.Link(); return l.Problem == "" && l.State == pms.LinkLive })
		})
	}
}

// Before anything is known of the property, the page says what is wrong.
func TestWhatTheUserSeesOfALoginPage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.sim.Change(func(f *mewssim.Faults) { f.Socket.RefuseStatus = 302 })
	r.run()
	r.waitProblem("socket: HTTP 302: an answer that the Connector API does not give; is there a proxy or a login page in between?; meanwhile the agent asks Mews again and again")
	r.sim.Change(func(f *mewssim.Faults) { f.Socket.RefuseStatus = 0 })
	r.live()
}

func TestAnswersAreToldOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		trouble mewssim.Trouble
		updates int // that reached Mews
	}{
		{"lost on the way", mewssim.Trouble{Kind: mewssim.Reset}, 1},
		{"answer lost", mewssim.Trouble{Kind: mewssim.Reset, Late: true}, 1},
		{"answer broken off", mewssim.Trouble{Kind: mewssim.Break}, 1},
		{"answer garbled", mewssim.Trouble{Kind: mewssim.Status, Status: 502, Late: true}, 1},
		{"500", mewssim.Trouble{Kind: mewssim.Status, Status: 500}, 1},
		{"429", mewssim.Trouble{Kind: mewssim.Status, Status: 429, Retry: "0"}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			stay := r.arrive("Guest", "101")
			r.run().live()
			id := r.key(stay, mewssim.KeyOrder{})
			r.await("command", ofCommand(id))
			r.answer(id, pms.CommandReceived, "")
			tt.trouble.Path, tt.trouble.Times = "commands/update", 1
			r.sim.Trouble(tt.trouble)
			answer := pms.Answer{CommandID: id, State: pms.CommandProcessed, Note: "1 key"}
			if err := r.src.Acknowledge(t.Context(), answer); err == nil {
				t.Fatal("no error")
			}
			r.answer(id, pms.CommandProcessed, "1 key") // as the outbox does
			r.answer(id, pms.CommandProcessed, "1 key")
			finals := 0
			for _, u := range r.command(id).Updates() {
				if u.State == mewssim.Processed {
					finals++
				}
			}
			if c := r.command(id); c.State != mewssim.Processed || finals != tt.updates || c.Notes != "1 key" {
				t.Errorf("%d final states: %+v", finals, c)
			}
		})
	}
}

func TestSilentSocketIsOpenedAnew(t *testing.T) {
	t.Parallel()
	r := newRig(t, waits(func(w *Waits) { w.Ping, w.Dead = 100*time.Millisecond, 400*time.Millisecond }))
	r.run().live()
	r.sim.FreezeSockets()
	r.arrive("Unheard", "101")
	r.wait("end of the silent socket", func() bool { return strings.Contains(r.log.String(), "socket: no sign of life for 400ms") })
	r.waitIn("101", "Unheard")
	r.live()
}

func TestSocketThatPongsAndSaysNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, waits(func(w *Waits) {
		w.Ping, w.Dead, w.Stays, w.Overlap = 50*time.Millisecond, 20*time.Second, 50*time.Millisecond, time.Second
	}))
	r.run().live()
	r.arrive("Heard", "101")
	r.waitIn("101", "Heard")
	r.sim.EnableEvents()
	// Only what changes well after the socket was opened, and after the last
	// event, counts: stamps have whole seconds.
	from := r.sim.Now().Add(2500 * time.Millisecond)
	r.wait("later time", func() bool { return r.sim.Now().After(from) })
	r.booking("Silent", "")
	r.waitAlarm(alarmNoEvents, "reservations change, and no event says so: ask Mews support to send Reservation events to this integration by WebSocket; until then changes are found by polls, minutes later")
	r.arrive("Unheard", "102")
	r.waitIn("102", "Unheard")
	if c := r.sim.Audit().Connects; len(c) != 1 {
		t.Errorf("%d connects", len(c))
	}
	r.sim.EnableEvents("Reservation")
	r.arrive("Heard again", "103")
	r.wait("end of the alarm", func() bool { return r.alarm(alarmNoEvents) == "" })
}

func TestDevicesThatAreNotLinked(t *testing.T) {
	t.Parallel()
	r := newRig(t, waits(func(w *Waits) { w.Commands = 50 * time.Millisecond }))
	r.run().live()
	stay := r.arrive("Guest", "101")
	r.sim.EnableEvents("Reservation")
	opened := r.sim.Now()
	r.sim.SetClockOffset(15 * time.Second) // the socket has been open for a while
	asked := r.calls("commands/getAllActive")
	r.wait("poll that learns the time", func() bool { return r.calls("commands/getAllActive") > asked+1 })
	r.key(stay, mewssim.KeyOrder{Created: opened.Add(2 * time.Second)})
	r.waitAlarm(alarmNoCommands, "device commands wait in Mews, and no event says so: in Mews open Marketplace, My subscriptions, this integration, Settings, Connected devices, add the key cutter, then reconnect (edgeagent reconnect); until then commands are found by polls")
}

func TestEndsOfASocket(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fault func(*mewssim.Socket)
		state pms.LinkState
		want  string
	}{
		{func(f *mewssim.Socket) { f.RefuseStatus = 403 }, pms.LinkParked, "socket: HTTP 403: Mews refuses the tokens for the socket: check both token files, and ask Mews support whether WebSockets are enabled for this integration"},
		{func(f *mewssim.Socket) { f.RefuseStatus = 404 }, pms.LinkParked, "socket: HTTP 404: nothing serves sockets there; socket_url must be the host that begins with ws."},
		{func(f *mewssim.Socket) { f.RefuseStatus = 429 }, pms.LinkWaiting, "socket: HTTP 429: too many requests with this token: does another program use it? give each its own"},
		{func(f *mewssim.Socket) { f.RefuseStatus = 503 }, pms.LinkWaiting, "socket: HTTP 503: Mews has trouble of its own"},
		{func(f *mewssim.Socket) { f.CloseAtOnce = 1008 }, pms.LinkWaiting, "socket: Mews closed it (1008): perhaps the tokens are not valid any more"},
		{func(f *mewssim.Socket) { f.CloseAtOnce = 1013 }, pms.LinkWaiting, "socket: Mews closed it (1013)"},
		{func(f *mewssim.Socket) { f.CloseAtOnce = 1001 }, pms.LinkWaiting, "socket: Mews closed it (1001)"},
		{func(f *mewssim.Socket) { f.HangUpgrade = true }, pms.LinkWaiting, "socket: no answer in time"},
	} {
		r := newRig(t, waits(func(w *Waits) {
			w.BackoffMin, w.BackoffMax, w.Handshake = 100*time.Millisecond, 100*time.Millisecond, 300*time.Millisecond
		}))
		r.sim.Change(func(f *mewssim.Faults) { tt.fault(&f.Socket) })
		r.arrive("Guest", "101")
		r.run()
		r.wait(tt.want, func() bool {
			return r.src.Link().Problem == tt.want+"; meanwhile the agent asks Mews again and again"
		})
		r.wait(string(tt.state), func() bool { return r.src.Link().State == tt.state })
		r.waitIn("101", "Guest") // by polls
		r.sim.Change(func(f *mewssim.Faults) { f.Socket = mewssim.Socket{} })
		r.live()
	}
}

// One operation that does not work holds up neither the others nor the page.
func TestOneOperationBroken(t *testing.T) {
	t.Parallel()
	r := newRig(t, waits(func(w *Waits) { w.Guests, w.House = 30*time.Millisecond, 50*time.Millisecond }))
	r.run().live()
	r.sim.Trouble(mewssim.Trouble{Path: "customers/", Kind: mewssim.Status, Status: 500}, mewssim.Trouble{Path: "services/", Kind: mewssim.Status, Status: 403})
	r.waitProblem("HTTP")
	r.sim.Trouble(mewssim.Trouble{Path: "reservations/", Times: 12, Kind: mewssim.Status, Status: 503})
	id := r.booking("Later", "101") // nobody is in house, so it needs no names
	r.await("booking", func(n pms.Notice) bool { return n.Reservation == id })
	r.sim.ClearTroubles()
	r.wait("end of the problem", func() bool { return r.src.Link().Problem == "" })
}

func TestBothHostsDown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.arrive("Guest", "101")
	r.run().live()
	check(t, r.sim.Down())
	stay := r.arrive("Later", "102")
	id := r.key(stay, mewssim.KeyOrder{})
	r.waitProblem("connection refused")
	check(t, r.sim.Up())
	r.waitIn("102", "Later")
	r.await("command", ofCommand(id))
	r.live()
}

// A socket that ends before anybody has seen it open is none: polls go on as fast
// as without one.
func TestSocketThatEndsAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, waits(func(w *Waits) { w.BackoffMin, w.BackoffMax = time.Hour, time.Hour }))
	r.sim.Change(func(f *mewssim.Faults) { f.Socket.CloseAtOnce = 1001 })
	f := newFollower(r.src, "", nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.src.keepOpen(ctx, r.src.in) }()
	r.wait("end of the socket", func() bool { return r.src.Link().State == pms.LinkWaiting && r.src.Link().Problem != "" })
	f.collect(r.src.in.take())
	if f.open || f.every(dutyCommands) != r.cfg.Waits.CommandsDown {
		t.Error("it is taken for open")
	}
	// Nor is one that a run before this one has left behind.
	r.src.in.change(func() { r.src.in.opened = true })
	if newFollower(r.src, "", nil); r.src.in.take().opened {
		t.Error("a new run begins with an old socket")
	}
	cancel()
	<-done
}

// The file can get its new token at any moment, also before the old one's
// refusal has been understood.
func TestTokenChangesDuringItsRefusal(t *testing.T) {
	t.Parallel()
	r := newRig(t, tolerate("credentials"))
	_, _, err := r.src.api.tokens()
	check(t, err)
	r.sim.RevokeToken()
	err = r.src.api.call(t.Context(), reading, "services/getAll", fields{"Limitation": fields{"Count": 1}}, nil)
	r.setSecret("access", "ABCD-1234")
	if refusedPair(err) == 0 || r.src.api.rest(t.Context(), 24*time.Hour, refusedPair(err)) != nil {
		t.Errorf("error %v", err)
	}
}
