//go:build real

package realtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"edgeagent/hwsim/tvsim"
)

const room101 = root + "/room/101/"

// stage is the reference TV of 101, with the test in the place of the agent.
type stage struct {
	t       *testing.T
	m       *mosquitto
	agent   *listener
	ears    *listener // hears what the set says
	heard   int       // how much of it has been looked at
	page    *tab
	schemas map[string]*jsonschema.Schema
}

// newStage opens the page over a cable, which may be pulled.
func newStage(t *testing.T) (*stage, *cable, func() *tab) {
	t.Helper()
	m := newMosquitto(t, setAccess, "101")
	broker := m.webDoor("101")
	if err := m.Start(tvsim.Keep); err != nil {
		t.Fatal(err)
	}
	m.awaitWeb(broker)
	line := newCable(t, strings.TrimSuffix(strings.TrimPrefix(broker, "wss://"), "/mqtt"))
	page := servePage(t, "wss://"+line.open.Addr().String()+"/mqtt")
	b := chromium(t, t.TempDir(), m.ca.file("server.crt"))
	s := &stage{t: t, m: m, schemas: map[string]*jsonschema.Schema{}}
	for _, name := range []string{"ack", "state", "event"} {
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		schema, err := c.Compile("../docs/schema/iptv/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		s.schemas[name] = schema
	}
	s.agent = m.listen(tvsim.AgentUser, "bench-agent", root+"/bench/none")
	s.ears = m.listen(tvsim.AgentUser, "bench-ears", room101+"tv/#")
	t.Cleanup(s.agent.hangUp)
	t.Cleanup(s.ears.hangUp)
	open := func() *tab { return b.open(page("101"), 1280, 720) }
	s.page = open()
	s.page.untilConnected()
	return s, line, open
}

// says waits for the next message of the set on that topic whose fields are as
// wanted; every message on the way must keep its schema.
func (s *stage) says(name string, want map[string]any) map[string]any {
	s.t.Helper()
	var found map[string]any
	var passed []string
	eventually(s.t, fmt.Sprintf("the set publishes %s %v", name, want), func() (bool, string) {
		s.ears.mu.Lock()
		defer s.ears.mu.Unlock()
		for ; s.heard < len(s.ears.heard) && found == nil; s.heard++ {
			msg := s.ears.heard[s.heard]
			kind := msg.Topic()[strings.LastIndex(msg.Topic(), "/")+1:]
			s.valid(kind, msg.Payload())
			var doc map[string]any
			if err := json.Unmarshal(msg.Payload(), &doc); err != nil {
				s.t.Errorf("%s: %v", msg.Topic(), err)
			}
			if passed = append(passed, kind+" "+string(msg.Payload())); kind == name && holds(doc, want) {
				found = doc
			}
		}
		return found != nil, strings.Join(passed, "\n")
	})
	return found
}

// holds compares as text: numbers of JSON have no type.
func holds(doc, want map[string]any) bool {
	for key, value := range want {
		if have, ok := doc[key]; value == nil && ok || value != nil && fmt.Sprint(have) != fmt.Sprint(value) {
			return false
		}
	}
	return true
}

func (s *stage) valid(name string, payload []byte) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	if err == nil {
		err = s.schemas[name].Validate(doc)
	}
	if err != nil {
		s.t.Errorf("the set's %s: %v\n%s", name, err, payload)
	}
}

// welcome publishes a welcome; the pairs change fields, nil takes one out.
func (s *stage) welcome(gen float64, pairs ...any) {
	s.t.Helper()
	now := time.Now()
	doc := map[string]any{
		"v": 1, "gen": gen, "id": fmt.Sprint("id", gen), "room": "101/A", "stay": "s1", "occupied": true,
		"guests": []any{map[string]any{"last": "Smith", "display": "Mr \u2068Smith\u2069"}}, "lang": "en", "dir": "ltr", "tz": "Europe/Lisbon",
		"dnd": false, "rights": map[string]any{"paytv": false, "adult": false, "bill": true, "checkout": true}, "power_on": false,
		"issued_at": now.Format(time.RFC3339), "expires_at": now.Add(48 * time.Hour).Format(time.RFC3339),
	}
	s.agent.say(room101+"welcome", true, changed(doc, pairs))
}

func (s *stage) message(id string, pairs ...any) {
	s.t.Helper()
	now := time.Now()
	s.agent.say(room101+"message", false, changed(map[string]any{
		"v": 1, "id": id, "kind": "info", "title": "Taxi", "body": "Your <b>taxi</b> is waiting.\nHave a good trip.", "lang": "en", "dir": "ltr",
		"urgent": false, "created_at": now.Format(time.RFC3339), "expires_at": now.Add(time.Minute).Format(time.RFC3339), "stay": "s1",
	}, pairs))
}

func (s *stage) command(id, command string, pairs ...any) {
	s.t.Helper()
	s.agent.say(room101+"command", false, changed(map[string]any{
		"v": 1, "id": id, "command": command, "at": time.Now().Format(time.RFC3339),
	}, pairs))
}

func changed(doc map[string]any, pairs []any) string {
	doc = maps.Clone(doc)
	for i := 0; i < len(pairs); i += 2 {
		if key := pairs[i].(string); pairs[i+1] == nil {
			delete(doc, key)
		} else {
			doc[key] = pairs[i+1]
		}
	}
	text, err := json.Marshal(doc)
	if err != nil {
		panic(err) // the tests' own documents encode
	}
	return string(text)
}

func display(text string) []any { return []any{map[string]any{"display": text}} }

func (s *stage) vacate() { s.agent.say(room101+"welcome", true, "") }

func (s *stage) shows(name string) {
	s.t.Helper()
	s.page.until("it shows "+name, namesText(name))
}
