package iptv

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"edgeagent/drivers"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// documented are the bridges of a product, as docs/tv-bridges.md has them.
func documented(t *testing.T, product string) []Bridge {
	t.Helper()
	page, err := os.ReadFile("../../docs/tv-bridges.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "<!-- bridge: "+product+" -->\n```yaml\n")
	block, _, end := strings.Cut(rest, "```")
	if !ok || !end {
		t.Fatalf("the page has no bridge for %s", product)
	}
	var section struct {
		Bridges []Bridge `yaml:"bridges"`
	}
	if err := yaml.UnmarshalWithOptions([]byte(block), &section, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	c := Config{Broker: "tls://b", Bridges: section.Bridges}
	for path, text := range c.Problems() {
		t.Errorf("%s: %s: %s", product, path, text)
	}
	return section.Bridges
}

// product is somebody at the broker who hears below some topics.
type product struct {
	client paho.Client
	heard  chan paho.Message
}

func (r *rig) product(filters ...string) *product {
	r.t.Helper()
	p := &product{heard: make(chan paho.Message, 64)}
	at := r.broker.Access("product")
	o := paho.NewClientOptions().AddBroker(at.URL).SetClientID("product").SetUsername(at.Username).SetPassword(at.Password)
	o.SetProtocolVersion(4).SetAutoReconnect(false).SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { p.heard <- m })
	p.client = paho.NewClient(o)
	all := map[string]byte{}
	for _, f := range filters {
		all[f] = 1
	}
	for _, do := range []func() paho.Token{p.client.Connect, func() paho.Token { return p.client.SubscribeMultiple(all, nil) }} {
		if token := do(); !token.WaitTimeout(5*time.Second) || token.Error() != nil {
			r.t.Fatal(token.Error())
		}
	}
	r.t.Cleanup(func() { p.client.Disconnect(0) })
	return p
}

// next is the next message, as "topic payload".
func (p *product) next(t *testing.T) string {
	t.Helper()
	select {
	case m := <-p.heard:
		if m.Retained() {
			return "retained " + m.Topic() + " " + string(m.Payload())
		}
		return m.Topic() + " " + string(m.Payload())
	case <-time.After(5 * time.Second):
		t.Fatal("nothing comes")
	}
	return ""
}

func (p *product) silent(t *testing.T) {
	t.Helper()
	select {
	case m := <-p.heard:
		t.Errorf("got %s %s", m.Topic(), m.Payload())
	case <-time.After(100 * time.Millisecond):
	}
}

func (r *rig) popup(stay, title, body string, more ...string) drivers.Command {
	p := map[string]string{"room": "101", "stay": stay, "title": title, "body": body}
	for i := 0; i+1 < len(more); i += 2 {
		p[more[i]] = more[i+1]
	}
	return r.ledger.accept(actionMessage, "message:101", p)
}

// A Kodi box with kodi2mqtt: command/notify is JSON, and goes to
// GUI.ShowNotification as it is, which knows title, message, image and displaytime.
func TestBridgeToKodi(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Bridges = documented(t, "kodi") })
	r.broker.Open("kodi")
	r.open()
	r.connected()
	box := r.product("kodi/101/command/#")
	show := func() (title, message string) {
		t.Helper()
		payload, ok := strings.CutPrefix(box.next(t), "kodi/101/command/notify ")
		var params map[string]string
		if err := json.Unmarshal([]byte(payload), &params); err != nil || !ok || len(params) != 2 {
			t.Fatalf("%s: %v", payload, err)
		}
		return params["title"], bare(params["message"])
	}
	r.do(r.ledger.welcome("101", "s1", `[B]"Quote" <b>\ {`))
	if title, message := show(); title != "Sea View" || message != `Welcome, Mr B"Quote" <b>\ {` {
		t.Errorf("%q, %q", title, message)
	}
	r.do(r.ledger.welcome("101", "s1", "Smythe")) // no news to him
	r.do(r.popup("s1", "Taxi", "Your taxi\nis here [CR]"))
	if title, message := show(); title != "Taxi " || message != "Your taxi\nis here CR" {
		t.Errorf("%q, %q", title, message)
	}
	_, _ = r.driver.Do(r.ctx, r.popup("s0", "For", "another stay"))
	r.do(r.ledger.clear("101", "s1"))
	if got := box.next(t); got != "kodi/101/command/playbackstate stop" {
		t.Error(got)
	}
	old := r.ledger.welcome("101", "s2", "Jones")
	old.Accepted = time.Now().Add(-time.Hour)
	r.do(old)
	r.do(r.ledger.welcome("101", "s3", "Ng", "dnd", "true"))
	r.do(r.popup("s3", "Soup", "is ready"))
	r.do(r.popup("s3", "Fire", "leave now", "kind", "alarm"))
	if title, _ := show(); title != "Fire " {
		t.Errorf("%q: who wants no disturbance is disturbed", title)
	}
	box.silent(t)
	if held := r.broker.Retained("kodi/"); len(held) > 0 {
		t.Errorf("the broker retains %v", held)
	}
}

// The layout of mqtt-smarthome: <name>/set/<item> is never retained, and
// <name>/status/<item> is, with val.
func TestBridgeToSmarthome(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Bridges = documented(t, "smarthome") })
	r.broker.Open("tv-101", property+"/status")
	r.open()
	r.connected()
	set := r.product("tv-101/set/+")
	r.do(r.ledger.welcome("101", "s1", `{"icon":"/etc/passwd"}`))
	if got := bare(set.next(t)); got != `tv-101/set/toast {"message": "Welcome, Mr {\"icon\":\"/etc/passwd\"}"}` {
		t.Error(got)
	}
	occupied := func() map[string][]byte { return r.broker.Retained(property + "/status/") }
	if diff := cmp.Diff(map[string][]byte{"seaview/status/101/occupied": []byte(`{"val": true}`)}, occupied()); diff != "" {
		t.Error(diff)
	}
	r.do(r.ledger.clear("101", "s1"))
	if got := set.next(t); got != "tv-101/set/power false" {
		t.Error(got)
	}
	if diff := cmp.Diff(map[string][]byte{"seaview/status/101/occupied": []byte(`{"val": false}`)}, occupied()); diff != "" {
		t.Error(diff)
	}
	if held := r.broker.Retained("tv-101/"); len(held) > 0 {
		t.Errorf("the broker retains %v", held)
	}
}

// Home Assistant's discovery: <prefix>/<component>/<node>/<object>/config, whose
// levels are of letters, digits, _ and -; a sensor with a state topic and an id.
func TestBridgeToHomeAssistant(t *testing.T) {
	form := regexp.MustCompile(`^homeassistant/binary_sensor/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config$`)
	r := newRig(t, func(c *Config) { c.Bridges = documented(t, "homeassistant") })
	r.broker.Open("homeassistant", "edgeagent")
	// A room that is no more, and a device that is none of ours.
	// The next hotel's have names like ours, and one below our own level is not of our making.
	gone, foreign := "homeassistant/binary_sensor/seaview/999/config", "homeassistant/binary_sensor/seaview/cellar/config"
	next := "homeassistant/binary_sensor/seaview_2/101/config"
	m := r.cfg.Bridges[0].Publish[0]
	r.must(r.broker.Put(gone, m.payload(map[string]string{"property": "seaview", "key": "999", "root": "htl/v1/seaview", "hotel": `The "old" name`}), true))
	r.must(r.broker.Put("edgeagent/seaview/999/occupied", []byte("true"), true))
	for _, topic := range []string{foreign, next} {
		r.must(r.broker.Put(topic, []byte(`{"name": "another"}`), true))
	}
	r.ledger.welcome("101", "s1", "Smith")
	r.ledger.clear("102", "s2")
	r.open()
	r.connected()
	state := func(room string) string {
		return string(r.broker.Retained("edgeagent/")["edgeagent/seaview/"+room+"/occupied"])
	}
	r.eventually("the rooms are announced", func() bool {
		return state("101") == "true" && state("102") == "false" && state("999") == "" && r.broker.Retained(gone)[gone] == nil
	})
	held := r.broker.Retained("homeassistant/")
	if held[gone] != nil || held[foreign] == nil || held[next] == nil || len(held) != 4 {
		t.Errorf("the broker retains %v", held)
	}
	for topic, payload := range held {
		if topic == foreign || topic == next {
			continue
		}
		var config struct {
			Name, UniqueID, StateTopic, AvailabilityTopic, PayloadOn, PayloadOff, DeviceClass string
		}
		var raw map[string]any
		if err := json.Unmarshal(payload, &raw); err != nil || !form.MatchString(topic) {
			t.Fatalf("%s: %v", topic, err)
		}
		config.StateTopic, _ = raw["state_topic"].(string)
		config.AvailabilityTopic, _ = raw["availability_topic"].(string)
		got := r.broker.Retained(config.StateTopic)[config.StateTopic]
		if string(got) != raw["payload_on"] && string(got) != raw["payload_off"] {
			t.Errorf("%s: state %q, which is neither on nor off", topic, got)
		}
		if got := r.broker.Retained(config.AvailabilityTopic)[config.AvailabilityTopic]; string(got) != "online" {
			t.Errorf("%s: availability %q", topic, got)
		}
	}
	assistant := r.product("edgeagent/#")
	var first []string
	for range 2 {
		first = append(first, assistant.next(t))
	}
	slices.Sort(first)
	if diff := cmp.Diff([]string{"retained edgeagent/seaview/101/occupied true", "retained edgeagent/seaview/102/occupied false"}, first); diff != "" {
		t.Error(diff)
	}
	r.do(r.popup("s1", `"Taxi"`, "here"))
	if got := assistant.next(t); got != `edgeagent/seaview/101/notify {"title": "\"Taxi\"", "message": "here"}` {
		t.Error(got)
	}
	// What is right is not published again, an hour later or by another session.
	before := r.broker.Published("edgeagent/#") + r.broker.Published("homeassistant/#")
	s, err := r.driver.live()
	r.must(err)
	r.must(s.reconcile(r.ctx))
	if n := r.broker.Published("edgeagent/#") + r.broker.Published("homeassistant/#") - before; n != 0 {
		t.Errorf("published %d messages that changed nothing", n)
	}
	for _, payload := range r.broker.Retained("") {
		if strings.Contains(string(payload), "Smith") && !strings.Contains(string(payload), `"guests"`) {
			t.Errorf("a bridge leaves a name at the broker: %s", payload)
		}
	}
}

func TestBridgeThatIsDenied(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Bridges = documented(t, "smarthome") })
	r.broker.Open("tv-101") // and not the status
	r.ledger.welcome("101", "s1", "Smith")
	r.open(func(d *Driver) { d.echo = 100 * time.Millisecond })
	want := "broker " + r.broker.URL() + " accepts but does not deliver topic seaview/status/101/occupied: check its ACL"
	s := r.state(func(s drivers.State) bool { return s.Condition == drivers.Degraded })
	if s.Reason != want {
		t.Errorf("state %+v", s)
	}
}

func TestBridgeProblems(t *testing.T) {
	good := BridgeMessage{On: "welcome", Topic: "kodi/${key}/x", JSON: `{"a": "${name}"}`}
	for _, tt := range []struct {
		edit       func(*BridgeMessage)
		path, want string
	}{
		{func(m *BridgeMessage) {}, "", ""},
		{func(m *BridgeMessage) { m.On = "boot" }, "on", `"boot" is unknown: write one of clear, message, state, welcome`},
		{func(m *BridgeMessage) { m.Topic = "" }, "topic", "missing: write where it goes, such as kodi/${key}/command/notify"},
		{func(m *BridgeMessage) { m.Topic = "a/${name}" }, "topic", "has ${name}, and a topic holds nothing but ${key} and ${property}: others see topics"},
		{func(m *BridgeMessage) { m.Topic = "a/#/${key}" }, "topic", "is no topic: levels parted by /, without + # $ and spaces, at most 200 characters"},
		{func(m *BridgeMessage) { m.Topic = "htl/v1/seaview/room/${key}/welcome" }, "topic", "begins with htl/v1, which is our own contract's: choose another"},
		{func(m *BridgeMessage) { m.Topic = "a/b" }, "topic", "needs ${key} once: each room has a topic of its own"},
		{func(m *BridgeMessage) { m.On, m.JSON = "state", `{"a": ${occupied}}` }, "topic", "needs ${property} as a level of its own, or before a character that no id has, such as ${property}.${key}: " +
			"else the rooms of one hotel could be those of another at the same broker, and be cleared"},
		{func(m *BridgeMessage) { m.On, m.Topic = "state", "a/${property}/${key}" }, "json", "has no value ${name} on state: there are property, key, root, hotel, occupied"},
		{func(m *BridgeMessage) { m.On = "clear" }, "json", "has no value ${name} on clear: there are property, key, root, hotel"},
		{func(m *BridgeMessage) { m.JSON = "" }, "text", "needs a payload: write either json or text"},
		{func(m *BridgeMessage) { m.Text = "hello" }, "json", "needs a payload: write either json or text"},
		{func(m *BridgeMessage) { m.JSON = `{"a": ${name}}` }, "json", `is no JSON with its values in place: each stands within quotes, such as "${key}"; only ${occupied} may stand alone`},
		{func(m *BridgeMessage) { m.JSON, m.Text = "", "${name}" }, "text", "begins with what a guest or the desk has written: a product that takes JSON too would read it as that if it begins with {; begin with a word of yours, or write json"},
		{func(m *BridgeMessage) { m.JSON, m.Text = "", "Hello ${name}" }, "", ""},
	} {
		m := good
		tt.edit(&m)
		if path, text := m.problem("htl/v1"); path != tt.path || text != tt.want {
			t.Errorf("%+v: %s: %s", m, path, text)
		}
	}
	c := Config{Broker: "tls://b", Bridges: []Bridge{{Rooms: []string{"1+"}}, {Publish: []BridgeMessage{{}}}}}
	got := maps.Collect(c.Problems())
	if diff := cmp.Diff(map[string]string{
		"bridges[0]":               "publishes nothing: write publish: with at least one message, or leave the bridge out",
		"bridges[0].rooms[0]":      `"1+" is no room key: 1 to 64 of a-z, 0-9, - and _`,
		"bridges[1].publish[0].on": `"" is unknown: write one of clear, message, state, welcome`,
	}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAccessList(t *testing.T) {
	got := Config{Bridges: documented(t, "smarthome")}.AccessList(property)
	want := `# Who may do what at the broker of the TVs of seaview.
user agent
topic readwrite htl/v1/seaview/#
topic write +/set/toast
topic write +/set/toast
topic write +/set/power
topic readwrite seaview/status/+/occupied

# Every TV: its room (%u), and below its own name (%c).
pattern read htl/v1/seaview/agent/state
pattern read htl/v1/seaview/room/%u/welcome
pattern read htl/v1/seaview/room/%u/message
pattern read htl/v1/seaview/room/%u/command
pattern write htl/v1/seaview/room/%u/tv/%c/#
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Whatever a guest or the desk writes, it stays a text in the JSON.
func FuzzBridge(f *testing.F) {
	f.Add(`{"n": "${name}", "${greeting}": ["${name}x${name}"]}`, `a"b\`, "[]")
	f.Add(`{"n": ${occupied}}`, "${key}", "")
	f.Add(`{"n": "${name}"}`, `"quoted"`, "")
	f.Fuzz(func(t *testing.T, template, name, without string) {
		m := BridgeMessage{On: onWelcome, Topic: "t/${key}", JSON: template, Without: without}
		if path, _ := m.problem("htl/v1"); path != "" {
			return
		}
		name = clean(name, maxName)
		values := map[string]string{"name": name, "greeting": fmt.Sprint("Hello ", name)}
		if payload := m.payload(values); !json.Valid(payload) {
			t.Errorf("%s with %q: %s", template, name, payload)
		}
	})
}

// Where property and key run into each other, the rooms of two hotels have the
// same topics.
func TestTopicsThatTellHotelsApart(t *testing.T) {
	for topic, want := range map[string]bool{
		"a/${property}/${key}": true, "a/${key}/${property}": true, "a/${property}.${key}/b": true, "a/${key}.${property}:b": true, "x-${property}.b/${key}": true,
		"a/${key}": false, "a/${property}_${key}": false, "a/${property}-x/${key}": false, "a/${property}${key}": false, "a/${key}${property}.b": false,
		"a/${key}_${property}.b": false, "a/b.${property}/${key}": false,
	} {
		if got := (&BridgeMessage{Topic: topic}).apart(); got != want {
			t.Errorf("%s: %v", topic, got)
		}
	}
}
