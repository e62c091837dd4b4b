package iptv

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/tvsim"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The document that a TV vendor builds from, and its schemas.
const (
	contractFile = "../../docs/iptv-contract.md"
	schemaFolder = "../../docs/schema/iptv/"
)

// contract are the schemas, by message. Whoever reads by them accepts fields
// that he does not know; strict, they also find what we send without having
// written it down.
type contract map[string]*jsonschema.Schema

func readSchema(t *testing.T, name string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(schemaFolder + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc.(map[string]any)
}

var messageNames = []string{"welcome", "message", "command", "state", "ack", "event"}

func readContract(t *testing.T, strict bool) contract {
	t.Helper()
	all := contract{}
	for _, name := range messageNames {
		doc := readSchema(t, name)
		if strict {
			closeObjects(doc)
		}
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		if err := c.AddResource(name, doc); err != nil {
			t.Fatal(err)
		}
		schema, err := c.Compile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = schema
	}
	return all
}

// closeObjects forbids what is not written down, wherever an object is described.
func closeObjects(node any) {
	switch n := node.(type) {
	case []any:
		for _, each := range n {
			closeObjects(each)
		}
	case map[string]any:
		if n["type"] == "object" {
			n["additionalProperties"] = false
		}
		for _, each := range n {
			closeObjects(each)
		}
	}
}

func (c contract) check(name string, payload []byte) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	if err != nil {
		return err
	}
	return c[name].Validate(doc)
}

// examples are the messages of the agent as the contract shows them, made by the driver.
func examples(t *testing.T) map[string][]byte {
	t.Helper()
	d := still(t, func(c *Config) { c.PowerOnCheckin, c.ShowWifi, c.Template = true, "wifi", "classic" })
	popup, err := d.popup(drivers.Command{ID: "pms-4711/tell/1", Params: map[string]string{
		"stay": "9f86d081884c7d65", "title": "Taxi", "body": "Ihr Taxi wartet.\nGute Reise!", "kind": "service",
	}})
	if err != nil {
		t.Fatal(err)
	}
	welcome, err := d.document(drivers.Command{Seq: 17, Params: map[string]string{
		"room": "101/A", "stay": "9f86d081884c7d65", "guests": `[{"title":"Hr.","first":"Jörg","last":"Müller"}]`, "language": "GE",
		"arrival": "2026-03-28T13:00:00Z", "departure": "2026-03-29T09:00:00Z", "fresh": "true", "vip": "V2", "group": "Müller & Söhne", "rights": "paytv, bill",
	}})
	if err != nil {
		t.Fatal(err)
	}
	welcome.ID = "TDX3LQ6Q2ZJ5VQ4X7RGUYZ6N5A"
	welcome.Messages = []noteDoc{{ID: popup.ID, Kind: popup.Kind, Title: popup.Title, Body: popup.Body, Lang: popup.Lang, Dir: popup.Dir, CreatedAt: popup.CreatedAt}}
	message, err := json.Marshal(popup)
	if err != nil {
		t.Fatal(err)
	}
	off := false
	return map[string][]byte{"welcome": welcome.encode(), "message": message, "command": d.commandText("pms-4712/off/1", "power", &off)}
}

// TestContractDocument holds the document to the schemas and to the driver: it
// renders every field table from its schema and every example of an agent's
// message from the driver. With -update it writes them.
func TestContractDocument(t *testing.T) {
	source, err := os.ReadFile(contractFile)
	if err != nil {
		t.Fatal(err)
	}
	text := string(source)
	for _, name := range messageNames {
		text = section(t, text, "fields of "+name, fieldTable(readSchema(t, name)))
	}
	for name, payload := range examples(t) {
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, payload, "", "  "); err != nil {
			t.Fatal(err)
		}
		visible := strings.NewReplacer(isolateOpen, `\u2068`, isolateClose, `\u2069`).Replace(pretty.String())
		text = section(t, text, "example of "+name, "```json\n"+visible+"\n```\n")
	}
	if *update {
		if err := os.WriteFile(contractFile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(text, string(source)); diff != "" {
		t.Errorf("%s is not what schemas and driver say (-theirs +document); go test ./drivers/iptv -run Contract -update\n%s", contractFile, diff)
	}
}

// TestContractPictures finds a picture that is missing, or too large for a document.
func TestContractPictures(t *testing.T) {
	source, err := os.ReadFile(contractFile)
	if err != nil {
		t.Fatal(err)
	}
	pictures := regexp.MustCompile(`!\[[^\]]+\]\(([^)]+)\)`).FindAllStringSubmatch(string(source), -1)
	if len(pictures) != 3 {
		t.Errorf("%d pictures, not 3", len(pictures))
	}
	for _, match := range pictures {
		info, err := os.Stat(filepath.Join(filepath.Dir(contractFile), match[1]))
		if err != nil {
			t.Error(err)
		} else if info.Size() > 60_000 {
			t.Errorf("%s has %d bytes", match[1], info.Size())
		}
	}
}

// section replaces what stands between two marks of the document.
func section(t *testing.T, text, name, content string) string {
	t.Helper()
	begin, end := "<!-- "+name+" -->\n", "<!-- end -->\n"
	before, rest, ok := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no section %q", contractFile, name)
	}
	return before + begin + content + end + after
}

// fieldTable renders a schema for people: a line for each field, nested ones with their path.
func fieldTable(schema map[string]any) string {
	var b strings.Builder
	b.WriteString("| Field | Type | Must | Meaning |\n|---|---|---|---|\n")
	fieldRows(&b, "", schema)
	return b.String()
}

func fieldRows(b *strings.Builder, path string, schema map[string]any) {
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	for _, name := range slices.SortedFunc(maps.Keys(properties), func(x, y string) int {
		return slices.Index(fieldOrder, x) - slices.Index(fieldOrder, y)
	}) {
		field := properties[name].(map[string]any)
		must := ""
		if slices.Contains(required, any(name)) {
			must = "yes"
		}
		fmt.Fprintf(b, "| `%s%s` | %s | %s | %s |\n", path, name, fieldType(field), must, field["description"])
		if items, ok := field["items"].(map[string]any); ok {
			fieldRows(b, path+name+"[].", items)
		}
		fieldRows(b, path+name+".", field)
	}
}

// fieldOrder is that of the tables: a schema has none.
var fieldOrder = []string{
	"v", "gen", "id", "tv", "state", "app", "shown_gen", "event", "value", "command", "on", "kind", "title", "body", "room", "stay", "occupied",
	"guests", "salutation", "first", "last", "display", "lang", "dir", "vip", "group", "arrival", "departure", "tz", "dnd", "rights",
	"paytv", "adult", "bill", "checkout", "power_on", "wifi", "ssid", "user", "code", "template", "messages", "urgent", "result", "detail",
	"at", "created_at", "issued_at", "expires_at",
}

func fieldType(field map[string]any) string {
	switch {
	case field["const"] != nil:
		return fmt.Sprintf("`%v`", field["const"])
	case field["enum"] != nil:
		var words []string
		for _, word := range field["enum"].([]any) {
			words = append(words, fmt.Sprintf("`%v`", word))
		}
		return strings.Join(words, ", ")
	case field["format"] == "date-time":
		return "RFC 3339 time"
	case field["type"] == "array":
		return fmt.Sprintf("list, at most %v", field["maxItems"])
	case field["type"] == "string" && field["maxLength"] != nil:
		return fmt.Sprintf("text, at most %v", field["maxLength"])
	case field["type"] == "string":
		return "text"
	}
	return fmt.Sprint(field["type"])
}

// TestContractExamples validates every example of the document, and has the
// driver take those of the sets.
func TestContractExamples(t *testing.T) {
	source, err := os.ReadFile(contractFile)
	if err != nil {
		t.Fatal(err)
	}
	strict := readContract(t, true)
	seen := map[string]int{}
	h := newHouse()
	for _, match := range regexp.MustCompile("(?s)<!-- example of ([a-z]+) -->\n```json\n(.*?)\n```\n").FindAllStringSubmatch(string(source), -1) {
		name, payload := match[1], []byte(match[2])
		seen[name]++
		if err := strict.check(name, payload); err != nil {
			t.Errorf("the example of %s: %v\n%s", name, err, payload)
		}
		h.hear(heard{key: "101", tv: "101-tv1", name: name}, payload)
	}
	for _, name := range messageNames {
		if seen[name] == 0 {
			t.Errorf("the document has no example of %s", name)
		}
	}
	h.look("101", func(r *room) {
		tv := r.tvs["101-tv1"]
		if tv == nil || !tv.online || tv.shown == nil || *tv.shown != 272 {
			t.Fatalf("the driver does not take the example of state: %+v", tv)
		}
		var results []string
		for _, ack := range tv.acks {
			results = append(results, ack.Result)
		}
		if want := []string{"displayed", "cleared", "unsupported"}; !slices.Equal(results, want) {
			t.Errorf("the driver takes the examples of ack as %q, want %q", results, want)
		}
	})
	if got := <-h.events; got != (guestEvent{"101", "101-tv1", "language"}) {
		t.Errorf("the driver takes the example of event as %+v", got)
	}
}

func TestGoldenWelcomesKeepTheContract(t *testing.T) {
	strict := readContract(t, true)
	files, err := filepath.Glob("testdata/welcome/*.json")
	if err != nil || len(files) < 9 {
		t.Fatalf("%d golden files, error %v", len(files), err)
	}
	for _, file := range files {
		payload, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := strict.check("welcome", payload); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	d := still(t)
	yes := true
	for command, on := range map[string]*bool{"power": &yes, "mute": &yes, "wake": nil, "reload": nil} {
		if err := strict.check("command", d.commandText("id", command, on)); err != nil {
			t.Errorf("%s: %v", command, err)
		}
	}
}

// TestSchemasRefuse proves that the schemas are not merely fond of everything.
func TestSchemasRefuse(t *testing.T) {
	open := readContract(t, false)
	good := examples(t)
	good["state"] = []byte(`{"v":1,"state":"online","shown_gen":0}`)
	good["ack"] = []byte(`{"v":1,"id":"x","gen":272,"tv":"101-tv1","result":"displayed","at":"2026-03-28T14:00:01Z"}`)
	good["event"] = []byte(`{"v":1,"tv":"101-tv1","event":"language","value":"fr","at":"2026-03-28T14:00:01Z"}`)
	for _, tt := range []struct{ name, field, value string }{
		{"welcome", "v", "2"}, {"welcome", "gen", "0"}, {"welcome", "gen", "9007199254740992"}, {"welcome", "gen", "1.5"}, {"welcome", "guests", "[]"},
		{"welcome", "guests", `[{"last":"Smith"}]`}, {"welcome", "guests", `[{"display":"\u202eSmith"}]`}, {"welcome", "guests", `[{"display":"x","last":"\u2068Smith\u2069"}]`},
		{"welcome", "occupied", "false"}, {"welcome", "dir", `"up"`}, {"welcome", "lang", `"english language"`}, {"welcome", "dnd", "true"},
		{"welcome", "expires_at", `"tomorrow"`}, {"welcome", "expires_at", `"2026-03-28T14:00:00"`}, {"welcome", "rights", "{}"}, {"welcome", "wifi", `{"ssid":"x"}`},
		{"welcome", "group", `"a\nb"`}, {"message", "body", `""`}, {"message", "body", `"bell\u0007"`}, {"message", "kind", `"joke"`}, {"message", "stay", "null"},
		{"command", "command", `"explode"`}, {"command", "command", `"wake"`}, {"command", "on", "null"}, {"state", "state", `"asleep"`}, {"state", "shown_gen", "-1"},
		{"ack", "result", `"shown"`}, {"ack", "result", `"cleared"`}, {"ack", "detail", `"` + strings.Repeat("x", 201) + `"`}, {"ack", "tv", `"101/tv1"`},
		{"event", "event", `"smoke"`}, {"event", "event", `"bill_request"`}, {"event", "event", `"dnd"`},
	} {
		var doc map[string]json.RawMessage
		if err := json.Unmarshal(good[tt.name], &doc); err != nil {
			t.Fatal(err)
		}
		doc["unknown"] = json.RawMessage("1") // which everybody has to ignore
		if err := open.check(tt.name, mustEncode(t, doc)); err != nil {
			t.Errorf("%s is refused: %v", tt.name, err)
		}
		doc[tt.field] = json.RawMessage(tt.value)
		if open.check(tt.name, mustEncode(t, doc)) == nil {
			t.Errorf("a %s with %s %s is taken", tt.name, tt.field, tt.value)
		}
	}
	for _, name := range messageNames {
		if open.check(name, []byte(`{"v":1}`)) == nil {
			t.Errorf("a %s that holds nothing is taken", name)
		}
	}
}

func mustEncode(t *testing.T, doc any) []byte {
	t.Helper()
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestWireKeepsTheContract listens to everything that agent and sets say while
// a guest comes, does this and that, and goes.
func TestWireKeepsTheContract(t *testing.T) {
	strict := readContract(t, true)
	r := newRig(t, func(c *Config) { c.PowerOffCheckout, c.AckTimeout = true, 300*time.Millisecond })
	var mu sync.Mutex
	said := map[string]int{}
	listen := func(_ paho.Client, m paho.Message) {
		mu.Lock()
		defer mu.Unlock()
		at, ok := parseTopic("htl/v1/"+property, m.Topic())
		if !ok || at.key == checkKey || len(m.Payload()) == 0 {
			return
		}
		said[at.name]++
		if err := strict.check(at.name, m.Payload()); err != nil {
			t.Errorf("%s: %v\n%s", m.Topic(), err, m.Payload())
		}
	}
	access := r.broker.Access(tvsim.AgentUser)
	o := paho.NewClientOptions().AddBroker(access.URL).SetClientID("bench").SetUsername(access.Username).SetPassword(access.Password)
	client := paho.NewClient(o.SetProtocolVersion(4).SetAutoReconnect(false).SetDefaultPublishHandler(listen))
	if token := client.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Fatal(token.Error())
	}
	defer client.Disconnect(0)
	client.Subscribe("#", 1, nil).WaitTimeout(10 * time.Second)
	heard := func(name string, n int) {
		t.Helper()
		r.eventually(fmt.Sprintf("%d of %s", n, name), func() bool {
			mu.Lock()
			defer mu.Unlock()
			return said[name] >= n
		})
	}
	r.open()
	r.connected()
	tv := r.tv("101", "tv1")
	r.do(r.ledger.welcome("101", "s1", "Smith"))
	r.do(r.ledger.accept(actionMessage, "message:101", map[string]string{"room": "101", "stay": "s1", "body": "taxi\nsoon"}))
	r.do(r.ledger.accept(actionWake, "wake:101", map[string]string{"room": "101"}))
	r.do(r.ledger.accept(actionMute, "mute:101", map[string]string{"room": "101", "state": "on"}))
	for _, event := range []string{"bill_request", "checkout_request"} {
		tv.Act(event)
	}
	heard("event", 2)
	r.do(r.ledger.clear("101", "s1"))
	tv.Answer(tvsim.AcksNone)
	_, _ = r.driver.Do(r.ctx, r.ledger.welcome("101", "s2", "Jones")) // the set is told to reload
	tv.Unplug()
	for name, n := range map[string]int{"welcome": 3, "message": 1, "command": 4, "ack": 5, "state": 4} {
		heard(name, n)
	}
}
