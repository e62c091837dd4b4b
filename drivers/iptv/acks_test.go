package iptv

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/tvsim"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// actor is a set that answers what it is told to answer.
type actor struct {
	client paho.Client
	base   string
	id     string
	mu     sync.Mutex
	said   int
	last   paho.Message
}

// actor connects a set that answers each welcome, and each clear, with the next
// of some results, the last one again and again; "" is no answer.
func (r *rig) actor(room, id string, results ...string) *actor {
	r.t.Helper()
	a := &actor{id: room + "-" + id, base: "htl/v1/" + property + "/room/" + room}
	at := r.broker.Access(room)
	o := paho.NewClientOptions().AddBroker(at.URL).SetClientID(a.id).SetUsername(at.Username).SetPassword(at.Password)
	o.SetProtocolVersion(4).SetAutoReconnect(false)
	o.SetWill(a.base+"/tv/"+a.id+"/state", `{"v":1,"state":"offline"}`, 1, true)
	a.client = paho.NewClient(o)
	hear := func(_ paho.Client, m paho.Message) {
		a.mu.Lock()
		if m.Topic() == a.base+"/command" { // reload: the same once more
			m = a.last
		}
		a.last = m
		a.mu.Unlock()
		if m == nil {
			return
		}
		var doc struct {
			ID  string `json:"id"`
			Gen int64  `json:"gen"`
		}
		_ = json.Unmarshal(m.Payload(), &doc)
		a.mu.Lock()
		result := results[min(a.said, len(results)-1)]
		a.said++
		a.mu.Unlock()
		if result != "" {
			ack := fmt.Sprintf(`{"v":1,"id":%q,"gen":%d,"tv":%q,"result":%q,"detail":"said\u202e so"}`, doc.ID, doc.Gen, a.id, result)
			a.client.Publish(a.base+"/tv/"+a.id+"/ack", 1, false, ack)
		}
	}
	for _, do := range []func() paho.Token{
		a.client.Connect,
		func() paho.Token {
			return a.client.SubscribeMultiple(map[string]byte{a.base + "/welcome": 1, a.base + "/command": 1}, hear)
		},
		func() paho.Token {
			return a.client.Publish(a.base+"/tv/"+a.id+"/state", 1, true, `{"v":1,"state":"online"}`)
		},
	} {
		if token := do(); !token.WaitTimeout(5*time.Second) || token.Error() != nil {
			r.t.Fatal(token.Error())
		}
	}
	r.t.Cleanup(func() { a.client.Disconnect(0) })
	return a
}

// told waits until the driver has heard of so many sets that are online, and others.
func (r *rig) told(room string, online, known int) {
	r.t.Helper()
	r.eventually("the sets are known", func() bool {
		s, err := r.driver.live()
		if err != nil {
			return false
		}
		k, o := s.house.sets(room)
		return k == known && o == online
	})
}

// What a set answers decides what becomes of the command.
func TestAnswersDecide(t *testing.T) {
	for _, tt := range []struct {
		name    string
		results [][]string // of each set of the room
		note    string
		err     string
		refused bool
	}{
		{"displayed", [][]string{{"displayed"}}, "shown on the TV", "", false},
		{"two displayed", [][]string{{"displayed"}, {"displayed"}}, "shown on 2 TVs", "", false},
		{"received is not displayed", [][]string{{"received"}}, "", "TV 101-a is online and does not confirm: check its app, or switch it off and on", false},
		{"silent", [][]string{{""}}, "", "TV 101-a is online and does not confirm: check its app, or switch it off and on", false},
		{"one of two is silent", [][]string{{"displayed"}, {""}}, "", "TV 101-b is online and does not confirm: check its app, or switch it off and on", false},
		{"what was confirmed stands", [][]string{{"displayed", ""}, {"", "displayed"}}, "shown on 2 TVs", "", false},
		{"failed", [][]string{{"failed"}}, "", "TV 101-a could not do it: said so", false},
		{"rejected", [][]string{{"rejected"}}, "", "refused: TV 101-a: said so", true},
		{"one of two rejects", [][]string{{"displayed"}, {"rejected"}}, "", "refused: TV 101-b: said so", true},
		{"unsupported", [][]string{{"unsupported"}}, "", "refused: TV 101-a: does not understand version 1 of the contract", true},
		// From scratch: it forgets what it takes for newer.
		{"stale, and then not", [][]string{{"stale", "stale", "cleared", "displayed"}}, "shown on the TV", "", false},
		{"always stale", [][]string{{"stale"}}, "", "TV 101-a takes the screen for out of date (said so): check its clock", false},
		// One that may yet do it goes before one that never will.
		{"one rejects, one is silent", [][]string{{"rejected"}, {""}}, "", "TV 101-b is online and does not confirm: check its app, or switch it off and on", false},
		{"an unknown word", [][]string{{"delighted"}}, "", "TV 101-a is online and does not confirm: check its app, or switch it off and on", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(c *Config) { c.AckTimeout = 150 * time.Millisecond })
			r.open()
			r.connected()
			for i, results := range tt.results {
				r.actor("101", string(rune('a'+i)), results...)
			}
			r.told("101", len(tt.results), len(tt.results))
			receipt, err := r.driver.Do(r.ctx, r.ledger.welcome("101", "s1", "Smith"))
			if receipt.Note != tt.note || (err == nil) != (tt.err == "") || (err != nil && err.Error() != tt.err) || errors.Is(err, drivers.ErrRefused) != tt.refused {
				t.Errorf("note %q, error %v", receipt.Note, err)
			}
			if errors.Is(err, drivers.ErrUnknown) {
				t.Error("a setting is never of unknown outcome: it can be repeated")
			}
		})
	}
}

// A set that is off has no say; it is waited for, and the others decide.
func TestSetsThatAreOff(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Rooms = map[string][]string{"SUITE": {"101", "102"}} })
	r.open()
	r.connected()
	one, two := r.tv("101", "tv1"), r.tv("101", "tv2")
	r.told("101", 2, 2)
	two.Unplug()
	r.told("101", 1, 2)
	for _, tt := range []struct {
		room, stay string
		note       string
	}{
		{"101", "s1", "shown on the TV; waiting for another that is off"},
		{"SUITE", "s2", "shown on the TV; confirmed by the broker for the others"}, // 102 has no set
		{"102", "s3", "confirmed by the broker; waiting for the TV"},
	} {
		if note := r.do(r.ledger.welcome(tt.room, tt.stay, "Smith")).Note; note != tt.note {
			t.Errorf("%s: note %q", tt.room, note)
		}
	}
	one.Unplug()
	r.told("101", 0, 2)
	if note := r.do(r.ledger.clear("101", "s2")).Note; note != "confirmed by the broker; waiting for the TV" {
		t.Errorf("note %q", note)
	}
	for _, tv := range []*tvsim.TV{one, two} {
		tv.Plug()
		r.must(tv.Until(r.ctx, func(tv *tvsim.TV) bool { return tv.Connected() }))
		r.shows(tv, "")
	}
}

// A set that goes off while it is waited for has no say any more.
func TestSetThatGoesOffMeanwhile(t *testing.T) {
	r := newRig(t)
	r.open()
	r.connected()
	silent := r.actor("101", "a", "")
	r.told("101", 1, 1)
	done := make(chan string)
	go func() {
		receipt, err := r.driver.Do(r.ctx, r.ledger.welcome("101", "s1", "Smith"))
		done <- fmt.Sprint(receipt.Note, err)
	}()
	r.eventually("it has been told", func() bool { silent.mu.Lock(); defer silent.mu.Unlock(); return silent.said > 0 })
	silent.client.Publish(silent.base+"/tv/"+silent.id+"/state", 1, true, `{"v":1,"state":"offline"}`)
	if got := <-done; got != "confirmed by the broker; waiting for the TV<nil>" {
		t.Error(got)
	}
}

// A set whose clock is ahead takes every screen for expired; it says so at once,
// and shows nothing, which is better than a name too long.
func TestSetWithAWrongClock(t *testing.T) {
	r := newRig(t, func(c *Config) { c.AckTimeout = 300 * time.Millisecond })
	r.open()
	r.connected()
	tv := r.tv("101", "tv1", func(o *tvsim.TVOptions) { o.Now = func() time.Time { return time.Now().Add(240 * time.Hour) } })
	_, err := r.driver.Do(r.ctx, r.ledger.welcome("101", "s1", "Smith"))
	if err == nil || err.Error() != "TV 101-tv1 takes the screen for out of date (expired): check its clock" {
		t.Errorf("error %v", err)
	}
	r.shows(tv, "")
	if !strings.Contains(r.retained("101"), "Smith") {
		t.Error("the others of the room have nothing to show")
	}
}
