package iptv

import (
	"strings"
	"testing"

	"edgeagent/internal/language"
)

func book(t *testing.T) *phrasebook {
	t.Helper()
	b, err := readPhrases(greetings)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// bare takes the isolates off.
func bare(text string) string {
	return strings.NewReplacer(isolateOpen, "", isolateClose, "").Replace(text)
}

func TestGreetingsAreReadAndComplete(t *testing.T) {
	b := book(t)
	bases := map[string]bool{}
	for tag, m := range b.manners {
		bases[language.MustParse(tag).Base()] = true
		if b.speech(language.MustParse(tag)) != m {
			t.Errorf("%s is not found by its own tag", tag)
		}
		for _, text := range []string{m.hello, m.guest, m.welcome} {
			if lead := strings.Trim(text, "{}、 "); direction(language.MustParse(tag)) != textDirection(lead) {
				t.Errorf("%s is written %s, and says %q", tag, direction(language.MustParse(tag)), text)
			}
		}
	}
	if len(bases) < 40 {
		t.Errorf("only %d languages", len(bases))
	}
}

// One guest in every language: what stands for a title, the order of names,
// and which name goes with the title.
func TestFormsOfAddress(t *testing.T) {
	b := book(t)
	for _, tt := range []struct{ title, lang, style, display, greeting string }{
		{"Hr.", "en", StyleTitleLast, "Mr Ito", "Welcome, Mr Ito"},
		{"MR&MRS", "de", StyleTitleLast, "Herr und Frau Ito", "Herzlich willkommen, Herr und Frau Ito"},
		{"Ms", "de", StyleTitleLast, "Frau Ito", "Herzlich willkommen, Frau Ito"},
		{"Ms.", "fr", StyleTitleLast, "Madame Ito", "Bienvenue, Madame Ito"},
		{"Mlle", "fr", StyleTitleLast, "Mademoiselle Ito", "Bienvenue, Mademoiselle Ito"},
		{"Mlle", "nl", StyleTitleLast, "Mevrouw Ito", "Welkom – Mevrouw Ito"},
		{"Mme", "it", StyleTitleLast, "Signora Ito", "Un caloroso benvenuto – Signora Ito"},
		{"Frau Dr.", "es", StyleTitleLast, "Dra. Ito", "Nuestra más cordial bienvenida, Dra. Ito"},
		{"Frau Dr.", "de", StyleTitleLast, "Dr. Ito", "Herzlich willkommen, Dr. Ito"},
		{"Dra.", "es", StyleTitleLast, "Ito", "Nuestra más cordial bienvenida, Ito"}, // a miss in Romanian
		{"Commander", "en", StyleTitleLast, "Ito", "Welcome, Ito"},
		{"", "ja", StyleTitleLast, "Ito様", "Ito様、ようこそ"},
		{"Prof. Dr.", "zh", StyleFull, "Ito Ken教授", "欢迎您，Ito Ken教授"},
		{"Mr", "zh-TW", StyleTitleLast, "Ito先生", "歡迎您，Ito先生"},
		{"Mr", "zh-SG", StyleTitleLast, "Ito先生", "欢迎您，Ito先生"},
		{"Sig.ra", "hu", StyleFull, "Ito Ken asszony", "Üdvözöljük – Ito Ken asszony"},
		{"Fam.", "nl", StyleTitleLast, "Familie Ito", "Welkom – Familie Ito"},
		{"Mr", "fi", StyleTitleLast, "Herra Ito", "Tervetuloa – Herra Ito"},
		{"Г-жа", "en", StyleFull, "Mrs Ken Ito", "Welcome, Mrs Ken Ito"},
		// Titles of which the language has none, or the same for all.
		{"Mr", "is", StyleTitleLast, "Ken", "Velkomin, Ken"},
		{"Mrs", "tr", StyleTitleLast, "Sayın Ito", "Hoş geldiniz, Sayın Ito"},
		{"", "tr", StyleTitleLast, "Sayın Ito", "Hoş geldiniz, Sayın Ito"},
		// The given name goes with the title.
		{"Mr", "th", StyleTitleLast, "คุณKen", "ยินดีต้อนรับ คุณKen"},
		{"Mr", "th", StyleFull, "คุณKen Ito", "ยินดีต้อนรับ คุณKen Ito"},
		{"Mr", "vi", StyleTitleLast, "Ông Ken", "Chào mừng Ông Ken"},
		{"Mr", "vi", StyleFull, "Ông Ito Ken", "Chào mừng Ông Ito Ken"},
		{"", "id", StyleTitleLast, "Bapak/Ibu Ken", "Selamat datang, Bapak/Ibu Ken"},
		{"Mr", "nn", StyleTitleLast, "Herr Ito", "Velkommen – Herr Ito"},
		{"Mr", "sr", StyleTitleLast, "Господин Ito", "Добро дошли – Господин Ito"},
		{"Mr", "sr-Latn", StyleTitleLast, "Gospodin Ito", "Dobro došli – Gospodin Ito"},
		{"Mr", "pt-AO", StyleTitleLast, "Sr. Ito", "As nossas boas-vindas, Sr. Ito"},
		{"Mr", "pt-BR", StyleTitleLast, "Sr. Ito", "Nossas boas-vindas, Sr. Ito"},
		// No manners of its own: the property's, which is German here. That one
		// also stands in for a language in a script that its manners are not in.
		{"Mr", "mn", StyleTitleLast, "Herr Ito", "Herzlich willkommen, Herr Ito"},
		{"Mr", "ar-Latn", StyleTitleLast, "Herr Ito", "Herzlich willkommen, Herr Ito"},
		{"Mr", "ar-EG", StyleTitleLast, "السيد Ito", "أهلاً وسهلاً، السيد Ito"},
		// The other styles.
		{"Mr", "en", StyleFirst, "Ken", "Welcome, Ken"},
		{"Mr", "es", StyleNone, "Estimado huésped", "Nuestra más cordial bienvenida"},
	} {
		tag := language.MustParse(tt.lang)
		how := b.speech(tag, language.MustParse("de"))
		docs, greeting := b.address([]guest{{Title: tt.title, First: "Ken", Last: "Ito"}}, tag, language.MustParse("de"), how, tt.style)
		if len(docs) != 1 || bare(docs[0].Display) != tt.display || bare(greeting) != tt.greeting {
			t.Errorf("%s in %s, %s: %q and %q, want %q and %q", tt.title, tt.lang, tt.style, docs[0].Display, greeting, tt.display, tt.greeting)
		}
	}
	if b.speech(language.MustParse("mn"), language.MustParse("eo")) != b.manners["en"] {
		t.Error("English does not stand in at last")
	}
}

// What a style leaves out is nowhere in what the set gets.
func TestNameStyleLeavesNothingElse(t *testing.T) {
	b := book(t)
	for tag, m := range b.manners {
		for style, most := range map[string]int{StyleFull: 2, StyleTitleLast: 1, StyleFirst: 1, StyleNone: 0} {
			docs, greeting := b.address([]guest{{Title: "Mr", First: "Xaver", Last: "Qvist"}}, language.MustParse(tag), language.English, m, style)
			text := greeting
			for _, doc := range docs {
				text += doc.Salutation + doc.First + doc.Last + doc.Display
			}
			got := 0
			for _, name := range []string{"Xaver", "Qvist"} {
				if strings.Contains(text, name) {
					got++
				}
			}
			if got != most || (style == StyleFirst && strings.Contains(text, "Qvist")) || (style == StyleTitleLast && !m.givenFormal && strings.Contains(text, "Xaver")) {
				t.Errorf("%s, %s: %q", tag, style, text)
			}
		}
	}
}

func TestSeveralGuestsInOneLine(t *testing.T) {
	b := book(t)
	guests := []guest{{Title: "Mr", Last: "Ito"}, {Title: "Ms", Last: "Sato"}, {}}
	for lang, want := range map[string]string{
		"en": "Welcome, Mr Ito, Ms Sato", "ja": "Ito様、Sato様、ようこそ", "ar": "أهلاً وسهلاً، السيد Ito، السيدة Sato",
	} {
		tag := language.MustParse(lang)
		if _, got := b.address(guests, tag, language.English, b.speech(tag), StyleTitleLast); bare(got) != want {
			t.Errorf("%s: %q", lang, got)
		}
	}
	one, _ := b.address([]guest{{Title: "Mr", First: "Pelé"}}, language.English, language.English, b.speech(language.English), StyleTitleLast)
	if bare(one[0].Display) != "Mr Pelé" {
		t.Errorf("one name: %q", one[0].Display)
	}
	// A Latin name in an Arabic line cannot reorder it, nor the other way round.
	if _, got := b.address(guests[:1], language.MustParse("ar"), language.English, b.speech(language.MustParse("ar")), StyleTitleLast); !strings.HasSuffix(got, isolateOpen+"Ito"+isolateClose) {
		t.Errorf("%q", got)
	}
}

// Short words mean one thing here and another there: a priest, a nun and "sir"
// are no title that could be translated.
func TestWordsThatAreOnlyTakenAtHome(t *testing.T) {
	b := book(t)
	for _, tt := range []struct {
		word, guest, home string
		want              title
	}{
		{"Fr.", "de", "en", mrs}, {"Fr.", "en", "de-AT", mrs}, {"Fr.", "en", "fr", ""}, {"Fr.", "es", "es", ""},
		{"Sr.", "es-MX", "en", mr}, {"Sr.", "en", "es", mr}, {"Sr.", "de", "en", ""}, {"Sra.", "de", "en", mrs}, {"Hr. u. Fr.", "en", "en", couple},
		{"Drs.", "nl", "nl", ""}, {"Sir", "en", "en", ""}, {"Mr", "de", "de", mr},
	} {
		if got, _ := b.title(tt.word, language.MustParse(tt.guest), language.MustParse(tt.home)); got != tt.want {
			t.Errorf("%s for %s in %s is %q, want %q", tt.word, tt.guest, tt.home, got, tt.want)
		}
	}
}

const small = `[en]
order = given family
formal = last
mr = Mr {} | mr
mrs = Mrs {}
ms = Ms {}
miss = Miss {}
dr = Dr {}
prof = Prof. {}
couple = Mr & Mrs {}
family = {} family
neutral = {}
guest = Guest
welcome = Welcome, {}
hello = Welcome
`

func TestSlipsInGreetingsAreNamed(t *testing.T) {
	if _, err := readPhrases(small); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ old, with, want string }{
		{"miss = Miss {}\n", "", "line 1: the language before has no miss"},
		{"hello = Welcome\n", "", "line 1: the language before has no hello"},
		{"hello = Welcome", "hello = ", `line 15: "hello =" is no line of the form key = value`},
		{"mrs = Mrs {}", "mrs = Mrs", "line 5: mrs needs {} once, where the name goes"},
		{"neutral = {}", "neutral = {} {}", "line 12: neutral needs {} once, where the name goes"},
		{"mr = Mr {} | mr", "mr = Mr {} | Mr.", `line 4: "Mr." can never be found: write it in lower case, without dots`},
		{"mrs = Mrs {}", "mrs = Mrs {} | mr", `line 5: "mr" is mr already, and cannot be mrs too: leave it out of both`},
		{"formal = last", "formal = first", `line 3: formal is "last" or "given", not "first"`},
		{"guest = Guest", "gast = Guest", `line 13: "gast" is no key: see the top of the file`},
		{"guest = Guest", "guest = Guest\nguest = Guest", "line 14: guest stands here twice"},
		{"guest = Guest", "guest = Gue\u202est", "line 13: guest is no clean text: controls, or letters that are not composed"},
		{"[en]", "[en en]", "line 1: en has manners already"},
		{"[en]", "[english]", `line 1: "english" is no language tag, or not in the form that is looked for`},
		{"[en]", "[iw]", `line 1: "iw" is no language tag, or not in the form that is looked for`},
		{"[en]", "[]", "line 1: a language begins with its tags in brackets, such as [no nb nn]"},
		{"[en]", "[de]", "line 15: English is missing, which stands in for the rest"},
		{"[en]\n", "", "line 1: order stands before the first language"},
	} {
		_, err := readPhrases(strings.Replace(small, tt.old, tt.with, 1))
		if err == nil || err.Error() != tt.want {
			t.Errorf("%q for %q: %v", tt.with, tt.old, err)
		}
	}
}

func FuzzPhrases(f *testing.F) {
	f.Add(small)
	f.Add(greetings)
	f.Fuzz(func(t *testing.T, text string) {
		b, err := readPhrases(text)
		if err != nil {
			return
		}
		for tag, m := range b.manners {
			docs, greeting := b.address([]guest{{Title: "mr", First: "Ken", Last: "Ito"}}, language.MustParse(tag), language.English, m, StyleFull)
			if len(docs) != 1 || !strings.Contains(docs[0].Display, "Ito") || !strings.Contains(greeting, "Ito") {
				t.Errorf("%s: %q, %q", tag, docs, greeting)
			}
		}
	})
}
