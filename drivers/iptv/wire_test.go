package iptv

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/tvsim"

	"github.com/rs/zerolog"
)

func TestCheckInIsShownAndConfirmed(t *testing.T) {
	r := newRig(t)
	r.open()
	r.connected()
	one, two := r.tv("101", "tv1"), r.tv("101", "tv2")
	r.eventually("both sets are known", func() bool { return r.sets("101") == 2 })
	if note := r.do(r.ledger.welcome("101", "s1", "Smith")).Note; note != "shown on 2 TVs" {
		t.Errorf("note %q", note)
	}
	r.shows(one, "Mr Smith")
	r.shows(two, "Mr Smith")
	// The same again is not published again.
	before := r.broker.Published("#")
	if note := r.do(r.ledger.welcome("101", "s1", "Smith")).Note; note != "shown on 2 TVs" {
		t.Errorf("note of the replay %q", note)
	}
	if n := r.broker.Published("htl/v1/seaview/room/101/#"); n > before {
		t.Errorf("a replay published %d messages", n-before)
	}
	if note := r.do(r.ledger.clear("101", "s1")).Note; note != "cleared on 2 TVs" {
		t.Errorf("note %q", note)
	}
	r.shows(one, "")
	if r.retained("101") != "" {
		t.Error("a name is still retained")
	}
}

func TestClearIsByStay(t *testing.T) {
	r := newRig(t)
	r.open()
	r.connected()
	tv := r.tv("101", "tv1")
	r.do(r.ledger.welcome("101", "s1", "Smith"))
	r.do(r.ledger.welcome("101", "s2", "Jones"))
	if note := r.do(r.ledger.clear("101", "s1")).Note; note != "room shows another stay" {
		t.Errorf("note %q", note)
	}
	r.shows(tv, "Mr Jones")
	// The hourly comparison knows that this clear was about somebody else.
	s, err := r.driver.live()
	r.must(err)
	r.must(s.reconcile(r.ctx))
	if r.retainedStay("101") != "s2" {
		t.Error("reconciliation cleared the next guest")
	}
	for _, shown := range tv.History() {
		if shown.Stay == "s2" && !shown.Until.IsZero() {
			t.Error("the next guest's name was off the screen for a while")
		}
	}
}

// While a lane waits, the clear of a guest whose welcome was never sent can
// replace the clear of the guest who is still on the screen.
func TestClearOfAVacantRoomSparesNobody(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Rooms = map[string][]string{"SUITE 1": {"101", "102"}} })
	r.open()
	r.connected()
	tv := r.tv("101", "tv1")
	r.do(r.ledger.welcome("101", "s1", "Smith"))
	r.do(r.ledger.clear("101", "s2", "vacant", "true"))
	r.shows(tv, "")
	// Nobody in 101 says nothing about a suite that shares its TV.
	r.do(r.ledger.welcome("SUITE 1", "s3", "Jones"))
	if note := r.do(r.ledger.clear("101", "s2", "vacant", "true")).Note; note != "room shows another stay" {
		t.Errorf("note %q", note)
	}
	r.shows(tv, "Mr Jones")
}

func TestSuiteAndConnectingRooms(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Rooms = map[string][]string{"SUITE 1": {"101", "102"}} })
	r.open()
	r.connected()
	one, two := r.tv("101", "tv1"), r.tv("102", "tv1")
	if note := r.do(r.ledger.welcome("SUITE 1", "s1", "Smith")).Note; note != "shown on 2 TVs" {
		t.Errorf("note %q", note)
	}
	r.do(r.ledger.clear("101", "s0")) // an older guest of one of its rooms
	r.shows(one, "Mr Smith")
	r.shows(two, "Mr Smith")
	s, err := r.driver.live()
	r.must(err)
	r.must(s.reconcile(r.ctx))
	if r.retainedStay("101") != "s1" || r.retainedStay("102") != "s1" {
		t.Error("reconciliation cleared the suite")
	}
}

func TestTVThatIsOffLearnsTheStateWhenItComes(t *testing.T) {
	r := newRig(t)
	r.open()
	r.connected()
	tv := r.tv("101", "tv1", func(o *tvsim.TVOptions) { o.Cache = true })
	r.do(r.ledger.welcome("101", "s1", "Smith"))
	r.shows(tv, "Mr Smith")
	tv.Unplug()
	r.eventually("set is known to be off", func() bool { return r.sets("101") == 0 })
	if note := r.do(r.ledger.clear("101", "s1")).Note; note != "confirmed by the broker; waiting for the TV" {
		t.Errorf("note %q", note)
	}
	tv.Plug() // it draws what it remembers, until silence tells it that the room is vacant
	r.shows(tv, "")
	tv.Unplug()
	r.eventually("set is known to be off", func() bool { return r.sets("101") == 0 })
	if note := r.do(r.ledger.welcome("101", "s2", "Jones")).Note; note != "confirmed by the broker; waiting for the TV" {
		t.Errorf("note %q", note)
	}
	tv.Plug()
	r.shows(tv, "Mr Jones")
}

func TestTVThatDoesNotConfirm(t *testing.T) {
	r := newRig(t, func(c *Config) { c.AckTimeout = 100 * time.Millisecond })
	r.open()
	r.connected()
	tv := r.tv("101", "tv1")
	tv.Answer(tvsim.AcksNone)
	cmd := r.ledger.welcome("101", "s1", "Smith")
	_, err := r.driver.Do(r.ctx, cmd)
	want := "TV 101-tv1 is online and does not confirm: check its app, or switch it off and on"
	if err == nil || err.Error() != want {
		t.Fatalf("error %v", err)
	}
	if errors.Is(err, drivers.ErrRefused) || errors.Is(err, drivers.ErrUnknown) {
		t.Error("the lane would not try again")
	}
	if n := r.broker.Published("htl/v1/seaview/room/101/command"); n != 2 {
		t.Errorf("%d reloads, not 2", n)
	}
	s := r.driver.State()
	if s.Condition != drivers.Degraded || s.Reason != "1 TVs are online and do not confirm: 101-tv1" {
		t.Errorf("state %+v", s)
	}
	tv.Answer(tvsim.AcksNormal)
	r.again(cmd)
	if s := r.driver.State(); s.Condition != drivers.Online {
		t.Errorf("state %+v", s)
	}
}

func TestTVThatConfirmsLate(t *testing.T) {
	r := newRig(t, func(c *Config) { c.AckTimeout = 5 * time.Second })
	r.open()
	r.connected()
	tv := r.tv("101", "tv1", func(o *tvsim.TVOptions) { o.AckDelay = 50 * time.Millisecond })
	tv.Answer(tvsim.AcksLate)
	if note := r.do(r.ledger.welcome("101", "s1", "Smith")).Note; note != "shown on the TV" {
		t.Errorf("note %q", note)
	}
}

func TestTVThatRejects(t *testing.T) {
	r := newRig(t)
	r.open()
	r.connected()
	r.tv("101", "tv1").Answer(tvsim.AcksRejected)
	_, err := r.driver.Do(r.ctx, r.ledger.welcome("101", "s1", "Smith"))
	if !errors.Is(err, drivers.ErrRefused) || !strings.Contains(err.Error(), "TV 101-tv1: this set rejects everything") {
		t.Errorf("error %v", err)
	}
}

// A set remembers a higher gen than ours when the gateway's store was replaced.
func TestTVAheadOfANewStore(t *testing.T) {
	r := newRig(t)
	r.open()
	r.connected()
	tv := r.tv("101", "tv1")
	r.ledger.seq = 1000
	r.do(r.ledger.welcome("101", "s1", "Smith"))
	r.ledger.seq = 5
	if note := r.do(r.ledger.welcome("101", "s2", "Jones")).Note; note != "a newer setting of the room has been carried out" {
		t.Errorf("note %q", note) // within one process the order is known
	}
	r.must(r.driver.Halt())
	r.broker.Stop()
	r.must(r.broker.Start(tvsim.Lose)) // only the set remembers 1000 now
	r.ledger.newest = map[string]drivers.Command{}
	r.open()
	r.connected()
	r.online(tv)
	r.do(r.ledger.welcome("101", "s2", "Jones"))
	r.shows(tv, "Mr Jones")
}

func TestReconcileOnConnect(t *testing.T) {
	r := newRig(t)
	stale := `{"v":1,"gen":%d,"id":"x","room":"%s","stay":"%s","occupied":true,"guests":[{"display":"Mr Old"}],"lang":"en","dir":"ltr","tz":"UTC","issued_at":"2026-01-01T00:00:00Z","expires_at":"2096-01-01T00:00:00Z"}`
	put := func(room string, gen int, stay string) {
		r.must(r.broker.Put("htl/v1/seaview/room/"+room+"/welcome", fmt.Appendf(nil, stale, gen, room, stay), true))
	}
	put("101", 1, "s0")   // the wrong guest
	put("102", 900, "s0") // the wrong guest, of a higher gen
	put("103", 1, "s0")   // should be vacant
	put("104", 1, "s0")   // a room that nobody knows
	r.must(r.broker.Put("htl/v1/seaview/room/105/welcome", []byte("no JSON"), true))
	r.ledger.welcome("101", "s1", "Smith")
	r.ledger.welcome("102", "s2", "Jones")
	r.ledger.clear("103", "s9") // by its stay it is about somebody else, but nobody is wanted there
	r.ledger.welcome("106", "s6", "Ng")
	later := r.ledger.clear("107", "s7")
	later.Due = time.Now().Add(time.Hour)
	r.ledger.newest[later.Subject] = later
	put("107", 1, "s7")
	one, two := r.tv("101", "tv1"), r.tv("102", "tv1")
	r.shows(two, "Mr Old")
	r.open()
	r.connected()
	r.shows(one, "Mr Smith")
	r.shows(two, "Mr Jones")
	for room, want := range map[string]string{"101": "s1", "102": "s2", "103": "", "104": "", "105": "", "106": "s6", "107": "s7"} {
		r.eventually("room "+room+" holds "+want, func() bool { return r.retainedStay(room) == want && (want != "" || r.retained(room) == "") })
	}
	for _, cmd := range r.ledger.wanted("") { // the lanes come after, and have nothing left to publish
		if cmd.Params["room"] == "101" {
			before := r.broker.Published("htl/v1/seaview/room/101/welcome")
			r.do(cmd)
			if n := r.broker.Published("htl/v1/seaview/room/101/welcome"); n != before {
				t.Errorf("published %d times more", n-before)
			}
		}
	}
}

func TestNewStoreLeavesScreensAlone(t *testing.T) {
	r := newRig(t)
	r.must(r.broker.Put("htl/v1/seaview/room/101/welcome", []byte(`{"v":1,"gen":7,"stay":"s0"}`), true))
	r.open()
	r.connected()
	s := r.state(func(s drivers.State) bool { return s.Condition == drivers.Degraded })
	if !strings.HasPrefix(s.Reason, "1 rooms have a screen at the broker that this gateway knows nothing of") {
		t.Errorf("state %+v", s)
	}
	if r.retained("101") == "" {
		t.Error("a screen was cleared on the word of an empty store")
	}
}

// What Mosquitto does with its default persistence: killed, it comes back with
// the name of a guest who has left.
func TestBrokerBringsANameBack(t *testing.T) {
	r := newRig(t)
	r.open()
	r.connected()
	r.do(r.ledger.welcome("101", "s1", "Smith"))
	r.broker.Save()
	r.do(r.ledger.clear("101", "s1"))
	r.broker.Stop()
	r.must(r.broker.Start(tvsim.Restore))
	if r.retainedStay("101") != "s1" {
		t.Fatal("the broker did not bring the name back")
	}
	r.eventually("the name is gone", func() bool { return r.retained("101") == "" })
}

func TestSilentDenial(t *testing.T) {
	r := newRig(t)
	r.broker.Deny("htl/v1/seaview/room/+/welcome")
	r.open(func(d *Driver) { d.echo = 100 * time.Millisecond })
	want := "broker " + r.broker.URL() + " accepts but does not deliver topic htl/v1/seaview/room/_agentcheck/welcome: check its ACL"
	s := r.state(func(s drivers.State) bool { return s.Condition == drivers.Offline && s.Reason != "" })
	if s.Reason != want {
		t.Errorf("state %+v", s)
	}
	_, err := r.driver.Do(r.ctx, r.ledger.welcome("101", "s1", "Smith"))
	var down *drivers.LinkDown
	if !errors.As(err, &down) || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v", err)
	}
	r.broker.Deny("htl/v1/seaview/room/101/welcome", "htl/v1/seaview/room/_agentcheck/message")
	r.connected()
	s = r.driver.State()
	if s.Condition != drivers.Degraded || !strings.Contains(s.Reason, "deliver topic htl/v1/seaview/room/_agentcheck/message") {
		t.Errorf("state %+v", s)
	}
	_, err = r.driver.Do(r.ctx, r.ledger.welcome("101", "s1", "Smith"))
	want = "broker " + r.broker.URL() + " accepts but does not deliver topic htl/v1/seaview/room/101/welcome: check its ACL"
	if err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
}

func TestJobs(t *testing.T) {
	r := newRig(t, func(c *Config) { c.PowerOnCheckin = true; c.PowerOffCheckout = true; c.AckTimeout = time.Second })
	r.open()
	r.connected()
	tv := r.tv("101", "tv1")
	message := func(stay string, more ...string) drivers.Command {
		p := map[string]string{"room": "101", "stay": stay, "title": "Taxi", "body": "Your taxi\nis here", "kind": "info"}
		for i := 0; i+1 < len(more); i += 2 {
			p[more[i]] = more[i+1]
		}
		return r.ledger.accept(actionMessage, "message:101", p)
	}
	old := r.ledger.welcome("101", "s0", "Smith", "fresh", "true")
	old.Accepted = time.Now().Add(-time.Hour)
	r.do(old)
	if on, _ := tv.Powered(); on {
		t.Error("a check-in of an hour ago switched the TV on")
	}
	r.do(r.ledger.welcome("101", "s1", "Smith", "fresh", "true"))
	if on, _ := tv.Powered(); !on {
		t.Error("a fresh check-in did not switch the TV on")
	}
	r.do(r.ledger.accept(actionPower, "power:101", map[string]string{"room": "101", "state": "off"}))
	r.do(r.ledger.welcome("101", "s1", "Smythe", "fresh", "true"))
	if on, _ := tv.Powered(); on {
		t.Error("a new name switched the TV on")
	}
	if note := r.do(message("s1")).Note; note != "shown on the TV" {
		t.Errorf("note %q", note)
	}
	if pop := tv.Popups(); len(pop) != 1 || pop[0].Body != "Your taxi\nis here" {
		t.Errorf("popups %+v", pop)
	}
	_, err := r.driver.Do(r.ctx, message("s0"))
	if !errors.Is(err, drivers.ErrRefused) || !strings.Contains(err.Error(), "another stay is on the screen") {
		t.Errorf("message for another stay: %v", err)
	}
	r.do(r.ledger.welcome("101", "s1", "Smith", "dnd", "true"))
	if _, err := r.driver.Do(r.ctx, message("s1")); !errors.Is(err, drivers.ErrRefused) {
		t.Errorf("message against do-not-disturb: %v", err)
	}
	r.do(message("s1", "kind", "alarm"))
	r.do(r.ledger.accept(actionPower, "power:101", map[string]string{"room": "101", "state": "off"}))
	if on, _ := tv.Powered(); on {
		t.Error("the TV is on")
	}
	tv.Answer(tvsim.AcksNone)
	if _, err := r.driver.Do(r.ctx, message("s1", "kind", "alarm")); !errors.Is(err, drivers.ErrUnknown) {
		t.Errorf("message without an answer: %v", err)
	}
	tv.Unplug()
	r.eventually("set is known to be off", func() bool { return r.sets("101") == 0 })
	_, err = r.driver.Do(r.ctx, message("s1"))
	if err == nil || err.Error() != "no TV of room key 101 is online" || errors.Is(err, drivers.ErrRefused) {
		t.Errorf("message to a dark room: %v", err)
	}
}

func TestDuplicateClientID(t *testing.T) {
	var lines lockedBuffer
	r := newRig(t)
	r.open(func(d *Driver) { d.site.Log = zerolog.New(&lines) })
	r.connected()
	for range 3 {
		r.eventually("the driver is there to kick", func() bool { return r.broker.Kick("edgeagent-seaview") })
		r.state(func(s drivers.State) bool { return s.Condition == drivers.Offline })
		asked := strings.Contains(r.driver.State().Reason, "is another client connected under the client id edgeagent-seaview?")
		r.connected()
		if !asked {
			continue
		}
		// It is still asked while the connection holds: the next break is near.
		want := "connections have broken 3 times within 10 minutes: is another client connected under the client id edgeagent-seaview?"
		if s := r.driver.State(); s.Condition != drivers.Degraded || s.Reason != want {
			t.Errorf("state %+v", s)
		}
		if line := `{"level":"warn","device":"tvs","client_id":"edgeagent-seaview","message":"` + want + `"}` + "\n"; lines.text() != line {
			t.Errorf("log %s", lines.text())
		}
		return
	}
	t.Errorf("state %+v", r.driver.State())
}

func TestBadAccess(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Username = "nobody" })
	r.open()
	err := r.driver.Probe(r.ctx)
	want := "broker " + r.broker.URL() + ` refuses user "nobody": check username, password_file or the certificate`
	if err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
	r.must(r.driver.Halt())
	r.cfg.Username = tvsim.AgentUser
	r.must(Try(r.ctx, "tvs", r.cfg, r.site()))
	r.broker.Deny("#")
	d, err := prepare("tvs", r.cfg, r.site())
	r.must(err)
	d.echo = 50 * time.Millisecond
	s, err := d.connect(r.ctx, false)
	r.must(err)
	defer s.close()
	if err := s.check(r.ctx); err == nil || !strings.Contains(err.Error(), "accepts but does not deliver") {
		t.Errorf("error %v", err)
	}
}

// Whatever happens while the broker is away, once the gateway is back every
// room shows the guest of now, and no set shows one again who has left.
func TestOutages(t *testing.T) {
	rooms := []string{"101", "102", "103"}
	for run := range 20 {
		t.Run(fmt.Sprint(run), func(t *testing.T) {
			t.Parallel()
			dice := rand.New(rand.NewPCG(uint64(run), 7))
			r := newRig(t)
			r.open()
			tvs := map[string]*tvsim.TV{}
			for _, room := range rooms[:2] { // the third has no set
				tvs[room] = r.tv(room, "tv1")
			}
			r.connected()
			wantStay, stays := map[string]string{}, 0
			change := func() drivers.Command {
				room := rooms[dice.IntN(len(rooms))]
				if stay := wantStay[room]; stay != "" && dice.IntN(2) == 0 {
					wantStay[room] = ""
					return r.ledger.clear(room, stay, "vacant", "true")
				}
				stays++
				wantStay[room] = fmt.Sprint("s", stays)
				return r.ledger.welcome(room, wantStay[room], fmt.Sprint("Guest", stays))
			}
			for range 5 {
				r.again(change())
			}
			for range 2 {
				lost := make(chan struct{})
				cmd := change()
				go func() { // a publication is in flight when the power goes
					defer close(lost)
					_, _ = r.driver.Do(r.ctx, cmd)
				}()
				time.Sleep(time.Duration(dice.IntN(3)) * time.Millisecond)
				r.broker.Stop()
				<-lost
				for range dice.IntN(40) {
					change()
				}
				r.must(r.broker.Start(tvsim.Recall(dice.IntN(2))))
			}
			for _, cmd := range r.ledger.wanted("") {
				r.again(cmd)
			}
			settled := time.Now()
			for _, room := range rooms {
				if got := r.retainedStay(room); got != wantStay[room] {
					t.Errorf("room %s retains stay %q, want %q", room, got, wantStay[room])
				}
			}
			for room, tv := range tvs {
				r.must(tv.Until(r.ctx, func(tv *tvsim.TV) bool { return tv.Shown().Stay == wantStay[room] }))
				for _, shown := range tv.History() {
					if shown.Since.After(settled) && shown.Stay != wantStay[room] {
						t.Errorf("room %s showed stay %s although all was settled", room, shown.Stay)
					}
				}
			}
		})
	}
}

func TestReconnectsLeakNothing(t *testing.T) {
	r := newRig(t)
	r.open()
	r.connected()
	r.do(r.ledger.welcome("101", "s1", "Smith"))
	before := runtime.NumGoroutine()
	for i := range 30 {
		r.eventually("the driver is there to kick", func() bool { return r.broker.Kick("edgeagent-seaview") })
		r.again(r.ledger.welcome("101", "s1", fmt.Sprint("Smith", i)))
	}
	r.connected()
	r.eventually("no goroutines are left over", func() bool { return runtime.NumGoroutine() <= before+2 })
}
