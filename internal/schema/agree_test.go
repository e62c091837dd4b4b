package schema

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"edgeagent/internal/config"
)

// The schema and check must agree. A validator that others wrote reads the schema
// as editors do.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := JSON()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("property.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("property.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// read is a YAML text as an editor sees it.
func read(t *testing.T, text []byte) (any, error) {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	plain, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return jsonschema.UnmarshalJSON(strings.NewReader(string(plain)))
}

// What is sound has no squiggle under it.
func TestGoodFilesFitTheSchema(t *testing.T) {
	s := compiled(t)
	files := []string{"../../docs/property.sample.yaml"}
	table, err := os.ReadFile("../../rules/default.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{file: string(text), file + " with the rules that ship": string(text) + "\n" + string(table), file + " with the settings in comments": uncommented(string(text))} {
			doc, err := read(t, []byte(text))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if err := s.Validate(doc); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// uncommented is the sample with settings that are there as comments.
func uncommented(text string) string {
	for _, key := range []string{"language", "check_in", "check_out", "store", "log", "freshness_window", "patience", "baud", "eject", "want_uid", "name_style", "show_wifi", "grace", "site",
		"devices_per_guest", "grace_after_departure", "dialect", "token_url", "stream_url", "key_mode", "from_offset_type", "rotate", "bootstrap"} {
		text = regexp.MustCompile(`(?m)^( *)# (`+key+`:)`).ReplaceAllString(text, "$1$2")
	}
	return text
}

// Of the files that check refuses the schema finds those whose shape, words or
// keys are wrong; what it finds, check refuses too.
func TestBadFilesAndTheSchema(t *testing.T) {
	s := compiled(t)
	files, err := filepath.Glob("../config/testdata/bad/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := read(t, text)
		if err != nil || s.Validate(doc) != nil {
			found++
		}
	}
	if found < 30 {
		t.Errorf("an editor would warn of %d of %d bad files only", found, len(files))
	}
	t.Logf("an editor would warn of %d of %d bad files", found, len(files))
}

// everything is a file with every section, as JSON, which is YAML too.
func everything(t *testing.T) map[string]any {
	t.Helper()
	const text = `{
"property": {"id": "seaview", "timezone": "Europe/Lisbon", "desk": "lobby"},
"log": {"level": "info"},
"pms": [
 {"name": "inspire", "inspire": {"dialect": "inspire", "enterprise_id": "S", "chain_code": "S", "client_id": "c", "client_secret_file": "s", "app_key_file": "s", "hotel_code": "S",
  "grant_type": "client_credentials", "key_mode": "base64", "from_offset_type": "number", "bootstrap": "live", "rotate": "auto", "chain_scope": "shared"}},
 {"name": "mews", "mews": {"client_token_file": "s", "access_token_file": "s", "close_old_as": "error", "devices": [{"mews": "front", "device": "lobby"}]}}],
"devices": [
 {"name": "lobby", "keycard": {"protocol": "salto", "address": "192.0.2.1:1", "encoder": "E", "eject": "eject",
  "panel": {"lamp": {"line": "GPIO1", "active": "high"}, "buzzer": {"line": "GPIO2", "active": "high"},
   "card_switch": {"line": "GPIO3", "active": "low", "pull": "up"}, "relay": {"line": "GPIO4", "active": "high"}}}},
 {"name": "vision", "keycard": {"protocol": "vingcard", "port": "/dev/null", "encoder": "1", "vingcard": {"user_type": "Guest"}}},
 {"name": "module", "keycard": {"protocol": "pn532", "port": "/dev/zero", "pn532": {"signing_key_file": "s", "overwrite": "ours"}}},
 {"name": "tvs", "iptv": {"broker": "tls://b:1", "name_style": "full",
  "bridges": [{"name": "b", "publish": [{"on": "message", "topic": "x/${key}", "text": "hello"}]}]}},
 {"name": "wifi", "wifi": {"controller": "unifi", "url": "https://192.0.2.20", "api_key_file": "s", "tls": {"system": true}}},
 {"name": "freeradius", "wifi": {"controller": "radius", "radius": {"database": {"kind": "mysql", "address": "127.0.0.1:3306", "user": "u", "password_file": "s"},
  "nas": [{"address": "192.0.2.30", "secret_file": "s"}]}}}],
"rules": [{"name": "r", "when": {"event": "stay.checked_in"}, "do": [{"kind": "iptv", "action": "welcome"}]}]}`
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// places say where in that file the section of a type is.
var places = map[string][]any{
	"internal/config.File": {}, "internal/config.Property": {"property"}, "internal/config.Log": {"log"},
	"internal/config.PMS": {"pms", 0}, "pms/inspire.Config": {"pms", 0, "inspire"}, "pms/mews.Config": {"pms", 1, "mews"}, "pms/mews.Cutter": {"pms", 1, "mews", "devices", 0},
	"internal/config.Device": {"devices", 0}, "drivers/keycard.Config": {"devices", 0, "keycard"}, "drivers/keycard.VingCard": {"devices", 1, "keycard", "vingcard"},
	"drivers/keycard.PN532": {"devices", 2, "keycard", "pn532"}, "drivers/keycard/panel.Lamp": {"devices", 0, "keycard", "panel", "lamp"},
	"drivers/keycard/panel.Buzzer": {"devices", 0, "keycard", "panel", "buzzer"}, "drivers/keycard/panel.CardSwitch": {"devices", 0, "keycard", "panel", "card_switch"},
	"drivers/keycard/panel.Relay": {"devices", 0, "keycard", "panel", "relay"}, "drivers/iptv.Config": {"devices", 3, "iptv"}, "drivers/iptv.BridgeMessage": {"devices", 3, "iptv", "bridges", 0, "publish", 0}, "drivers/wifi.Config": {"devices", 4, "wifi"},
	"drivers/wifi.Radius": {"devices", 5, "wifi", "radius"}, "drivers/wifi.RadiusDatabase": {"devices", 5, "wifi", "radius", "database"}, "drivers/wifi.RadiusNAS": {"devices", 5, "wifi", "radius", "nas", 0},
	"rules.Rule": {"rules", 0}, "rules.Step": {"rules", 0, "do", 0},
}

// section finds the section of a type.
func section(t *testing.T, doc map[string]any, name string) map[string]any {
	t.Helper()
	path, ok := places[name]
	if !ok {
		t.Fatalf("no place for %s", name)
	}
	var at any = doc
	for _, step := range path {
		switch step := step.(type) {
		case string:
			at = at.(map[string]any)[step]
		case int:
			at = at.([]any)[step]
		}
	}
	return at.(map[string]any)
}

// judge gives what check says of a file's shape, and what the schema says.
func judge(t *testing.T, s *jsonschema.Schema, doc map[string]any) (check []string, schema error) {
	t.Helper()
	text, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	_, problems := config.Parse("property.yaml", text)
	for _, p := range problems {
		if !p.Warning && !p.Missing {
			check = append(check, p.Message)
		}
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return check, s.Validate(value)
}

func TestTablesAgreeWithCheck(t *testing.T) {
	s := compiled(t)
	if check, schema := judge(t, s, everything(t)); len(check) > 0 || schema != nil {
		t.Fatalf("the sound file: %q, %v", check, schema)
	}
	for name, keys := range required {
		for _, key := range keys {
			doc := everything(t)
			delete(section(t, doc, name), key)
			if check, schema := judge(t, s, doc); len(check) == 0 || schema == nil {
				t.Errorf("without %s of %s: check %q, schema %v", key, name, check, schema)
			}
		}
	}
	for name, keys := range exactlyOne {
		doc := everything(t)
		had := ""
		for _, key := range keys {
			if section(t, doc, name)[key] != nil {
				had = key
			}
			delete(section(t, doc, name), key)
		}
		if check, schema := judge(t, s, doc); len(check) == 0 || schema == nil {
			t.Errorf("%s without %s: check %q, schema %v", name, keys, check, schema)
		}
		doc = everything(t)
		other := keys[(slices.Index(keys, had)+1)%len(keys)]
		section(t, doc, name)[other] = map[string]any{}
		if name == "rules.Step" {
			section(t, doc, name)[other] = "lobby"
		}
		if check, schema := judge(t, s, doc); len(check) == 0 || schema == nil {
			t.Errorf("%s with %s and %s: check %q, schema %v", name, had, other, check, schema)
		}
	}
}

var quoted = regexp.MustCompile(`write one of:? ([a-z0-9_, ]+)`)

// Each word that the schema offers is taken by check, and any other refused; where
// check lists the words, the schema has the same.
func TestWordsAgreeWithCheck(t *testing.T) {
	s := compiled(t)
	for path, words := range enums {
		dot := strings.LastIndex(path, ".")
		name, key := path[:dot], path[dot+1:]
		about := func(check []string, word string) []string {
			return slices.DeleteFunc(check, func(m string) bool { return !strings.Contains(m, fmt.Sprintf("%q", word)) })
		}
		doc := everything(t)
		section(t, doc, name)[key] = "perhaps"
		check, schema := judge(t, s, doc)
		if len(about(check, "perhaps")) == 0 || schema == nil {
			t.Errorf("%s: perhaps: check %q, schema %v", path, check, schema)
		}
		for _, m := range about(check, "perhaps") {
			if list := quoted.FindStringSubmatch(m); list != nil {
				told := strings.Split(strings.TrimSpace(list[1]), ", ")
				slices.Sort(told)
				if !slices.Equal(told, slices.Sorted(slices.Values(words))) {
					t.Errorf("%s: check takes %q, the schema %q", path, told, words)
				}
			}
		}
		for _, word := range words {
			doc := everything(t)
			section(t, doc, name)[key] = word
			if check, _ := judge(t, s, doc); len(about(check, word)) > 0 {
				t.Errorf("%s: %s: check %q", path, word, check)
			}
		}
	}
}
