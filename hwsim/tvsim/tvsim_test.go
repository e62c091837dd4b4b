package tvsim

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

const base = "htl/v1/seaview/room/101"

type bench struct {
	t      *testing.T
	ctx    context.Context
	broker *Broker
}

func newBench(t *testing.T) *bench {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	b := &bench{t: t, ctx: ctx, broker: NewBroker(BrokerOptions{Property: "seaview", AgentPassword: "pw"})}
	b.must(b.broker.Start(Keep))
	t.Cleanup(b.broker.Stop)
	return b
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) tv(edit ...func(*TVOptions)) *TV {
	b.t.Helper()
	o := TVOptions{
		Access: b.broker.Access("101"), Property: "seaview", Room: "101", ID: "tv1", Silence: 50 * time.Millisecond, Redial: 10 * time.Millisecond,
	}
	for _, e := range edit {
		e(&o)
	}
	tv := NewTV(o)
	tv.Plug()
	b.t.Cleanup(tv.Unplug)
	b.must(tv.Until(b.ctx, (*TV).Connected))
	return tv
}

func (b *bench) client(user, id string, got chan<- paho.Message) paho.Client {
	b.t.Helper()
	a := b.broker.Access(user)
	o := paho.NewClientOptions().AddBroker(a.URL).SetClientID(id).SetUsername(a.Username).SetPassword(a.Password).SetAutoReconnect(false)
	o.SetProtocolVersion(4).SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { got <- m })
	c := paho.NewClient(o)
	b.done(c.Connect())
	b.t.Cleanup(func() { c.Disconnect(0) })
	return c
}

func (b *bench) done(token paho.Token) {
	b.t.Helper()
	if !token.WaitTimeout(10 * time.Second) {
		b.t.Fatal("no answer from the broker")
	}
	b.must(token.Error())
}

func (b *bench) until(tv *TV, what string, is func(*TV) bool) {
	b.t.Helper()
	if err := tv.Until(b.ctx, is); err != nil {
		b.t.Fatalf("never: %s; acks %+v", what, tv.Acks())
	}
}

// doc is a good welcome, with fields changed.
func doc(gen int, stay string, more ...any) []byte {
	m := map[string]any{
		"v": 1, "gen": gen, "id": fmt.Sprint("id", gen), "room": "101", "stay": stay, "occupied": true,
		"guests": []any{map[string]any{"last": "Smith", "display": "Mr \u2068Smith\u2069"}}, "lang": "en", "dir": "ltr", "tz": "UTC",
		"issued_at": "2026-01-01T00:00:00Z", "expires_at": "2096-01-01T00:00:00Z", "something_new": 1,
	}
	for i := 0; i+1 < len(more); i += 2 {
		m[more[i].(string)] = more[i+1]
	}
	text, _ := json.Marshal(m)
	return text
}

func lastAck(tv *TV) string {
	acks := tv.Acks()
	if len(acks) == 0 {
		return ""
	}
	return strings.TrimSuffix(acks[len(acks)-1].Result+": "+acks[len(acks)-1].Detail, ": ")
}

func TestRulesOfASet(t *testing.T) {
	guest := func(fields map[string]any) []any { return []any{fields} }
	for _, tt := range []struct {
		name    string
		payload []byte
		ack     string
		shown   string // stay on the screen afterwards
	}{
		{"good", doc(6, "s2"), "displayed", "s2"},
		{"same gen", doc(5, "s2"), "stale: gen is not newer", "s1"},
		{"older gen", doc(4, "s2"), "stale: gen is not newer", "s1"},
		{"unknown major", doc(6, "s2", "v", 2), "unsupported: unknown major version", "s1"},
		{"no version", doc(6, "s2", "v", nil), "unsupported: unknown major version", "s1"},
		{"no stay", doc(6, ""), "rejected: id, room or stay is missing", "s1"},
		{"expired", doc(6, "s2", "expires_at", "2001-01-01T00:00:00Z"), "stale: expired", ""},
		{"not occupied", doc(6, "s2", "occupied", false), "rejected: occupied is false; vacant is the empty payload", "s1"},
		{"language", doc(6, "s2", "lang", "german!"), `rejected: lang "german!" is no BCP 47 tag`, "s1"},
		{"bidi control in a name", doc(6, "s2", "guests", guest(map[string]any{"last": "a\u202eb", "display": "x"})), "rejected: last holds bidi controls", "s1"},
		{"open isolate", doc(6, "s2", "guests", guest(map[string]any{"display": "\u2068x"})), "rejected: display holds bidi overrides or open isolates", "s1"},
		{"no isolate", doc(6, "s2", "guests", guest(map[string]any{"last": "x", "display": "Mr x"})), "rejected: display holds a name outside an isolate", "s1"},
		{"long name", doc(6, "s2", "guests", guest(map[string]any{"last": strings.Repeat("x", 65), "display": "y"})), "rejected: last is longer than 64 characters", "s1"},
		{"wifi without a network", doc(6, "s2", "wifi", map[string]any{"ssid": "", "code": "k7"}), "rejected: wifi lacks ssid or code", "s1"},
		{"not composed", doc(6, "s2", "guests", guest(map[string]any{"display": "u\u0308"})), "rejected: display is not in NFC", "s1"},
		{"too big", doc(6, "s2", "note", strings.Repeat("x", 17<<10)), "rejected: 17698 bytes, limit 16384", "s1"},
		{"garbage", []byte("{"), "rejected: not a JSON object of the right shape", "s1"},
		{"empty", nil, "cleared", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := &glass{now: time.Now}
			g.welcome(doc(5, "s1"), true, false)
			ack := g.welcome(tt.payload, true, false)[0]
			got := strings.TrimSuffix(ack.Result+": "+ack.Detail, ": ")
			if strings.HasSuffix(tt.ack, "limit 16384") {
				got, tt.ack = got[strings.Index(got, "limit"):], "limit 16384"
			}
			if got != tt.ack || g.screen.Stay != tt.shown {
				t.Errorf("ack %q, shows %q", got, g.screen.Stay)
			}
		})
	}
	g := &glass{now: time.Now}
	g.welcome(doc(5, "s1"), true, false)
	g.welcome(nil, true, false)
	if ack := g.welcome(doc(3, "s2"), true, false)[0]; ack.Result != "displayed" {
		t.Errorf("after an empty payload: %+v", ack)
	}
}

func TestPowerOnOnlyLive(t *testing.T) {
	g := &glass{now: time.Now}
	g.welcome(doc(1, "s1", "power_on", true), false, false)
	if g.powered {
		t.Error("a retained welcome switched the set on")
	}
	g.welcome(doc(2, "s1", "power_on", true), true, false)
	if !g.powered || g.powerOns != 1 {
		t.Error("a live welcome did not switch the set on")
	}
}

func TestMessages(t *testing.T) {
	message := func(more string) messageDoc {
		var m messageDoc
		text := `{"v":1,"id":"m1","kind":"info","body":"b","stay":"s1","expires_at":"2096-01-01T00:00:00Z"` + more + `}`
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, tt := range []struct{ name, more, want string }{
		{"good", ``, "displayed"},
		{"other stay", `,"stay":"s2"`, "stale"},
		{"expired", `,"expires_at":"2001-01-01T00:00:00Z"`, "stale"},
		{"major", `,"v":9`, "unsupported"},
		{"override", `,"body":"\u202eb"`, "rejected"},
	} {
		g := &glass{now: time.Now}
		g.welcome(doc(1, "s1"), true, false)
		if ack := g.message(message(tt.more), 100); ack.Result != tt.want {
			t.Errorf("%s: %+v", tt.name, ack)
		}
	}
	g := &glass{now: time.Now}
	g.welcome(doc(1, "s1", "dnd", true), true, false)
	if ack := g.message(message(""), 100); ack.Result != "rejected" {
		t.Errorf("do not disturb: %+v", ack)
	}
	for _, urgent := range []string{`,"urgent":true`, `,"kind":"alarm"`} {
		if ack := g.message(message(urgent), 100); ack.Result != "displayed" {
			t.Errorf("urgent: %+v", ack)
		}
	}
	if len(g.popups) != 1 {
		t.Errorf("one id was shown %d times", len(g.popups))
	}
}

func TestSetLearnsWhatIsRetained(t *testing.T) {
	b := newBench(t)
	b.must(b.broker.Put(base+"/welcome", doc(5, "s1"), true))
	tv := b.tv(func(o *TVOptions) { o.Cache = true })
	b.until(tv, "shows s1", func(tv *TV) bool { return tv.Shown().Stay == "s1" })
	tv.Unplug()
	if !tv.Shown().Vacant() {
		t.Error("a set without power shows something")
	}
	b.must(b.broker.Put(base+"/welcome", nil, true))
	tv.Plug()
	if tv.Shown().Stay != "s1" {
		t.Error("the cache is not drawn")
	}
	b.until(tv, "reads silence as vacant", func(tv *TV) bool { return tv.Shown().Vacant() })
	if got := lastAck(tv); got != "cleared" {
		t.Errorf("ack %q", got)
	}
	if n := len(tv.History()); n != 2 {
		t.Errorf("history has %d entries", n)
	}
}

func TestSetClearsItself(t *testing.T) {
	b := newBench(t)
	tv := b.tv()
	b.must(b.broker.Put(base+"/welcome", doc(5, "s1", "expires_at", time.Now().Add(2*time.Second).Format(time.RFC3339)), true))
	b.until(tv, "shows s1", func(tv *TV) bool { return tv.Shown().Stay == "s1" })
	b.broker.Stop() // its own clock is enough
	b.until(tv, "clears itself", func(tv *TV) bool { return tv.Shown().Vacant() })
}

func TestReload(t *testing.T) {
	b := newBench(t)
	tv := b.tv()
	b.must(b.broker.Put(base+"/welcome", doc(5, "s1"), true))
	b.until(tv, "shows s1", func(tv *TV) bool { return tv.Shown().Gen == 5 })
	b.must(b.broker.Put(base+"/welcome", doc(3, "s2"), true))
	b.until(tv, "drops an older gen", func(tv *TV) bool { return strings.HasPrefix(lastAck(tv), "stale") })
	b.must(b.broker.Put(base+"/command", []byte(`{"v":1,"id":"c","command":"reload"}`), false))
	b.until(tv, "shows what is retained", func(tv *TV) bool { return tv.Shown().Gen == 3 })
}

// The access list of the contract, in Mosquitto's silent manner.
func TestAccessList(t *testing.T) {
	b := newBench(t)
	got := make(chan paho.Message, 100)
	agent := b.client(AgentUser, "agent", got)
	b.done(agent.Subscribe("htl/v1/seaview/#", 1, nil))
	heard := make(chan paho.Message, 100)
	spy := b.client("101", "101-tv9", heard)
	for _, filter := range []string{"#", "htl/v1/seaview/room/102/welcome"} {
		token := spy.Subscribe(filter, 1, nil)
		b.done(token)
		if code := token.(*paho.SubscribeToken).Result()[filter]; code != 1 {
			t.Errorf("subscription to %s: code %d", filter, code)
		}
	}
	for _, topic := range []string{ // all confirmed, none delivered
		base + "/welcome", base + "/tv/101-tv8/ack", "htl/v1/seaview/room/102/tv/101-tv9/ack", "htl/v1/other/room/101/tv/101-tv9/ack",
	} {
		b.done(spy.Publish(topic, 1, true, "forged"))
	}
	b.done(spy.Publish(base+"/tv/101-tv9/ack", 1, false, "mine"))
	if m := <-got; string(m.Payload()) != "mine" {
		t.Errorf("delivered %s %s", m.Topic(), m.Payload())
	}
	b.done(agent.Publish("htl/v1/seaview/room/102/welcome", 1, true, "theirs"))
	b.done(agent.Publish(base+"/welcome", 1, true, "ours"))
	for m := range heard {
		if string(m.Payload()) == "ours" {
			break
		}
		if string(m.Payload()) != "mine" {
			t.Errorf("101 heard %s", m.Topic())
		}
	}
	if n := len(b.broker.Retained("htl/")); n != 2 {
		t.Errorf("%d retained messages", n)
	}
	b.broker.Deny("htl/v1/seaview/room/+/welcome")
	b.done(agent.Publish(base+"/welcome", 1, true, "denied"))
	if got := string(b.broker.Retained(base)[base+"/welcome"]); got != "ours" {
		t.Errorf("a denied topic took %q", got)
	}
}

func TestStrangersAreTurnedAway(t *testing.T) {
	b := newBench(t)
	o := paho.NewClientOptions().AddBroker(b.broker.URL()).SetClientID("x").SetUsername("101").SetPassword("guess").SetProtocolVersion(4)
	token := paho.NewClient(o.SetAutoReconnect(false)).Connect()
	if !token.WaitTimeout(10*time.Second) || token.Error() == nil {
		t.Error("a wrong password was accepted")
	}
}

func TestRestart(t *testing.T) {
	b := newBench(t)
	tv := b.tv()
	b.must(b.broker.Put(base+"/welcome", doc(5, "s1"), true))
	b.broker.Save()
	b.must(b.broker.Put(base+"/welcome", nil, true))
	b.must(b.broker.Put(base+"/x", []byte("kept"), true))
	addr := b.broker.Addr()
	for _, tt := range []struct {
		recall Recall
		topics string
	}{{Keep, "x"}, {Restore, "welcome"}, {Lose, ""}} {
		b.broker.Stop()
		b.must(b.broker.Start(tt.recall))
		if b.broker.Addr() != addr {
			t.Errorf("address %s, was %s", b.broker.Addr(), addr)
		}
		b.until(tv, "comes back", (*TV).Connected)
		for topic := range b.broker.Retained(base) {
			if !strings.Contains(topic, "/tv/") && topic != base+"/"+tt.topics {
				t.Errorf("recall %d: %s", tt.recall, topic)
			}
		}
	}
}

func TestWillOfASet(t *testing.T) {
	b := newBench(t)
	tv := b.tv()
	state := func() string { return string(b.broker.Retained(base + "/tv/101-tv1/state")[base+"/tv/101-tv1/state"]) }
	wait := func(want string) {
		t.Helper()
		for !strings.Contains(state(), want) {
			if b.ctx.Err() != nil {
				t.Fatalf("state %s", state())
			}
			time.Sleep(time.Millisecond)
		}
	}
	wait(`"online"`)
	tv.Unplug()
	wait(`"offline"`)
	tv.Plug()
	wait(`"online"`)
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		filter, topic string
		want          bool
	}{
		{"#", "a/b", true}, {"a/#", "a", true}, {"a/+", "a/b", true}, {"a/+", "a/b/c", false}, {"a/+/c", "a/b/c", true}, {"a", "b", false}, {"a/b", "a", false},
	} {
		if got := matches(tt.filter, tt.topic); got != tt.want {
			t.Errorf("%s %s: %v", tt.filter, tt.topic, got)
		}
	}
}

// A broker that has lost everything may hold the next guest under a lower gen:
// the first word after subscribing is believed, but not an older one of the
// same guest.
func TestFirstWelcomeAfterSubscribing(t *testing.T) {
	for _, tt := range []struct {
		stay  string
		first bool
		want  string
	}{{"s2", true, "displayed"}, {"s2", false, "stale"}, {"s1", true, "stale"}} {
		g := glass{now: time.Now}
		g.welcome(doc(5, "s1"), true, true)
		if ack := g.welcome(doc(3, tt.stay), false, tt.first)[0]; ack.Result != tt.want {
			t.Errorf("%+v: %s", tt, ack.Result)
		}
	}
}
