package iptv

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/tvsim"
)

var _ drivers.Follower = (*Driver)(nil)

// codes is what the WiFi device has made, by subject.
type codes struct {
	mu sync.Mutex
	by map[string]map[string]string
}

func (c *codes) known(device, subject string) map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if device != "wifi" {
		return nil
	}
	return c.by[subject]
}

func (c *codes) make(subject, code string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by[subject] = map[string]string{"ssid": "Sea View", "user": "u7", "code": code}
}

// The code comes after the greeting: it is put on that guest's screens, which
// never go dark for it, and on nobody else's.
func TestWiFiCodeFollowsOntoTheScreen(t *testing.T) {
	made := &codes{by: map[string]map[string]string{}}
	r := newRig(t, func(c *Config) { c.ShowWifi = "wifi" })
	r.open(func(d *Driver) { d.site.Known = made.known })
	r.connected()
	tv, other := r.tv("101", "tv1"), r.tv("102", "tv1")
	r.do(r.ledger.welcome("101", "s1", "Smith"))
	r.do(r.ledger.welcome("102", "s2", "Jones"))
	for _, code := range []string{"k7qx", "another"} { // the second after an extension
		before := r.broker.Published("htl/v1/seaview/room/101/welcome")
		made.make("stay:s1", code)
		r.driver.Follow("wifi", "stay:s1")
		r.must(tv.Until(r.ctx, func(tv *tvsim.TV) bool { return tv.Shown().WiFi == "Sea View u7 "+code }))
		if n := r.broker.Published("htl/v1/seaview/room/101/welcome") - before; n != 1 {
			t.Errorf("%d messages: an empty one in front would make the screen go dark", n)
		}
	}
	r.shows(tv, "Mr Smith")
	if got := other.Shown(); got.WiFi != "" {
		t.Errorf("102 shows %q", got.WiFi)
	}
	// A newer welcome has it from the start, and the next guest has not.
	r.do(r.ledger.welcome("101", "s1", "Smithson"))
	r.shows(tv, "Mr Smithson")
	if got := tv.Shown().WiFi; got != "Sea View u7 another" {
		t.Errorf("after a change of name it shows %q", got)
	}
	r.do(r.ledger.welcome("101", "s3", "Brown"))
	r.shows(tv, "Mr Brown")
	if got := tv.Shown().WiFi; got != "" {
		t.Errorf("the next guest is shown %q", got)
	}
}

// A code costs the making of its own guest's screen, however full the house is:
// a code comes with every arrival.
func TestWiFiCodeLooksAtItsOwnRoomAlone(t *testing.T) {
	made := &codes{by: map[string]map[string]string{}}
	r := newRig(t, func(c *Config) { c.ShowWifi = "wifi" })
	var mu sync.Mutex
	asked := map[string]int{} // once for each document that is made
	r.open(func(d *Driver) {
		d.site.Known = func(device, subject string) map[string]string {
			mu.Lock()
			defer mu.Unlock()
			asked[subject]++
			return made.known(device, subject)
		}
	})
	r.connected()
	for _, room := range []string{"101", "102", "103"} {
		r.tv(room, "tv1")
		r.do(r.ledger.welcome(room, "s"+room, "Smith"))
	}
	s, err := r.driver.live()
	r.must(err)
	mu.Lock()
	clear(asked)
	mu.Unlock()
	made.make("stay:s102", "k7qx")
	r.must(s.complete(r.ctx, map[string]bool{"s102": true}))
	mu.Lock()
	defer mu.Unlock()
	if len(asked) != 1 || asked["stay:s102"] != 1 {
		t.Errorf("documents made: %v, want one of s102", asked)
	}
	if held := s.house.retained("102"); held == nil || held.Wifi == nil || held.Wifi.Code != "k7qx" {
		t.Errorf("102 has %+v", held)
	}
}

// The code comes while the greeting is under way: at the nth time that the
// driver asks for it, just too late for the answer. First it makes the document,
// then it has the room to itself and is about to publish.
func TestWiFiCodeThatComesWithTheGreeting(t *testing.T) {
	for nth := 1; nth <= 2; nth++ {
		made := &codes{by: map[string]map[string]string{}}
		r := newRig(t, func(c *Config) { c.ShowWifi = "wifi" })
		var asked atomic.Int32
		follower := make(chan *Driver, 1)
		r.open(func(d *Driver) {
			d.site.Known = func(device, subject string) map[string]string {
				known := made.known(device, subject)
				if asked.Add(1) == int32(nth) {
					made.make("stay:s1", "k7qx")
					(<-follower).Follow("wifi", "stay:s1")
					// Whoever follows has looked at the room when this is over.
					r.eventually("the driver follows", func() bool { return asked.Load() > int32(nth) })
					time.Sleep(100 * time.Millisecond)
				}
				return known
			}
		})
		r.connected()
		tv := r.tv("101", "tv1")
		follower <- r.driver
		r.do(r.ledger.welcome("101", "s1", "Smith"))
		if err := tv.Until(r.ctx, func(tv *tvsim.TV) bool { return tv.Shown().WiFi == "Sea View u7 k7qx" }); err != nil {
			t.Errorf("known after question %d, it shows %q", nth, tv.Shown().WiFi)
		}
	}
}

// What is made for a guest who is not on any screen puts nobody there.
func TestWiFiCodePutsNobodyOnAScreen(t *testing.T) {
	made := &codes{by: map[string]map[string]string{}}
	r := newRig(t, func(c *Config) { c.ShowWifi = "wifi" })
	r.open(func(d *Driver) { d.site.Known = made.known })
	r.connected()
	tv := r.tv("101", "tv1")
	r.do(r.ledger.welcome("101", "s1", "Smith"))
	r.do(r.ledger.clear("101", "s1"))
	made.make("stay:s1", "k7qx")
	r.driver.Follow("wifi", "stay:s1")
	r.driver.Follow("wifi", "room:101")
	r.driver.Follow("lobby-encoder", "stay:s1")
	r.do(r.ledger.welcome("102", "s2", "Jones"))
	s, err := r.driver.live()
	r.must(err)
	r.must(s.complete(r.ctx, map[string]bool{"s1": true}))
	r.shows(tv, "")
}

// The code comes at the worst moment: between what the greeting was made of and
// its being put up.
func TestWiFiCodeThatComesMeanwhile(t *testing.T) {
	r := newRig(t, func(c *Config) { c.ShowWifi = "wifi" })
	made := &codes{by: map[string]map[string]string{}}
	var once sync.Once
	r.open(func(d *Driver) {
		d.site.Known = func(device, subject string) map[string]string {
			known := made.known(device, subject)
			once.Do(func() {
				made.make("stay:s1", "k7qx")
				d.Follow("wifi", "stay:s1")
			})
			return known
		}
	})
	r.connected()
	tv := r.tv("101", "tv1")
	r.do(r.ledger.welcome("101", "s1", "Smith"))
	r.must(tv.Until(r.ctx, func(tv *tvsim.TV) bool { return tv.Shown().WiFi == "Sea View u7 k7qx" }))
}

// A code that was revoked, or whose end is past, goes from the screen with the
// next word of it, and is on no new one.
func TestWiFiCodeThatIsDead(t *testing.T) {
	for name, value := range map[string][2]string{"revoked": {drivers.ValueClosed, "true"}, "over": {"until", "2001-01-01T00:00:00Z"}} {
		t.Run(name, func(t *testing.T) {
			made := &codes{by: map[string]map[string]string{}}
			r := newRig(t, func(c *Config) { c.ShowWifi = "wifi" })
			r.open(func(d *Driver) { d.site.Known = made.known })
			r.connected()
			tv := r.tv("101", "tv1")
			made.make("stay:s1", "k7qx")
			r.do(r.ledger.welcome("101", "s1", "Smith"))
			r.must(tv.Until(r.ctx, func(tv *tvsim.TV) bool { return tv.Shown().WiFi == "Sea View u7 k7qx" }))
			made.make("stay:s1", "k7qx")
			made.mu.Lock()
			made.by["stay:s1"][value[0]] = value[1]
			made.mu.Unlock()
			r.driver.Follow("wifi", "stay:s1")
			r.must(tv.Until(r.ctx, func(tv *tvsim.TV) bool { return tv.Shown().WiFi == "" }))
			r.do(r.ledger.welcome("101", "s1", "Smithson"))
			r.shows(tv, "Mr Smithson")
			if got := tv.Shown().WiFi; got != "" {
				t.Errorf("it shows %q", got)
			}
		})
	}
}

// A code without the name of its network is of no use, and must not cost the
// guest his greeting.
func TestWiFiCodeWithoutItsNetwork(t *testing.T) {
	for _, missing := range []string{"ssid", "code"} {
		made := &codes{by: map[string]map[string]string{}}
		r := newRig(t, func(c *Config) { c.ShowWifi = "wifi" })
		r.open(func(d *Driver) { d.site.Known = made.known })
		r.connected()
		tv := r.tv("101", "tv1")
		made.make("stay:s1", "k7qx")
		made.by["stay:s1"][missing] = ""
		r.do(r.ledger.welcome("101", "s1", "Smith"))
		r.shows(tv, "Mr Smith")
		if got := tv.Shown().WiFi; got != "" {
			t.Errorf("without %s it shows %q", missing, got)
		}
	}
}
