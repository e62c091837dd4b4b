//go:build real

package realtest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// browse opens a page as a person does: in a browser that knows nothing of it.
func browse(b *browser, address string) *tab {
	b.t.Helper()
	p := b.open(address, 1024, 720)
	p.await("the page is there", `document.readyState === 'complete' && document.querySelector('h1') !== null`)
	return p
}

// await waits until an expression is true in the page, for as long as a device
// may take that is first away and then back.
func (p *tab) await(what, expression string) {
	p.t.Helper()
	eventually(p.t, what, func() (bool, string) {
		ok, err := evaluate[bool](p, expression)
		seen, _ := evaluate[string](p, `(document.querySelector('main') || document.body).innerText`)
		return ok && err == nil, fmt.Sprint(err, "\n", seen)
	})
}

// press clicks on an element where a hand would, once it lies there open to it: not
// outside the window, and nothing above it.
func (p *tab) press(element string) {
	p.t.Helper()
	p.await(element+" can be pressed", `(() => {
		const e = `+element+`;
		if (!e || e.disabled) return false;
		e.scrollIntoView({block: 'center', behavior: 'instant'});
		const r = e.getBoundingClientRect();
		window.hand = {X: r.x + r.width / 2, Y: r.y + r.height / 2};
		return e.contains(document.elementFromPoint(hand.X, hand.Y));
	})()`)
	type place struct{ X, Y float64 }
	at := value[place](p, `window.hand`)
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		p.call("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": 1}, nil)
	}
}

// key presses a key for whatever has the keyboard.
func (p *tab) key(name, text string, code int) {
	p.t.Helper()
	for _, kind := range []string{"keyDown", "keyUp"} {
		event := map[string]any{"type": kind, "key": name, "code": name, "windowsVirtualKeyCode": code}
		if kind == "keyDown" && text != "" {
			event["text"] = text
		}
		p.call("Input.dispatchKeyEvent", event, nil)
	}
}

func (p *tab) enter()  { p.t.Helper(); p.key("Enter", "\r", 13) }
func (p *tab) escape() { p.t.Helper(); p.key("Escape", "", 27) }

// write puts a text into a field, in the place of what is there.
func (p *tab) write(field, text string) {
	p.t.Helper()
	value[bool](p, `(() => { const e = `+field+`; e.focus(); e.select(); return true; })()`)
	p.call("Input.insertText", map[string]any{"text": text}, nil)
}

// choose takes the first choice of a list whose text begins like that.
func (p *tab) choose(list, text string) {
	p.t.Helper()
	p.await(list+" offers "+text, `(() => {
		const e = `+list+`, o = [...e.options].find((o) => o.text.startsWith(`+quote(text)+`));
		if (!o) return false;
		e.value = o.value;
		e.dispatchEvent(new Event('change', {bubbles: true}));
		return true;
	})()`)
}

// element and named are expressions: the first element that fits a selector, and
// the first button in it with that text.
func element(selector string) string { return `document.querySelector(` + quote(selector) + `)` }

func named(within, text string) string {
	return `[...document.querySelectorAll(` + quote(within+" button") + `)].find((b) => b.textContent.trim() === ` + quote(text) + `)`
}

// has is the expression that an element's text has all of these.
func has(selector string, texts ...string) string {
	parts := []string{`(` + element(selector) + `?.textContent ?? '')`}
	expression := `((text) => true`
	for _, text := range texts {
		expression += ` && text.includes(` + quote(text) + `)`
	}
	return expression + `)` + parts[0]
}

// askedFor is the address in what DevTools tells of a request or of a socket.
func askedFor(params json.RawMessage) string {
	var sent struct {
		URL     string `json:"url"`
		Request struct {
			URL string `json:"url"`
		} `json:"request"`
	}
	if err := json.Unmarshal(params, &sent); err != nil {
		return err.Error()
	}
	return sent.URL + sent.Request.URL
}

// stayedHere says that the page has asked nobody but this machine.
func (p *tab) stayedHere() {
	p.t.Helper()
	value[int](p, "1")
	if len(p.asked) == 0 {
		p.t.Error("no request was seen at all")
	}
	for _, address := range p.asked {
		if u, err := url.Parse(address); err != nil || u.Hostname() != "127.0.0.1" {
			p.t.Errorf("the page asked for %s", address)
		}
	}
}

// fits says that nothing of the page is beyond the edge of a narrow phone.
func (p *tab) fits(name string) {
	p.t.Helper()
	p.resize(360, 740)
	if wide := value[int](p, `document.documentElement.scrollWidth`); wide > 360 {
		widest := value[[]string](p, `[...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.tagName + '#' + e.id + '.' + e.className).slice(0, 5)`)
		p.t.Errorf("%s is %d pixels wide on a screen of 360: %v", name, wide, widest)
	}
	p.picture(name + "-narrow")
}

// accessible has axe-core look at a page, light and dark, wide and narrow. It
// looks from a tab of its own, where the page's rules let axe-core in; prepare
// brings the page to what is looked at, nil for nothing to do.
func accessible(b *browser, address, name string, prepare func(p *tab)) {
	t := b.t
	t.Helper()
	axe, err := os.ReadFile(filepath.Join("..", "bin", "tools", "axe.min.js"))
	if err != nil {
		t.Fatalf("%v: run realtest/install", err)
	}
	p := b.open("about:blank", 1024, 720)
	defer p.close()
	p.call("Page.setBypassCSP", map[string]any{"enabled": true}, nil)
	p.call("Page.navigate", map[string]any{"url": address}, nil)
	p.await(name+" is there", `document.readyState === 'complete' && document.querySelector('h1') !== null`)
	if prepare != nil {
		prepare(p)
	}
	value[bool](p, string(axe)+"\ntrue")
	for _, scheme := range []string{"light", "dark"} {
		p.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
		p.resize(1024, 720)
		axeRun(p, name+", "+scheme)
		p.picture(name + "-" + scheme)
		p.fits(name + "-" + scheme)
		axeRun(p, name+", "+scheme+", narrow")
	}
	p.stayedHere()
}

// axeRun reports what axe-core says keeps somebody out.
func axeRun(p *tab, name string) {
	p.t.Helper()
	type verdict struct {
		Passed   int
		Violates []string
	}
	from := time.Now()
	found := value[verdict](p, `axe.run(document).then((r) => ({
		Passed: r.passes.length,
		Violates: r.violations.map((v) => v.id + ': ' + v.help + ': ' + v.nodes.map((n) => n.target.join(' ') + ' ' + n.failureSummary).slice(0, 3).join('; ')),
	}))`)
	if found.Passed < 10 {
		p.t.Errorf("%s: axe-core has looked at %d rules only", name, found.Passed)
	}
	for _, text := range found.Violates {
		p.t.Errorf("%s: %s", name, strings.Join(strings.Fields(text), " "))
	}
	p.t.Logf("%s: axe-core passes %d rules in %v", name, found.Passed, time.Since(from).Round(time.Millisecond))
}

// operatorLink is what edgeagent page prints.
func operatorLink(t *testing.T, file string) string {
	t.Helper()
	return strings.TrimSpace(runs(t, nil, native(t)[0], "page", "--config", file))
}
