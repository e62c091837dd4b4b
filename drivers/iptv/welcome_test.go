package iptv

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"edgeagent/drivers"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// still is a driver that never connects, at a fixed time.
func still(t *testing.T, edit ...func(*Config)) *Driver {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Broker: "tls://broker", Languages: map[string]string{"EA": "en", "ge": "de"}}
	for _, e := range edit {
		e(&cfg)
	}
	d, err := prepare("tvs", cfg, drivers.Site{Property: property, Zone: zone, Language: "de", Known: func(device, subject string) map[string]string {
		if device != "wifi" || subject != "stay:9f86d081884c7d65" {
			return nil
		}
		return map[string]string{"ssid": "Hotel", "code": "K7-QX"}
	}})
	if err != nil {
		t.Fatal(err)
	}
	d.now = func() time.Time { return time.Date(2026, 3, 28, 14, 0, 0, 0, time.UTC) }
	return d
}

func TestDocuments(t *testing.T) {
	base := map[string]string{
		"room": "101/A", "stay": "9f86d081884c7d65", "guests": `[{"title":"Hr.","first":"Jörg","last":"Müller"},{"title":"Mme","last":"Dupré"}]`,
		"language": "GE", "arrival": "2026-03-28T13:00:00Z", "departure": "2026-03-29T09:00:00Z",
	}
	for _, tt := range []struct {
		name   string
		config func(*Config)
		params map[string]string
	}{
		{"plain", nil, nil},
		{"everything", func(c *Config) { c.PowerOnCheckin, c.ShowWifi, c.Template = true, "wifi", "classic" }, map[string]string{
			"fresh": "true", "vip": "V2", "group": "Müller <b>&</b> Söhne", "rights": "paytv, bill",
		}},
		{"arabic", func(c *Config) { c.NameStyle = StyleFull }, map[string]string{
			"language": "ar", "guests": `[{"title":"MR","first":"Adam","last":"Smith"},{"title":"Mrs.","first":"Layla","last":"Haddad","alt_first":"ليلى","alt_last":"حداد"}]`,
		}},
		{"japanese", func(c *Config) { c.NameStyle = StyleFull }, map[string]string{
			"language": "ja", "guests": `[{"title":"Mr","first":"Taro","last":"Tanaka","alt_first":"太郎","alt_last":"田中"},{"first":"Hanako","last":"Sato"}]`,
		}},
		{"no names", func(c *Config) { c.NameStyle = StyleNone }, map[string]string{"language": "EA"}},
		{"first names", func(c *Config) { c.NameStyle = StyleFirst }, map[string]string{"language": "fr"}},
		{"hostile", nil, map[string]string{
			"language": "EA", "dnd": "true", "fresh": "true",
			"guests": `[{"title":"Dr.","last":"\u202eevil\u202c\u0007 <img src=x onerror=alert(1)>\u0000 ` + strings.Repeat("é🙂", 50) + `"},{"title":"Freiherr","last":"A\nB\tC"}]`,
		}},
		{"departed", nil, map[string]string{"departure": "2026-03-27T09:00:00Z"}},
		{"departure unknown", nil, map[string]string{"departure": "", "arrival": "", "guests": ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := tt.config
			if config == nil {
				config = func(*Config) {}
			}
			params := maps.Clone(base)
			maps.Copy(params, tt.params)
			doc, err := still(t, config).document(drivers.Command{Seq: 17, Params: params})
			if err != nil {
				t.Fatal(err)
			}
			doc.ID = "ID"
			golden(t, tt.name, doc.encode())
		})
	}
}

// The rule goes before the guest's tier, that before the group, and the hotel's
// own template comes last.
func TestTemplates(t *testing.T) {
	d := still(t, func(c *Config) {
		c.Template = "classic"
		c.TemplateByVIP = map[string]string{"V1": "gold"}
		c.TemplateByGroup = map[string]string{"Smith Wedding": "roses"}
	})
	for _, tt := range []struct{ vip, group, rule, want string }{
		{"", "", "", "classic"}, {"V9", "Other", "", "classic"},
		{"", "smith wedding ", "", "roses"}, {"v1", "", "", "gold"}, {"V1", "Smith Wedding", "", "gold"}, {"V1", "Smith Wedding", "plain", "plain"},
	} {
		doc, err := d.document(drivers.Command{Seq: 1, Params: map[string]string{
			"room": "1", "stay": "s", "vip": tt.vip, "group": tt.group, "template": tt.rule,
		}})
		if err != nil || doc.Template != tt.want {
			t.Errorf("%+v: %q, %v", tt, doc.Template, err)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	var text bytes.Buffer
	if err := json.Indent(&text, got, "", "  "); err != nil {
		t.Fatal(err)
	}
	text.WriteByte('\n')
	file := filepath.Join("testdata", "welcome", strings.ReplaceAll(name, " ", "_")+".json")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestDocumentRefusals(t *testing.T) {
	d := still(t)
	for _, tt := range []struct{ name, param, value, want string }{
		{"no stay", "stay", "", "refused: a welcome needs room and stay"},
		{"bad time", "departure", "tomorrow", "refused: departure is no RFC 3339 time"},
		{"bad guests", "guests", `{"last":"Secret"}`, "refused: guests are no JSON list of title, first and last"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			params := map[string]string{"room": "1", "stay": "s", tt.param: tt.value}
			_, err := d.document(drivers.Command{Seq: 1, Params: params})
			if !errors.Is(err, drivers.ErrRefused) || err.Error() != tt.want {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestSame(t *testing.T) {
	d := still(t, func(c *Config) { c.PowerOnCheckin = true })
	params := map[string]string{"room": "1", "stay": "s", "fresh": "true", "departure": "2026-03-29T09:00:00Z"}
	first, err := d.document(drivers.Command{Seq: 1, Params: params})
	if err != nil {
		t.Fatal(err)
	}
	params["fresh"] = "false"
	second, _ := d.document(drivers.Command{Seq: 2, Params: params})
	if held := readWelcome(first.encode()); !held.same(second) {
		t.Error("publications that differ only in gen, id, time and power_on count as different")
	}
	params["departure"] = "2026-03-30T09:00:00Z"
	if third, _ := d.document(drivers.Command{Seq: 3, Params: params}); third.same(second) {
		t.Error("another departure counts as the same")
	}
	if readWelcome([]byte(`{"v":2,"gen":9,"stay":"s"}`)).same(second) {
		t.Error("a document of another major counts as the same")
	}
}

func TestSizeLimit(t *testing.T) {
	d := still(t, func(c *Config) { c.NameStyle = StyleFull })
	guests := strings.TrimSuffix(strings.Repeat(`{"first":"`+strings.Repeat("𝔛", 64)+`","last":"`+strings.Repeat("𝔜", 64)+`"},`, 8), ",")
	doc, err := d.document(drivers.Command{Seq: 1, Params: map[string]string{"room": "1", "stay": "s", "guests": "[" + guests + "]"}})
	if err != nil {
		t.Fatal(err)
	}
	if size := len(doc.encode()); size > sizeGoal || len(doc.Guests) == 0 || len(doc.Guests) == 8 {
		t.Errorf("%d bytes, %d guests", size, len(doc.Guests))
	}
	if greeted := strings.Count(doc.Greeting, isolateOpen); greeted != len(doc.Guests) {
		t.Errorf("%d guests are greeted, and %d are on the screen", greeted, len(doc.Guests))
	}
}

func TestDocumentIsAcceptedByStrictSets(t *testing.T) {
	r := newRig(t, func(c *Config) { c.NameStyle = StyleFull })
	r.open()
	r.connected()
	tv := r.tv("101", "tv1")
	for _, language := range append(sortedKeys(r.driver.phrases.manners), "mn", "nonsense") {
		r.do(r.ledger.welcome("101", "s-"+language, "\u202eO'Neil <b>\u0301\u0007", "language", language))
		if got := shownName(tv); !strings.Contains(got, "O'Neil <b>") {
			t.Errorf("%s: shows %q", language, got)
		}
		if got := tv.Shown().Greeting; !strings.Contains(got, shownName(tv)) {
			t.Errorf("%s: greets with %q", language, got)
		}
	}
}

// TestGenIsExactInABrowser takes the numbers that the store really gives: it
// begins with the microseconds of its first day. JavaScript rounds above 2^53.
func TestGenIsExactInABrowser(t *testing.T) {
	d := still(t)
	params := map[string]string{"room": "1", "stay": "s"}
	for year := 2026; year <= 2040; year++ {
		seq := time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC).UnixMicro()
		first, err := d.document(drivers.Command{Seq: seq, Params: params})
		if err != nil {
			t.Fatal(err)
		}
		next, err := d.document(drivers.Command{Seq: seq + 1, Params: params})
		if err != nil {
			t.Fatal(err)
		}
		if first.Gen < 1 || next.Gen != first.Gen+revisions || next.Gen+revisions > 1<<53-1 {
			t.Errorf("in %d gen goes from %d to %d", year, first.Gen, next.Gen)
		}
	}
}
