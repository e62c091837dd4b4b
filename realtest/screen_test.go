//go:build real

package realtest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim"
	"edgeagent/hwsim/tvsim"
)

// greeting is a guest, and what the reference TV has to show of him.
type greeting struct {
	picture, room, title, last, language string
	welcome, name, direction             string
}

var greetings = []greeting{
	{"english", "101", "Ms", "Whitfield", "EN", "Welcome", "Ms \u2068Whitfield\u2069", "ltr"},
	{"german", "102", "Mr", "Müller-Lüdenscheidt", "DE", "Willkommen", "Herr \u2068Müller-Lüdenscheidt\u2069", "ltr"},
	{"arabic", "103", "Mr", "O'Connor", "AR", "أهلاً وسهلاً", "السيد \u2068O'Connor\u2069", "rtl"},
	{"japanese", "104", "Mr", "田中", "JA", "ようこそ", "\u2068田中\u2069様", "ltr"},
	{"emoji", "105", "Mrs", "\u202eKöhler 🌻\u2066👩🏽‍🚀", "EN", "Welcome", "Mrs \u2068Köhler 🌻👩🏽‍🚀\u2069", "ltr"},
	{"markup", "106", "Dr", "<img src=x onerror=alert(1)><b>O'Neil", "EN", "Welcome", "Dr \u2068<img src=x onerror=alert(1)><b>O'Neil\u2069", "ltr"},
}

func greetedRooms() []string {
	var rooms []string
	for _, g := range greetings {
		rooms = append(rooms, g.room)
	}
	return rooms
}

// screenHotel is a hotel with the real agent on a real broker that browsers reach.
func screenHotel(t *testing.T) (h *hwsim.Hotel, m *mosquitto, page func(room string) string) {
	t.Helper()
	rooms := greetedRooms()
	m = newMosquitto(t, setAccess, rooms...)
	broker := m.webDoor(rooms...)
	h = openHotel(t, native(t), hwsim.Options{Rooms: rooms, Broker: m, Identity: m.identity()})
	startAgent(t, h)
	m.awaitWeb(broker)
	return h, m, servePage(t, broker)
}

func namesText(text string) string {
	return `document.getElementById('names').textContent === ` + quote(text)
}

// TestReferenceTVGreets has each guest check in before the eyes of a browser,
// and check out again.
func TestReferenceTVGreets(t *testing.T) {
	h, m, page := screenHotel(t)
	b := chromium(t, t.TempDir(), m.ca.file("server.crt"))
	stays, tabs := map[string]*hwsim.Stay{}, map[string]*tab{}
	for i, g := range greetings {
		stays[g.room] = h.Guest(g.title, "", g.last, g.language, 2)
		if i%2 == 1 { // the others see it come
			h.Desk().CheckIn(stays[g.room], g.room)
			eventually(t, "the hotel's own set greets in "+g.room, func() (bool, string) { return !h.TV(g.room).Shown().Vacant(), "nothing" })
		}
		tabs[g.room] = b.open(page(g.room), 1920, 1080)
		tabs[g.room].untilConnected()
		if i%2 == 0 {
			h.Desk().CheckIn(stays[g.room], g.room)
		}
	}
	for _, g := range greetings {
		p := tabs[g.room]
		p.until(g.picture, namesText(g.name))
		p.until(g.picture+": WiFi code", `document.querySelector('#code bdi').textContent !== ''`)
		look(t, p, g)
	}
	// The agent took the browser's word for it, beside that of the room's own set.
	eventually(t, "a check-in is shown on both sets", func() (bool, string) {
		s, err := h.Status(t.Context())
		if err != nil {
			return false, err.Error()
		}
		for _, c := range s.Recent {
			if c.Note == "shown on 2 TVs" {
				return true, c.Note
			}
		}
		return false, "no such receipt"
	})
	checkOuts(t, h, stays, tabs)
}

// look holds a page against what it should show, and takes its pictures.
func look(t *testing.T, p *tab, g greeting) {
	t.Helper()
	for what, expression := range map[string]string{
		"welcome":                     `document.getElementById('welcome').textContent === ` + quote(g.welcome),
		"direction of the page":       `getComputedStyle(document.body).direction === ` + quote(g.direction),
		"direction of the name":       `getComputedStyle(document.querySelector('#names li')).direction === ` + quote(g.direction),
		"language":                    `document.documentElement.lang === ` + quote(strings.ToLower(g.language)),
		"one guest":                   `document.querySelectorAll('#names li').length === 1`,
		"text, not markup":            `document.querySelectorAll('main img, main b').length === 0`,
		"departure":                   `document.querySelector('#departure bdi').textContent !== ''`,
		"WiFi network":                `document.querySelector('#ssid bdi').textContent === 'Sea View Guest'`,
		"no right, no button":         `document.getElementById('bill').hidden && document.getElementById('checkout').hidden`,
		"nothing beyond a 1080p edge": `document.documentElement.scrollWidth <= 1920 && document.documentElement.scrollHeight <= 1080`,
	} {
		if !value[bool](p, expression) {
			t.Errorf("%s: %s is not so", g.picture, what)
		}
	}
	// The name begins at the edge where the line begins.
	type box struct{ Left, Right float64 }
	name := value[box](p, `(() => { const r = document.createRange(); r.selectNodeContents(document.querySelector('#names li')); const b = r.getBoundingClientRect(); return {Left: b.left, Right: b.right}; })()`)
	if rightmost := name.Right > 1920*0.9; rightmost != (g.direction == "rtl") {
		t.Errorf("%s: the name stands from %.0f to %.0f", g.picture, name.Left, name.Right)
	}
	p.picture("tv-" + g.picture)
	p.resize(960, 540)
	p.picture("tv-" + g.picture + "-half")
	p.resize(360, 740)
	if width := value[int](p, `document.documentElement.scrollWidth`); width > 360 {
		t.Errorf("%s: %d pixels wide on a screen of 360", g.picture, width)
	}
	p.picture("tv-" + g.picture + "-narrow")
	p.resize(1920, 1080)
	p.calm()
}

// checkOuts measures from the desk's hand to the dark screen: through the PMS's
// stream, the agent's store, the broker and the browser.
func checkOuts(t *testing.T, h *hwsim.Hotel, stays map[string]*hwsim.Stay, tabs map[string]*tab) {
	t.Helper()
	var took []time.Duration
	for _, g := range greetings {
		p, from := tabs[g.room], time.Now()
		h.Desk().CheckOut(stays[g.room])
		p.until(g.picture+" is gone", `document.body.dataset.state === 'vacant'`)
		if text := value[string](p, `shown[shown.length - 1].text`); text != "" {
			t.Errorf("%s: the last that stood there is %q", g.picture, text)
		}
		at := value[int64](p, `shown[shown.length - 1].at`)
		took = append(took, time.UnixMilli(at).Sub(from.Truncate(time.Millisecond)))
		if value[bool](p, `document.documentElement.textContent.includes(`+quote(g.last[len(g.last)-6:])+`)`) && g.picture != "markup" {
			t.Errorf("%s: something of the name is left in the page", g.picture)
		}
		p.calm()
	}
	slices.Sort(took)
	t.Logf("check-out at the desk to a dark screen, %d times: median %v, longest %v", len(took), took[len(took)/2], took[len(took)-1])
	if worst := took[len(took)-1]; worst > time.Second {
		t.Errorf("a screen took %v to clear", worst)
	}
}

// TestUnpluggedDuringCheckOut takes the power from a set that greets, and gives
// it back when the guest has gone: same set, same disk.
func TestUnpluggedDuringCheckOut(t *testing.T) {
	h, m, page := screenHotel(t)
	profile := t.TempDir()
	b := chromium(t, profile, m.ca.file("server.crt"))
	guest := h.Guest("Ms", "", "Whitfield", "EN", 2)
	h.Desk().CheckIn(guest, "101")
	p := b.open(page("101"), 1920, 1080)
	p.until("the guest is greeted", namesText("Ms \u2068Whitfield\u2069"))
	watch := m.listen(tvsim.AgentUser, "bench-watch", root+"/room/101/#")
	defer watch.hangUp()

	b.kill()
	eventually(t, "the broker publishes the set's will", func() (bool, string) {
		text := m.Retained(root + "/room/101/tv/101-web/state")[root+"/room/101/tv/101-web/state"]
		return string(text) == `{"v":1,"state":"offline"}`, string(text)
	})
	h.Desk().CheckOut(guest)
	eventually(t, "the broker retains no welcome", func() (bool, string) {
		held := m.Retained(root + "/room/101/welcome")
		return len(held) == 0, "one"
	})

	p = chromium(t, profile, m.ca.file("server.crt")).open(page("101"), 1920, 1080)
	p.untilConnected()
	if state := value[string](p, `document.body.dataset.state`); state != "waiting" && state != "vacant" {
		t.Errorf("after the boot the room is %s", state)
	}
	p.until("silence means vacant", `document.body.dataset.state === 'vacant'`)
	p.picture("after-unplugged-check-out")
	for _, text := range value[[]string](p, `shown.map((one) => one.text)`) {
		if text != "" {
			t.Errorf("after the boot the page showed %q", text)
		}
	}
	p.calm()
	cleared := false
	for _, msg := range watch.upTo(watch, root+"/room/101/message") {
		cleared = cleared || strings.HasSuffix(msg.Topic(), "/101-web/ack") && strings.Contains(string(msg.Payload()), `"gen":0,"result":"cleared"`)
	}
	if !cleared {
		t.Error("the set did not say that it is clear")
	}
	// And it is not deaf: the next guest is greeted.
	h.Desk().CheckIn(h.Guest("Mr", "", "Okafor", "EN", 1), "101")
	p.until("the next guest is greeted", namesText("Mr \u2068Okafor\u2069"))
}
