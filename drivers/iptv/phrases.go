package iptv

import (
	_ "embed"
	"fmt"
	"strings"

	"edgeagent/internal/language"
)

// title is a form of address, whatever language the PMS wrote it in.
type title string

// The titles that are recognised.
const (
	mr        title = "mr"
	mrs       title = "mrs"
	ms        title = "ms"
	miss      title = "miss"
	doctor    title = "dr"
	woman     title = "dra" // a doctor known to be one
	professor title = "prof"
	couple    title = "couple"
	family    title = "family"
)

// needed are the titles that every language has; woman may be left out.
var needed = []title{mr, mrs, ms, miss, doctor, professor, couple, family}

// manners is how a language addresses and greets guests. In a pattern, {} is the name.
type manners struct {
	titles map[title]string
	// neutral addresses a guest without a known title.
	neutral string
	// guest stands where no name is shown at all.
	guest string
	// welcome greets the guests, hello those who are not named; list parts them.
	welcome, hello, list string
	// familyFirst puts the family name before the given name.
	familyFirst bool
	// givenFormal says that a title goes with the given name.
	givenFormal bool
}

// phrasebook is what greetings.txt says.
type phrasebook struct {
	manners map[string]*manners // by BCP 47 tag
	words   map[string]title    // titles as PMSs spell them: lower case, no dots, single spaces
	near    map[nearWord]title  // those that mean it among speakers of their language only
}

// nearWord is a word in one language, by its BCP 47 base.
type nearWord struct{ base, word string }

//go:embed greetings.txt
var greetings string

// speech finds the manners of the first tag that has any: as the tag stands,
// with its script, or of its language in the same script. English has some.
func (b *phrasebook) speech(tags ...language.Tag) *manners {
	for _, tag := range append(tags, language.English) {
		base := tag.Base()
		names := []string{tag.String(), base + "-" + tag.Script()}
		if tag.Script() == language.MustParse(base).Script() {
			names = append(names, base)
		}
		for _, name := range names {
			if m := b.manners[name]; m != nil {
				return m
			}
		}
	}
	return &manners{neutral: "{}", welcome: "{}"}
}

// title finds the title that a PMS has written, where those languages are spoken.
func (b *phrasebook) title(text string, spoken ...language.Tag) (title, bool) {
	word := normalTitle(text)
	for _, tag := range spoken {
		if known, ok := b.near[nearWord{tag.Base(), word}]; ok {
			return known, true
		}
	}
	known, ok := b.words[word]
	return known, ok
}

func normalTitle(text string) string {
	text = strings.ReplaceAll(strings.ToLower(text), ".", " ")
	return strings.Join(strings.Fields(text), " ")
}

// bookReader reads the form that greetings.txt explains at its top.
type bookReader struct {
	book  *phrasebook
	now   *manners
	given map[string]bool // keys of the section
	began int             // its line
	bases []string        // the languages of its tags
}

// readPhrases reads a phrase book. It forgives nothing: an error names the line.
func readPhrases(text string) (*phrasebook, error) {
	r := &bookReader{book: &phrasebook{manners: map[string]*manners{}, words: map[string]title{}, near: map[nearWord]title{}}}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := r.line(line, number); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if err := r.end(); err != nil {
		return nil, fmt.Errorf("line %d: %w", r.began, err)
	}
	if r.book.manners["en"] == nil {
		return nil, fmt.Errorf("line %d: English is missing, which stands in for the rest", number)
	}
	return r.book, nil
}

func (r *bookReader) line(line string, number int) error {
	if tags, ok := strings.CutPrefix(line, "["); ok {
		if err := r.end(); err != nil {
			return err
		}
		r.began = number
		return r.begin(tags)
	}
	key, value, ok := strings.Cut(line, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	switch {
	case !ok || value == "":
		return fmt.Errorf("%q is no line of the form key = value", line)
	case r.now == nil:
		return fmt.Errorf("%s stands before the first language", key)
	case r.given[key]:
		return fmt.Errorf("%s stands here twice", key)
	case clean(value, len(line)) != value:
		return fmt.Errorf("%s is no clean text: controls, or letters that are not composed", key)
	}
	r.given[key] = true
	return r.set(key, value)
}

func (r *bookReader) begin(text string) error {
	tags, ok := strings.CutSuffix(text, "]")
	if !ok || len(strings.Fields(tags)) == 0 {
		return fmt.Errorf("a language begins with its tags in brackets, such as [no nb nn]")
	}
	r.now, r.given = &manners{titles: map[title]string{}, list: ","}, map[string]bool{}
	r.bases = nil
	for name := range strings.FieldsSeq(tags) {
		tag, err := language.Parse(name)
		if err != nil || tag.String() != name {
			return fmt.Errorf("%q is no language tag, or not in the form that is looked for", name)
		}
		if r.book.manners[name] != nil {
			return fmt.Errorf("%s has manners already", name)
		}
		r.book.manners[name] = r.now
		r.bases = append(r.bases, tag.Base())
	}
	return nil
}

func (r *bookReader) set(key, value string) error {
	m := r.now
	switch key {
	case "order":
		return choose(&m.familyFirst, key, value, "given family", "family given")
	case "formal":
		return choose(&m.givenFormal, key, value, "last", "given")
	case "guest":
		m.guest = value
	case "hello":
		m.hello = value
	case "list":
		m.list = value
	case "neutral":
		m.neutral = value
		return onePlace(key, value)
	case "welcome":
		m.welcome = value
		return onePlace(key, value)
	default:
		return r.form(title(key), value)
	}
	return nil
}

func choose(into *bool, key, value, no, yes string) error {
	if value != no && value != yes {
		return fmt.Errorf("%s is %q or %q, not %q", key, no, yes, value)
	}
	*into = value == yes
	return nil
}

func onePlace(key, pattern string) error {
	if strings.Count(pattern, "{}") != 1 {
		return fmt.Errorf("%s needs {} once, where the name goes", key)
	}
	return nil
}

// form takes a form of address and the words that PMSs use for it.
func (r *bookReader) form(t title, value string) error {
	known := t == woman
	for _, other := range needed {
		known = known || t == other
	}
	if !known {
		return fmt.Errorf("%q is no key: see the top of the file", t)
	}
	pattern, words, listed := strings.Cut(value, "|")
	r.now.titles[t] = strings.TrimSpace(pattern)
	if err := onePlace(string(t), pattern); err != nil || !listed {
		return err
	}
	for word := range strings.SplitSeq(words, ",") {
		word, near := strings.CutSuffix(strings.TrimSpace(word), "*")
		if other, taken := r.book.words[word]; taken && other != t {
			return fmt.Errorf("%q is %s already, and cannot be %s too: leave it out of both", word, other, t)
		}
		if word == "" || normalTitle(word) != word {
			return fmt.Errorf("%q can never be found: write it in lower case, without dots", word)
		}
		if !near {
			r.book.words[word] = t
			continue
		}
		for _, base := range r.bases {
			r.book.near[nearWord{base, word}] = t
		}
	}
	return nil
}

// end closes a language: nothing may be missing from it.
func (r *bookReader) end() error {
	if r.now == nil {
		return nil
	}
	for _, t := range needed {
		if r.now.titles[t] == "" {
			return fmt.Errorf("the language before has no %s", t)
		}
	}
	for _, key := range []string{"order", "formal", "neutral", "guest", "welcome", "hello"} {
		if !r.given[key] {
			return fmt.Errorf("the language before has no %s", key)
		}
	}
	if r.now.titles[woman] == "" {
		r.now.titles[woman] = r.now.titles[doctor]
	}
	return nil
}
