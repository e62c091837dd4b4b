//go:build real

package realtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"edgeagent/hwsim"
)

// counter counts what costs a browser most on a page of many rooms: elements that are
// made, and formats of times, each of which loads the rules of a language. It also
// keeps the page's stream where a test can speak through it.
const counter = `window.made = 0; window.formats = 0;
const make = Document.prototype.createElement;
Document.prototype.createElement = function (...a) { window.made++; return make.apply(this, a); };
for (const name of ['toLocaleString', 'toLocaleDateString', 'toLocaleTimeString']) {
  const old = Date.prototype[name];
  Date.prototype[name] = function (...a) { window.formats++; return old.apply(this, a); };
}
const Format = Intl.DateTimeFormat;
Intl.DateTimeFormat = function (...a) { window.formats++; return new Format(...a); };
const Source = window.EventSource;
window.EventSource = class extends Source { constructor(...a) { super(...a); window.stream = this; } };`

// manyRooms is the size of a large hotel's house.
const manyRooms = 500

func isFull() string {
	return fmt.Sprintf(`document.querySelectorAll('#rooms-list li[data-id]').length === %d && document.querySelectorAll('#log-list li').length > 0`, manyRooms)
}

// cost is what a page has done so far.
type cost struct {
	Made, Formats int
	script        float64 // seconds of the page's main thread
}

func costs(p *tab) cost {
	p.t.Helper()
	c := value[cost](p, `({Made: window.made, Formats: window.formats})`)
	var answer struct {
		Metrics []struct {
			Name  string  `json:"name"`
			Value float64 `json:"value"`
		} `json:"metrics"`
	}
	p.call("Performance.getMetrics", nil, &answer)
	for _, m := range answer.Metrics {
		if m.Name == "ScriptDuration" {
			c.script = m.Value
		}
	}
	return c
}

func (c cost) since(before cost) cost {
	return cost{c.Made - before.Made, c.Formats - before.Formats, c.script - before.script}
}

func (c cost) String() string {
	return fmt.Sprintf("%d elements made, %d formats of times, %.3f s of script", c.Made, c.Formats, c.script)
}

// withoutKeys are rules for TVs and WiFi: to cut five hundred keys takes minutes.
const withoutKeys = `rules:
  - name: greet
    when: { event: room.occupied }
    do: [ { kind: iptv, action: welcome } ]
  - name: open the WiFi
    when: { event: [stay.checked_in, stay.updated] }
    do: [ { kind: wifi, action: ensure } ]
`

// fullHouse is a hotel whose rooms are all taken, and a tab that counts, with the page
// that has seen all guests come.
func fullHouse(t *testing.T) (h *hwsim.Hotel, guests []*hwsim.Stay, p *tab) {
	t.Helper()
	rooms := make([]string, 0, manyRooms)
	for n := range manyRooms {
		rooms = append(rooms, fmt.Sprint(1001+n))
	}
	var err error
	if h, err = hwsim.Open(hwsim.Options{Dir: t.TempDir(), Rooms: rooms, Rules: withoutKeys}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	startAgent(t, h)
	p = chromium(t, t.TempDir(), "").open("about:blank", 1024, 720)
	p.call("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": counter}, nil)
	p.call("Performance.enable", nil, nil)
	p.call("Page.navigate", map[string]any{"url": h.StatusURL + "/"}, nil)
	for n, room := range rooms {
		g := h.Guest("Mr", "A", fmt.Sprint("Guest", n), "en", 3)
		guests = append(guests, g)
		h.Desk().CheckIn(g, room)
	}
	settled(t, h)
	p.await("the house is full", isFull())
	return h, guests, p
}

// settled waits until the agent has done all that it was told.
func settled(t *testing.T, h *hwsim.Hotel) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if _, err := hwsim.Eventually(ctx, func() bool {
		s, err := h.Status(ctx)
		return err == nil && h.Heard(&s) && len(s.Open) == 0
	}); err != nil {
		t.Fatal("the agent does not come to an end")
	}
}

// TestPagesManyRooms: what a guest's news costs a page does not grow with the house.
func TestPagesManyRooms(t *testing.T) {
	h, guests, p := fullHouse(t)
	t.Logf("five hundred guests come: %v", costs(p))
	p.call("Page.navigate", map[string]any{"url": h.StatusURL + "/?again"}, nil)
	p.await("the house is shown again", `location.search === '?again' && `+isFull())
	loaded := costs(p)
	t.Logf("loading: %v", loaded)
	if loaded.Formats > 10 {
		t.Errorf("%d formats of times are made for %d rooms, and a few do", loaded.Formats, manyRooms)
	}

	value[bool](p, `(() => { window.touched = new Set();
		new MutationObserver((all) => { for (const m of all) { const li = (m.target.nodeType === 1 ? m.target : m.target.parentElement)?.closest('#rooms-list > li'); if (li) window.touched.add(li.dataset.id); } })
			.observe(document.getElementById('rooms-list'), {subtree: true, childList: true, characterData: true, attributes: true});
		return true; })()`)
	const changed = 20
	for i := range changed {
		h.Desk().Stretch(guests[i*7], 24*time.Hour)
		p.await("the extension is shown", fmt.Sprintf(`window.touched.has(%q)`, fmt.Sprint(1001+i*7)))
	}
	p.await("all is done", `document.getElementById('commands-list').children.length === 0`)
	twenty := costs(p).since(loaded)
	t.Logf("%d extensions: %v", changed, twenty)
	if twenty.Made > loaded.Made/2 {
		t.Errorf("%d extensions in %d rooms made %d elements; the whole page has %d", changed, manyRooms, twenty.Made, loaded.Made)
	}
	if n := value[int](p, `window.touched.size`); n != changed {
		t.Errorf("%d rooms were touched", n)
	}
	burst(p)
	selection(t, h, guests[0], p)
	p.calm()
}

// burst has many messages arrive at once: the page shows what is left of them.
func burst(p *tab) {
	p.t.Helper()
	const send = `(async (n) => {
		const room = (await (await fetch('api/status')).json()).rooms[0], before = window.made;
		for (let i = 1; i <= n; i++) stream.onmessage({data: JSON.stringify({parts: {rooms: {items: {[room.room]: {...room, guests: 100 + i}}}}})});
		for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
		if (!document.querySelector('#rooms-list li').textContent.includes(100 + n + ' guests')) return -1;
		return window.made - before;
	})`
	one, fifty := value[int](p, send+"(1)"), value[int](p, send+"(50)")
	p.t.Logf("one message: %d elements, fifty at once: %d", one, fifty)
	if one < 1 || fifty > 3*one {
		p.t.Errorf("fifty messages at once made %d elements, one %d", fifty, one)
	}
}

// selection: who copies a line of the log keeps it while others come.
func selection(t *testing.T, h *hwsim.Hotel, s *hwsim.Stay, p *tab) {
	t.Helper()
	text := value[string](p, `(() => { window.line = document.querySelector('#log-list li'); getSelection().selectAllChildren(line); return String(getSelection()); })()`)
	h.Desk().Stretch(s, 24*time.Hour)
	p.await("the log has more", `document.querySelector('#log-list li') !== window.line`)
	if got := value[string](p, `String(getSelection())`); got != text || text == "" {
		t.Errorf("selected was %q, and is %q", text, got)
	}
	if n := value[int](p, `document.getElementById('log-list').children.length`); n > 200 {
		t.Errorf("the log shows %d lines", n)
	}
}
