package language

import (
	"strings"
	"testing"

	reference "golang.org/x/text/language"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"en": "en", "DE": "de", "pt_br": "pt-BR", "zh-hant-tw": "zh-Hant-TW", "es-419": "es-419", "en-UK": "en-GB",
		"iw": "he", "in": "id", "ji": "yi", "tl": "fil", "sh": "sr-Latn", "sh-Cyrl": "sr-Cyrl", "mo": "ro-MD", "mo-RO": "ro-RO",
		"deu": "de", "ger": "de", "chi": "zh", "NOR": "no", "zh-yue": "yue", "zh-cmn-Hans-CN": "cmn-Hans-CN",
		"de-1996": "de-1996", "ca-valencia": "ca-valencia", "en-us-u-hc-h12": "en-US-u-hc-h12", "de-AT-1996-x-a": "de-AT-1996-x-a",
		"und": "und", "und-Arab": "und-Arab",
	} {
		got, err := Parse(text)
		if err != nil || got.String() != want {
			t.Errorf("%s: %s, %v, want %s", text, got, err, want)
		}
		if again, err := Parse(got.String()); err != nil || again != got {
			t.Errorf("%s: reads back as %s, %v", text, again, err)
		}
		if ref, err := reference.Parse(text); err != nil || ref.String() != want {
			t.Errorf("%s: the reference has %s, %v", text, ref, err)
		}
	}
	for _, text := range []string{
		"", "-", "e", "xx", "xx!", "xyz", "english", "de-", "-de", "de--AT", "de-XY", "de-Abcd", "de-AT-CH", "de-u", "de-x", "de-u-a",
		"de-AT-Latn", "d\u00e9", "de-abcdefghi", "de-12", "zh-xyz",
	} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%q is read as %s", text, got)
		}
	}
}

// every calls f with every word of n small letters.
func every(n int, f func(string)) {
	if n == 0 {
		f("")
		return
	}
	every(n-1, func(word string) {
		for _, letter := range letters {
			f(word + string(letter))
		}
	})
}

// What the reference knows of a code, the tables know, except for languages that
// it knows no script for: those are not in use, or not written.
func TestLanguages(t *testing.T) {
	check := func(code string) {
		ref, err := reference.Parse(code)
		script, _ := ref.Script()
		known := err == nil && (script.String() != "Zzzz" || code == "und")
		got, err := Parse(code)
		switch {
		case (err == nil) != known:
			t.Errorf("%s: known is %v, want %v", code, err == nil, known)
		case known && code != "und" && (got.String() != ref.String() || got.Script() != script.String()):
			t.Errorf("%s: %s in %s, want %s in %s", code, got, got.Script(), ref, script)
		}
	}
	every(2, check)
	every(3, check)
}

func TestScripts(t *testing.T) {
	for script := range strings.FieldsSeq(strings.ToLower(scripts)) {
		for at := range script { // itself, and its neighbours
			for _, letter := range letters {
				code := script[:at] + string(letter) + script[at+1:]
				_, err := Parse("en-" + code)
				_, ref := reference.Parse("en-" + code)
				if private := code >= "qaaa" && code <= "qabx"; (err == nil) != (ref == nil) && !private {
					t.Errorf("%s: %v, the reference: %v", code, err, ref)
				}
			}
		}
	}
}

func TestRegions(t *testing.T) {
	every(2, func(code string) {
		got, err := Parse("en-" + code)
		ref, wrong := reference.Parse("en-" + code)
		private := strings.Contains("aa zz", code) || code >= "qm" && code <= "qz" && code != "qu" || code >= "xa" && code <= "xz" && code != "xk"
		switch {
		case private && err == nil:
			t.Errorf("%s is for private use", code)
		case !private && ((err == nil) != (wrong == nil) || err == nil && got.String() != ref.String()):
			t.Errorf("%s: %s, %v; the reference: %s, %v", code, got, err, ref, wrong)
		}
	})
}

// A language that is written otherwise somewhere is so here.
func TestScriptOfARegion(t *testing.T) {
	for code := range strings.FieldsSeq(languages) {
		if strings.HasSuffix(code, ":") || len(code) > 2 && !strings.Contains(elsewhere, code+"-") {
			continue // the rarer ones would take minutes
		}
		for region := range strings.FieldsSeq(regions) {
			got := MustParse(code + "-" + region).Script()
			want, _ := reference.MustParse(code + "-" + region).Script()
			if got != want.String() && want.String() != "Zzzz" {
				t.Errorf("%s-%s: %s, want %s", code, region, got, want)
			}
		}
	}
}

func TestWhatATagSays(t *testing.T) {
	for text, want := range map[string][3]string{
		"zh":       {"zh", "", "Hans"},
		"zh-TW":    {"zh", "", "Hant"},
		"sr-Latn":  {"sr", "Latn", "Latn"},
		"ar-EG":    {"ar", "", "Arab"},
		"und":      {"und", "", ""},
		"und-Hebr": {"und", "Hebr", "Hebr"},
	} {
		tag := MustParse(text)
		if got := [3]string{tag.Base(), tag.Named(), tag.Script()}; got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	if MustParse("en") != English || MustParse("und") != (Tag{}) {
		t.Error("tags that mean the same differ")
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"zh-Hant-TW", "de-AT-1996-x-a", "sh_ME", "en-u-hc-h12", "zh-yue", "d\u00e9"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tag, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(tag.String()); err != nil || again != tag {
			t.Errorf("%q is %s, which reads back as %s, %v", text, tag, again, err)
		}
		if script := tag.Script(); script == "" && tag.Base() != "und" {
			t.Errorf("%q is %s, in no script", text, tag)
		}
	})
}
