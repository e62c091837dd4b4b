package iptv

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"

	"edgeagent/internal/language"
)

func TestClean(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"spaces", "  a \t b\r\n c ", "a b c"},
		{"composed", "Mu\u0308ller", "Müller"},
		{"bidi controls", "\u202ab\u2066c\u2069d\u202e", "bcd"},
		{"markup stays text", "<b>&amp;", "<b>&amp;"},
		{"invalid", "a\xff\xfeb", "ab"},
		{"controls", "a\x00\x1b[31mb\u0085c", "a[31mb c"},
		{"separators", "a\u2028b", "a b"},
		{"emoji", "Zoë 👩‍👩‍👧", "Zoë 👩‍👩‍👧"},
		{"long", strings.Repeat("x", 80), strings.Repeat("x", 64)},
		{"marks are not torn off", strings.Repeat("x", 63) + "q\u0323\u0307" + "y", strings.Repeat("x", 63)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := clean(tt.in, maxName); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	if got := cleanBody("a \n b\u202e\n", maxBody); got != "a\nb" {
		t.Errorf("body %q", got)
	}
}

func FuzzClean(f *testing.F) {
	f.Add("Mu\u0308ller \u202e\x00")
	f.Fuzz(func(t *testing.T, in string) {
		got := clean(in, maxName)
		switch {
		case !utf8.ValidString(got), utf8.RuneCountInString(got) > maxName:
			t.Errorf("%q", got)
		case strings.ContainsFunc(got, unicode.IsControl), strings.ContainsFunc(got, isBidiControl):
			t.Errorf("%q holds controls", got)
		case !norm.NFC.IsNormalString(got):
			t.Errorf("%q is not composed", got)
		case clean(got, maxName) != got:
			t.Errorf("%q changes when cleaned again", got)
		}
	})
}

func TestDirection(t *testing.T) {
	for tag, want := range map[string]string{
		"en": "ltr", "ar": "rtl", "he-IL": "rtl", "fa": "rtl", "ur": "rtl", "ps": "rtl", "sd": "rtl", "ug": "rtl", "yi": "rtl",
		"dv": "rtl", "ckb": "rtl", "az-Arab": "rtl", "pa-Arab": "rtl", "sd-Deva": "ltr", "ar-Latn": "ltr", "nqo": "rtl", "ja": "ltr",
	} {
		if got := direction(language.MustParse(tag)); got != want {
			t.Errorf("%s: %s", tag, got)
		}
	}
	if textDirection("123 שלום") != "rtl" || textDirection("42") != "ltr" {
		t.Error("direction of a text")
	}
}

func TestTongue(t *testing.T) {
	d := still(t)
	for code, want := range map[string]string{"EA": "en", "GE": "de", "ea": "en", "fr": "fr", "pt-BR": "pt-BR", "": "de", "xx!": "de", "JA": "ja"} {
		if got := d.tongue(code).String(); got != want {
			t.Errorf("%q: %s, want %s", code, got, want)
		}
	}
}

func TestRoomKeys(t *testing.T) {
	d := still(t, func(c *Config) { c.Rooms = map[string][]string{"Royal": {"901", "902"}} })
	for room, want := range map[string]string{"101": "101", "12A": "12a", "Sea_View": "sea_view", "101/A": "101-a-", "101 A": "101-a-", "_agentcheck": "-agentcheck-", "Agent": "agent-"} {
		got := roomKey(room)
		if !slugPattern.MatchString(got) || got == checkKey || (got != want && (!strings.HasSuffix(want, "-") || !strings.HasPrefix(got, want))) {
			t.Errorf("%s: %s", room, got)
		}
	}
	if roomKey("101/A") == roomKey("101 A") {
		t.Error("two rooms share a key")
	}
	if got := d.keys("Royal"); len(got) != 2 {
		t.Errorf("suite: %v", got)
	}
}

func FuzzHear(f *testing.F) {
	f.Add("htl/v1/seaview/room/101/welcome", []byte(`{"v":1,"gen":3,"stay":"s"}`))
	f.Add("htl/v1/seaview/room/101/tv/101-tv1/ack", []byte(`{"v":1,"gen":3,"result":"displayed"}`))
	f.Add("htl/v1/seaview/room/101/tv/101-tv1/event", []byte(`{"v":1,"event":"message_read"}`))
	f.Add("htl/v1/seaview/room/101/tv/101-tv1/state", []byte(`{"state":"online","shown_gen":3}`))
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		h := newHouse()
		at, ok := parseTopic("htl/v1/seaview", topic)
		if !ok {
			return
		}
		for range 20 {
			h.hear(at, payload)
		}
		h.look(at.key, func(r *room) {
			v := r.judge(3, 0, 0)
			if len(v.confirmed)+len(v.pending)+len(v.stale)+len(v.refused) > len(r.tvs) {
				t.Errorf("verdict %+v of %d sets", v, len(r.tvs))
			}
		})
	})
}

// Of each letter its direction is that of the Unicode tables; a few, such as the
// modifier letter prime, have none there and go with the text around them.
func TestDirectionOfLetters(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.IsLetter(r) {
			continue
		}
		p, _ := bidi.LookupString(string(r))
		var want string
		switch p.Class() {
		case bidi.L:
			want = "ltr"
		case bidi.R, bidi.AL:
			want = "rtl"
		default:
			continue
		}
		if got := textDirection("1 " + string(r)); got != want {
			t.Errorf("%U: %s, want %s", r, got, want)
		}
	}
}
