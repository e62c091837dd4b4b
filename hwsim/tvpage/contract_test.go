//go:build real

package tvpage

import (
	"encoding/json"
	"maps"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// asker runs the page's own script of the contract outside of a browser. It
// reads pairs of a name and a welcome, and prints what the set answers.
const asker = `
const {Glass} = new Function(process.argv[1] + ';return {Glass};')();
const answers = {};
for (const [name, doc] of Object.entries(JSON.parse(require('fs').readFileSync(0, 'utf8')))) {
  const ack = new Glass().welcome(new TextEncoder().encode(JSON.stringify(doc)), true, true)[0];
  answers[name] = ack.result + ': ' + (ack.detail || '');
}
const glass = new Glass(), bytes = (doc) => new TextEncoder().encode(JSON.stringify(doc));
const base = JSON.parse(process.argv[2]);
glass.welcome(bytes(Object.assign({}, base, {gen: 9})), true, true);
answers['late of another'] = glass.welcome(bytes(Object.assign({}, base, {gen: 8, stay: 't'})), true, false)[0].result + ': ';
answers['late of the same'] = glass.welcome(bytes(Object.assign({}, base, {gen: 8})), true, true)[0].result + ': ';
answers['first of another'] = glass.welcome(bytes(Object.assign({}, base, {gen: 8, stay: 't'})), true, true)[0].result + ': ';
console.log(JSON.stringify(answers));`

// TestPageKeepsTheContract holds documents against the page that break the
// contract in one thing each: it must draw none of them.
func TestPageKeepsTheContract(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("there is no node; realtest/install brings it")
	}
	scripts := regexp.MustCompile(`(?s)<script>(.*?)</script>`).FindAllStringSubmatch(string(page), -1)
	base := map[string]any{
		"v": 1, "gen": 10, "id": "i", "room": "101", "stay": "s", "occupied": true, "guests": []any{map[string]any{"display": "x"}},
		"lang": "de", "dir": "ltr", "tz": "Europe/Berlin", "dnd": false, "power_on": false,
		"rights":    map[string]any{"paytv": false, "adult": false, "bill": false, "checkout": false},
		"issued_at": "2026-01-01T00:00:00Z", "expires_at": "2096-01-01T00:00:00Z",
	}
	note := map[string]any{"id": "a", "kind": "info", "body": "b\nc", "lang": "en", "dir": "ltr", "created_at": "2026-01-01T00:00:00Z"}
	guest := func(key string, value any) []any { return []any{map[string]any{"display": "x", key: value}} }
	docs, wants := map[string]any{}, map[string]string{
		"late of another": "stale: ", "late of the same": "stale: ", "first of another": "displayed: ",
	}
	for _, tt := range []struct {
		field string
		value any // nil: the field is missing
		want  string
	}{
		{"unknown", 1, "displayed: "},
		{"messages", []any{note}, "displayed: "},
		{"group", "a\u202egnp.exe", "rejected: group is not fit for a screen"},
		{"group", strings.Repeat("x", 65), "rejected: group is not fit for a screen"},
		{"room", "\u2069101", "rejected: room is not fit for a screen"},
		{"wifi", map[string]any{"ssid": "a\u202eb", "code": "1"}, "rejected: wifi.ssid is not fit for a screen"},
		{"wifi", map[string]any{"ssid": "a", "code": "1\u0007"}, "rejected: wifi.code is not fit for a screen"},
		{"wifi", map[string]any{"ssid": "a", "code": "1", "user": "\u2067"}, "rejected: wifi.user is not fit for a screen"},
		{"wifi", map[string]any{"ssid": "", "code": "1"}, "rejected: wifi lacks ssid or code"},
		{"dnd", nil, "rejected: dnd is neither true nor false"},
		{"dnd", "false", "rejected: dnd is neither true nor false"},
		{"power_on", nil, "rejected: power_on is neither true nor false"},
		{"rights", nil, "rejected: rights is missing"},
		{"rights", map[string]any{}, "rejected: rights.paytv is neither true nor false"},
		{"guests", []any{}, "rejected: guests is no list of 1 to 8"},
		{"guests", guest("first", 5), "rejected: first of a guest is not fit for a screen"},
		{"guests", guest("display", "a\nb"), "rejected: display of a guest is not fit for a screen"},
		{"guests", guest("display", "\u2068a\u2029b\u2069"), "rejected: display of a guest is not fit for a screen"},
		{"guests", guest("display", strings.Repeat("a", 257)), "rejected: display of a guest is not fit for a screen"},
		{"arrival", 5, "rejected: arrival is no time"},
		{"tz", "Local", "rejected: tz is no zone name"},
		{"lang", "german!", "rejected: lang is no BCP 47 tag"},
		{"messages", []any{map[string]any{"id": "a", "body": "b"}}, "rejected: kind of a message is missing"},
	} {
		doc := maps.Clone(base)
		if doc[tt.field] = tt.value; tt.value == nil {
			delete(doc, tt.field)
		}
		text, err := json.Marshal(tt.value)
		if err != nil {
			t.Fatal(err)
		}
		name := tt.field + " " + string(text)
		docs[name], wants[name] = doc, tt.want
	}
	first, err := json.Marshal(base)
	if err != nil {
		t.Fatal(err)
	}
	all, err := json.Marshal(docs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, "-e", asker, scripts[1][1], string(first))
	cmd.Stdin = strings.NewReader(string(all))
	out, err := cmd.Output()
	var got map[string]string
	if err != nil || json.Unmarshal(out, &got) != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, want := range wants {
		if got[name] != want {
			t.Errorf("%.80s: %q, want %q", name, got[name], want)
		}
	}
}
