package iptv

import (
	"encoding/json"
	"testing"
	"time"

	"edgeagent/hwsim/tvsim"
)

func (r *rig) retainedGen(room string) int64 {
	var doc welcomeDoc
	_ = json.Unmarshal([]byte(r.retained(room)), &doc)
	return doc.Gen
}

// A broker that has lost everything gets the same screen again under its first
// gen, which the set that still shows a later one takes for old. Somebody must
// tell it, or the next news of that guest never comes.
func TestBrokerThatHasLostEverything(t *testing.T) {
	made := &codes{by: map[string]map[string]string{}}
	r := newRig(t, func(c *Config) { c.ShowWifi, c.AckTimeout = "wifi", 300*time.Millisecond })
	r.open(func(d *Driver) { d.site.Known = made.known })
	r.connected()
	tv := r.tv("101", "tv1", func(o *tvsim.TVOptions) { o.Silence = 5 * time.Second })
	code := func(text string) {
		t.Helper()
		made.make("stay:s1", text)
		r.driver.Follow("wifi", "stay:s1")
		if err := tv.Until(r.ctx, func(tv *tvsim.TV) bool { return tv.Shown().WiFi == "Sea View u7 "+text }); err != nil {
			t.Fatalf("it shows %q of gen %d, and %d is retained", tv.Shown().WiFi, tv.Shown().Gen, r.retainedGen("101"))
		}
	}
	r.do(r.ledger.welcome("101", "s1", "Smith"))
	code("one")
	code("two")
	r.broker.Stop()
	r.must(r.broker.Start(tvsim.Lose))
	r.connected()
	r.eventually("the screen is back", func() bool { return r.retained("101") != "" })
	r.online(tv)
	r.eventually("set and broker agree", func() bool { return tv.Shown().Gen == r.retainedGen("101") })
	code("three")
}

// Where a set says what it shows before the screen is put up again, gen goes on
// from there, and no set goes dark for it; but never above what a set can read.
func TestGenGoesOnFromWhatIsShown(t *testing.T) {
	r := newRig(t)
	r.open()
	r.connected()
	s, err := r.driver.live()
	r.must(err)
	state := func(shown int64) *set { return &set{online: true, shown: &shown} }
	for _, tt := range []struct {
		held       *welcomeDoc
		shown, gen int64
		want       int64
	}{
		{nil, 35, 32, 36}, {nil, 31, 32, 32}, {nil, topGen, 32, 32},
		{&welcomeDoc{V: 1, Gen: 40, Stay: "s1"}, 45, 32, 46},
		{&welcomeDoc{V: 1, Gen: 40, Stay: "s2"}, 45, 32, 32},
		{&welcomeDoc{V: 1, Gen: 30, Stay: "s2"}, 45, 32, 46},
	} {
		s.house.mu.Lock()
		room := s.house.room("301")
		room.welcome, room.heardAt, room.tvs["tv1"] = tt.held, 0, state(tt.shown)
		s.house.mu.Unlock()
		doc := &welcomeDoc{V: 1, Gen: tt.gen, Stay: "s1"}
		r.must(s.precede(r.ctx, "301", doc))
		if doc.Gen != tt.want {
			t.Errorf("%+v: gen %d", tt, doc.Gen)
		}
	}
}

// A set that shows something else than is retained is told once, and not at
// every look: it may be one that refuses its welcome.
func TestRecallTellsOnce(t *testing.T) {
	r := newRig(t, func(c *Config) { c.AckTimeout = 200 * time.Millisecond })
	r.open()
	r.connected()
	told := "htl/v1/seaview/room/102/command"
	const state = "htl/v1/seaview/room/102/tv/102-x/state"
	r.must(r.broker.Put(state, []byte(`{"v":1,"state":"online","shown_gen":7}`), true))
	r.eventually("it is told", func() bool { return r.broker.Published(told) > 0 })
	time.Sleep(time.Second)
	if n := r.broker.Published(told); n != 1 {
		t.Errorf("told %d times", n)
	}
}
