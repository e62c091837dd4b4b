package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"edgeagent/internal/config"
)

// Whatever is answered, the file has the right shape, and in it what was answered.
func TestEveryInterviewMakesASoundFile(t *testing.T) {
	common := answers{"name": `Hotel "It's: #1"`, "id": "sea", "timezone": "Europe/Lisbon", "token-url": "https://h/t", "stream-url": "wss://h/s", "enterprise-id": "S", "chain-code": "0101",
		"hotel-code": "no", "client-id": "c", "pms-ca-file": ""}
	links := []answers{{"pms": "inspire"}, {"pms": "ohip"}, {"pms": "mews"}, {"pms": "mews", "platform-url": "https://api.mews-demo.com", "socket-url": "wss://ws.mews-demo.com"}}
	encoders := []answers{{"encoder": none}, {"encoder": "/dev/null", "protocol": "onity", "encoder-name": "2"}, {"encoder": "h:1", "protocol": "salto", "encoder-name": "E: 1"},
		{"encoder": "/dev/null", "protocol": "vingcard", "encoder-name": "1", "user-type": "Single Room"}}
	tvs := []answers{{"tv": none}, {"tv": "tls://b:8883", "tv-user": "agent"}, {"tv": "tcp://127.0.0.1:1883", "tv-user": none}}
	pin := strings.Repeat("0f", 32)
	wifis := []answers{{"wifi": none}, {"wifi": "unifi", "wifi-url": "https://h", "wifi-user": none, "wifi-pin": pin}, {"wifi": "unifi", "wifi-url": "https://h:8443", "wifi-user": "u", "wifi-pin": pin},
		{"wifi": "mikrotik", "wifi-url": "https://h", "wifi-user": "u", "wifi-pin": pin}, {"wifi": "nomadix", "wifi-url": "http://h:1111", "wifi-user": none},
		{"wifi": "omada", "wifi-url": "https://h", "omada-id": "0123456789abcdef0123456789abcdef", "omada-client": "c", "wifi-pin": pin}, {"wifi": "opnsense", "wifi-url": "https://h", "wifi-server": "vouchers", "wifi-pin": pin},
		{"wifi": "radius", "radius-database": "mysql", "radius-address": "10.0.0.5:3306", "radius-name": "radius", "radius-user": "agent", "radius-pin": pin, "radius-nas": "10.0.0.2"},
		{"wifi": "radius", "radius-database": "postgres", "radius-address": "/run/postgresql/.s.PGSQL.5432", "radius-name": "radius", "radius-user": "agent", "radius-nas": none}}
	n := 0
	for _, link := range links {
		for _, encoder := range encoders {
			for _, tv := range tvs {
				for _, wifi := range wifis {
					a := maps.Clone(common)
					for _, part := range []answers{link, encoder, tv, wifi} {
						maps.Copy(a, part)
					}
					text := propertyText(a)
					l, problems := config.Parse("property.yaml", []byte(text))
					if n++; problems.Wrong() {
						t.Fatalf("%v\n%s%s", a, problems.Render(), text)
					}
					if l.Property.Name != a["name"] || len(l.Devices) == 0 != (a["encoder"] == none && a["tv"] == none && a["wifi"] == none) || strings.ContainsAny(text, "%") {
						t.Fatalf("%v\n%s", a, text)
					}
				}
			}
		}
	}
	t.Logf("%d files", n)
}

func TestSlugOf(t *testing.T) {
	for name, want := range map[string]string{"Hotel Sea View": "sea-view", "Hôtel Au Lac": "au-lac", "The Grand": "grand", "Hotel": "hotel", "sea_view": "sea_view", "Zur Post (München)": "zur-post-munchen", "!!!": ""} {
		if got := slugOf(name); got != want {
			t.Errorf("%q: %q, not %q", name, got, want)
		}
	}
}

// Each question of the interview that has an answer has a place in the form, and
// each place a question.
func TestFormAndQuestions(t *testing.T) {
	places := map[string]bool{}
	for _, at := range place.FindAllStringSubmatch(propertyForm, -1) {
		places[at[1]] = true
	}
	for _, q := range slices.Concat(questions(), pageQuestions()) {
		if q.secret == "" && !places[q.flag] && parts[q.flag] == nil {
			t.Errorf("no place in the form for --%s", q.flag)
		}
		if q.secret != "" && !strings.Contains(propertyForm, "_file: "+q.secret+"\n") {
			t.Errorf("the form does not name the file %s", q.secret)
		}
		delete(places, q.flag)
	}
	for flag := range places {
		t.Errorf("no question for {%s}", flag)
	}
	for line := range strings.Lines(propertyForm) {
		if part, ok := strings.CutPrefix(line, "%"); ok && parts[strings.TrimSpace(part)] == nil {
			t.Errorf("no part %q", part)
		}
	}
}
