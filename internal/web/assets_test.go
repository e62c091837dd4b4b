package web

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var pageFiles = map[string]string{"index.html": indexHTML, "app.js": appJS, "house.js": houseJS, "view.js": viewJS, "style.css": styleCSS, "icon.svg": iconSVG}

func TestPageIsSmall(t *testing.T) {
	sum := 0
	for _, text := range pageFiles {
		sum += len(text)
	}
	if sum >= 60_000 || sum < 10_000 {
		t.Errorf("the page has %d bytes", sum)
	}
}

// No request leaves the machine, nothing is inline, and text never becomes markup.
func TestPageIsStrict(t *testing.T) {
	for name, text := range pageFiles {
		text = strings.ReplaceAll(text, "http://www.w3.org/2000/svg", "")
		for what, pattern := range map[string]string{
			"an address elsewhere": `(?i)(https?:)?//[a-z0-9.-]+\.[a-z]{2,}`,
			"inline style":         `(?i)\sstyle\s*=|<style`,
			"an inline handler":    `(?i)\son[a-z]+\s*=\s*["']`,
			"an inline script":     `(?i)<script(>|[^>]*>[^<])`,
			"markup from text":     `innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\b|new Function|\.style\b|srcdoc`,
		} {
			if found := regexp.MustCompile(pattern).FindString(text); found != "" {
				t.Errorf("%s has %s: %s", name, what, found)
			}
		}
	}
}

// The ids that tests hold on to are there, each once, and each label has its field.
func TestPageKeepsItsIDs(t *testing.T) {
	comment := indexHTML[strings.Index(indexHTML, "<!--"):strings.Index(indexHTML, "-->")]
	body := strings.Replace(indexHTML, comment, "", 1)
	var ids []string
	for _, m := range regexp.MustCompile(`\sid="([^"]+)"`).FindAllStringSubmatch(body, -1) {
		if slices.Contains(ids, m[1]) {
			t.Errorf("the id %s stands twice", m[1])
		}
		ids = append(ids, m[1])
	}
	promised := regexp.MustCompile(`#([a-z][a-z-]*[a-z])`).FindAllStringSubmatch(comment, -1)
	if len(promised) < 30 {
		t.Errorf("only %d ids are promised", len(promised))
	}
	for _, m := range promised {
		if !slices.Contains(ids, m[1]) {
			t.Errorf("there is no #%s", m[1])
		}
	}
	for _, name := range []string{"conditions", "waits", "commands", "links", "devices", "rooms", "events"} {
		for _, id := range []string{name + "-list", name + "-count", name + "-title"} {
			if !slices.Contains(ids, id) {
				t.Errorf("there is no #%s", id)
			}
		}
	}
	for _, m := range regexp.MustCompile(`(?:for|aria-labelledby)="([^"]+)"|\$\("([^"]+)"\)|href="#([^"]+)"`).FindAllStringSubmatch(body+appJS+houseJS, -1) {
		if id := m[1] + m[2] + m[3]; !slices.Contains(ids, id) {
			t.Errorf("#%s is meant, and is not there", id)
		}
	}
	for _, field := range regexp.MustCompile(`<(?:input|select|textarea)[^>]*\sid="([^"]+)"`).FindAllStringSubmatch(body, -1) {
		if !strings.Contains(body, `<label for="`+field[1]+`"`) {
			t.Errorf("#%s has no label", field[1])
		}
	}
}

// Both looks have the contrast that WCAG 2.1 asks for at AA: 4.5 for text, 3 for
// what shows where a field or the keyboard is.
func TestContrast(t *testing.T) {
	for i, look := range regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(styleCSS, -1) {
		colour := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]+)`).FindAllStringSubmatch(look[1], -1) {
			colour[m[1]] = luminance(t, m[2])
		}
		if len(colour) < 15 {
			t.Fatalf("%d colours in look %d", len(colour), i)
		}
		for _, pair := range []struct {
			front, back string
			least       float64
		}{
			{"text", "back", 4.5}, {"text", "card", 4.5}, {"quiet", "back", 4.5}, {"quiet", "card", 4.5}, {"link", "back", 4.5}, {"link", "card", 4.5},
			{"on-main", "main", 4.5}, {"ok", "ok-back", 4.5}, {"warn", "warn-back", 4.5}, {"bad", "bad-back", 4.5}, {"bad", "back", 4.5},
			{"bad", "card", 4.5}, {"warn", "back", 4.5}, {"ok", "card", 4.5}, {"edge", "card", 3}, {"edge", "back", 3}, {"focus", "back", 3}, {"focus", "card", 3},
		} {
			a, b := colour[pair.front], colour[pair.back]
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < pair.least {
				t.Errorf("look %d: %s on %s has %.2f, and needs %.1f", i, pair.front, pair.back, ratio, pair.least)
			}
		}
	}
}

// luminance is that of a colour, as WCAG computes it.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) == 4 {
		hex = "#" + strings.Repeat(hex[1:2], 2) + strings.Repeat(hex[2:3], 2) + strings.Repeat(hex[3:4], 2)
	}
	n, err := strconv.ParseUint(hex[1:], 16, 32)
	if err != nil || len(hex) != 7 {
		t.Fatalf("colour %q", hex)
	}
	sum := 0.0
	for i, weight := range []float64{0.0722, 0.7152, 0.2126} {
		c := float64(n>>(8*i)&0xff) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
