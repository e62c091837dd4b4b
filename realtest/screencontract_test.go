//go:build real

package realtest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/tvsim"
)

// TestReferenceTVKeepsTheContract goes through the checklist of the contract.
func TestReferenceTVKeepsTheContract(t *testing.T) {
	s, _, _ := newStage(t)
	s.says("state", map[string]any{"state": "online", "shown_gen": 0})
	s.says("ack", map[string]any{"result": "cleared", "gen": 0, "id": nil})
	s.page.until("the room is vacant", `document.body.dataset.state === 'vacant'`)

	s.welcome(100, "unknown", map[string]any{"x": 1})
	s.says("ack", map[string]any{"result": "displayed", "gen": 100, "id": "id100", "tv": "101-web"})
	s.says("state", map[string]any{"shown_gen": 100})
	s.shows("Mr \u2068Smith\u2069")
	s.refuses()
	s.welcome(101, "guests", display("Mr \u2068Smythe\u2069"))
	s.says("ack", map[string]any{"result": "displayed", "gen": 101})
	s.shows("Mr \u2068Smythe\u2069")

	s.welcome(102, "expires_at", time.Now().Add(-time.Second).Format(time.RFC3339))
	s.says("ack", map[string]any{"result": "stale", "gen": 102, "detail": "expired"})
	s.says("state", map[string]any{"shown_gen": 0})
	s.welcome(102)
	s.says("ack", map[string]any{"result": "stale", "gen": 102, "detail": "gen is not newer"})

	s.vacate()
	s.says("ack", map[string]any{"result": "cleared", "gen": 102})
	s.welcome(7) // after a clear any will do
	s.says("ack", map[string]any{"result": "displayed", "gen": 7})
	s.command("c1", "reload")
	s.says("ack", map[string]any{"result": "received", "id": "c1"})
	s.says("ack", map[string]any{"result": "displayed", "gen": 7})
	s.vacate()
	s.says("ack", map[string]any{"result": "cleared", "gen": 7})
	s.command("c2", "reload")
	s.says("ack", map[string]any{"result": "received", "id": "c2"})
	s.says("ack", map[string]any{"result": "cleared", "gen": 0}) // by silence
	s.standby()
	s.crowd()
	s.page.calm()
}

// refuses sends what must change nothing, while gen 100 stands.
func (s *stage) refuses() {
	s.t.Helper()
	const override = "display of a guest is not fit for a screen"
	for i, tt := range []struct {
		result, detail string
		pairs          []any
	}{
		{"stale", "gen is not newer", []any{"gen", 100}},
		{"stale", "gen is not newer", []any{"gen", 99}},
		{"unsupported", "unknown major version", []any{"v", 2}},
		{"rejected", "id, room or stay is missing", []any{"stay", nil}},
		{"rejected", "gen is not positive", []any{"gen", "200"}},
		{"rejected", "gen is not positive", []any{"gen", 1e17}},
		{"rejected", "occupied is not true; vacant is the empty payload", []any{"occupied", false}},
		{"rejected", "dir is neither ltr nor rtl", []any{"dir", "up"}},
		{"rejected", "guests is no list of 1 to 8", []any{"guests", nil}},
		{"rejected", override, []any{"guests", display("\u202eSmith")}},
		{"rejected", override, []any{"guests", display("\u2068Smith")}},
		{"rejected", override, []any{"guests", display("Smith\u2069")}},
		{"rejected", override, []any{"guests", display("Smith\u0007")}},
		{"rejected", "a guest is no object", []any{"guests", []any{nil}}},
		{"rejected", "guests is no list of 1 to 8", []any{"guests", []any{}}},
		{"rejected", "group is not fit for a screen", []any{"group", "a\u202eb"}},
		{"rejected", "dnd is neither true nor false", []any{"dnd", "false"}},
		{"rejected", "power_on against do-not-disturb", []any{"power_on", true, "dnd", true}},
		{"rejected", "lang is no BCP 47 tag", []any{"lang", "english language"}},
		{"rejected", "tz is no zone name", []any{"tz", "Europe/Atlantis"}},
		{"rejected", "lang is no BCP 47 tag", []any{"lang", nil}},
		{"rejected", "wifi lacks ssid or code", []any{"wifi", map[string]any{"ssid": "x"}}},
		{"rejected", "body of a message is not fit for a screen", []any{"messages", []any{map[string]any{"id": "x"}}}},
		{"rejected", "departure is no time", []any{"departure", "noon"}},
		{"rejected", "issued_at is no time", []any{"issued_at", nil}},
		{"rejected", "expires_at is no time", []any{"expires_at", "2099-01-01T00:00:00"}},
		{"rejected", "larger than 16 KiB", []any{"template", strings.Repeat("x", 17<<10)}},
	} {
		id := fmt.Sprint("bad", i)
		s.welcome(200, append([]any{"id", id}, tt.pairs...)...)
		want := map[string]any{"result": tt.result, "detail": tt.detail, "id": id}
		if tt.detail == "larger than 16 KiB" {
			want["id"] = nil // it was not read
		}
		s.says("ack", want)
	}
	for _, text := range []string{"{", "[]", "null", "\xff\xfe", `"text"`} {
		s.agent.say(room101+"welcome", false, text)
		s.says("ack", map[string]any{"result": "rejected", "detail": "not a JSON object", "id": nil})
	}
	s.shows("Mr \u2068Smith\u2069")
}

// standby switches the vacant set off and on.
func (s *stage) standby() {
	s.t.Helper()
	dark := `document.body.dataset.power === 'off' && getComputedStyle(document.querySelector('main')).visibility === 'hidden'`
	s.command("c3", "power", "on", false)
	s.says("ack", map[string]any{"result": "received", "id": "c3"})
	s.page.until("it is in standby", dark)
	s.welcome(8, "power_on", true)
	s.says("ack", map[string]any{"result": "displayed", "gen": 8})
	s.page.until("a check-in switches it on", `document.body.dataset.power === 'on'`)
	s.command("c4", "power", "on", false)
	s.says("ack", map[string]any{"result": "received", "id": "c4"})
	s.page.until("it is in standby", dark)
	s.command("c5", "wake")
	s.says("ack", map[string]any{"result": "received", "id": "c5"})
	s.page.until("it is woken", `document.body.dataset.power === 'on'`)
	s.command("c6", "mute", "on", true)
	s.says("ack", map[string]any{"result": "received", "id": "c6"})
	s.command("c7", "explode")
	s.says("ack", map[string]any{"result": "unsupported", "id": "c7", "detail": "unknown command"})
	s.command("c8", "wake", "v", 2)
	s.says("ack", map[string]any{"result": "unsupported", "id": "c8"})
	s.welcome(9, "dnd", true)
	s.says("ack", map[string]any{"result": "displayed", "gen": 9})
	s.command("c9", "wake")
	s.says("ack", map[string]any{"result": "rejected", "id": "c9", "detail": "do not disturb"})
}

// crowd is as many guests with as long names as the contract allows.
func (s *stage) crowd() {
	s.t.Helper()
	var guests []any
	for range 8 {
		guests = append(guests, display("Mr \u2068"+strings.Repeat("W", 64)+"\u2069")...)
	}
	s.welcome(10, "guests", guests, "group", strings.Repeat("W", 64))
	s.says("ack", map[string]any{"result": "displayed", "gen": 10})
	for _, size := range [][2]int{{1920, 1080}, {1280, 720}, {360, 740}} {
		s.page.resize(size[0], size[1])
		if width := value[int](s.page, `document.documentElement.scrollWidth`); width > size[0] {
			s.t.Errorf("%d pixels wide on a screen of %d", width, size[0])
		}
		if below := value[float64](s.page, `document.querySelector('footer').getBoundingClientRect().bottom`); size[0] > 700 && below > float64(size[1]) {
			s.t.Errorf("the buttons end at %.0f on a screen of %d", below, size[1])
		}
	}
	s.page.picture("crowd-narrow")
	s.page.resize(1920, 1080)
	s.page.picture("crowd")
}

// press presses a button as a guest would.
func (s *stage) press(id string) {
	s.t.Helper()
	s.page.until(id+" can be pressed", `!document.getElementById('`+id+`').disabled && document.getElementById('`+id+`').offsetWidth > 0`)
	value[int](s.page, `(document.getElementById('`+id+`').click(), 0)`)
}

func (s *stage) popup(what, expression string) {
	s.t.Helper()
	s.page.until(what, `((box) => `+expression+`)(document.getElementById('popup'))`)
}

// TestGuestAtTheReferenceTV reads a message, changes the language and asks for this and that.
func TestGuestAtTheReferenceTV(t *testing.T) {
	s, _, _ := newStage(t)
	now := time.Now().Format(time.RFC3339)
	note := map[string]any{"id": "m0", "kind": "info", "title": "Breakfast", "body": "From 7 to 10, on the terrace.", "lang": "en", "dir": "ltr", "created_at": now}
	wifi := map[string]any{"ssid": "Sea View Guest", "user": "101", "code": "K7QX-2MPD"}
	s.welcome(1, "messages", []any{note}, "wifi", wifi, "group", "Smith & Sons", "departure", "2026-11-27T12:00:00Z")
	s.says("state", map[string]any{"shown_gen": 1})
	s.page.until("the message can be read again", `document.querySelector('#notes li').textContent === 'Breakfast\nFrom 7 to 10, on the terrace.'`)
	s.page.until("WiFi code", `document.querySelector('#code bdi').textContent === 'K7QX-2MPD' && document.querySelector('#user bdi').textContent === '101'`)
	s.page.resize(960, 540)
	s.page.picture("tv-english-message")

	value[int](s.page, `(document.getElementById('dnd').focus(), 0)`)
	s.message("m1")
	s.says("ack", map[string]any{"result": "displayed", "id": "m1"})
	s.popup("it pops up as text", `!box.hidden && box.querySelector('p').textContent.startsWith('Your <b>taxi</b>') && document.activeElement.id === 'popup-ok'`)
	s.page.picture("message")
	s.press("popup-ok")
	s.says("event", map[string]any{"event": "message_read", "value": "m1", "tv": "101-web"})
	s.popup("the guest is back where he was", `box.hidden && document.activeElement.id === 'dnd' && !document.getElementById('acts').inert`)
	s.message("m1") // once more
	s.says("ack", map[string]any{"result": "displayed", "id": "m1"})
	s.popup("it is not shown again", `box.hidden && box.querySelector('p').textContent === ''`)
	for i, tt := range []struct {
		result, detail string
		pairs          []any
	}{
		{"stale", "another stay is on the screen", []any{"stay", "s2"}},
		{"stale", "expired", []any{"expires_at", time.Now().Add(-time.Second).Format(time.RFC3339)}},
		{"rejected", "body of a message is not fit for a screen", []any{"body", ""}},
		{"rejected", "body of a message is not fit for a screen", []any{"body", "\u202ebody"}},
		{"unsupported", "unknown major version", []any{"v", nil}},
	} {
		id := fmt.Sprint("bad", i)
		s.message(id, tt.pairs...)
		s.says("ack", map[string]any{"result": tt.result, "detail": tt.detail, "id": id, "gen": 1})
	}

	value[int](s.page, `((list) => { list.value = 'ar'; list.dispatchEvent(new Event('change')); return 0; })(document.getElementById('language'))`)
	s.says("event", map[string]any{"event": "language", "value": "ar"})
	s.page.until("the page has turned", `getComputedStyle(document.body).direction === 'rtl' && document.getElementById('welcome').textContent === 'أهلاً وسهلاً'`)
	s.shows("Mr \u2068Smith\u2069")
	s.press("bill")
	s.says("event", map[string]any{"event": "bill_request", "value": nil})
	s.page.until("it says that the wish was sent", `document.getElementById('said').textContent === 'تم الإرسال'`)
	s.press("checkout")
	s.says("event", map[string]any{"event": "checkout_request", "value": nil})
	s.quiet()

	// All of it was that guest's.
	s.message("m5", "urgent", true)
	s.popup("a pop-up stands", `!box.hidden`)
	s.welcome(20, "stay", "s2", "rights", map[string]any{"paytv": false, "adult": false, "bill": false, "checkout": false})
	s.says("ack", map[string]any{"result": "displayed", "gen": 20})
	s.popup("the next guest does not see it", `box.hidden && box.querySelector('p').textContent === ''`)
	s.page.until("the next guest is greeted in English and may be disturbed", `document.documentElement.dir === 'ltr' && document.documentElement.lang === 'en' &&
		document.getElementById('dnd').getAttribute('aria-pressed') === 'false' && document.getElementById('bill').hidden && document.getElementById('checkout').hidden`)
	s.page.calm()
}

// quiet has the guest ask not to be disturbed, and the desk say otherwise.
func (s *stage) quiet() {
	s.t.Helper()
	s.press("dnd")
	s.says("event", map[string]any{"event": "dnd", "value": "on"})
	s.message("m2")
	s.says("ack", map[string]any{"result": "rejected", "detail": "do not disturb", "id": "m2"})
	s.message("m3", "kind", "alarm")
	s.says("ack", map[string]any{"result": "displayed", "id": "m3"})
	s.popup("an alarm comes through", `!box.hidden && box.dataset.kind === 'alarm'`)
	s.press("popup-ok")
	s.says("event", map[string]any{"event": "message_read", "value": "m3"})
	s.welcome(2) // says nothing new about it
	s.says("ack", map[string]any{"result": "displayed", "gen": 2})
	s.message("m4")
	s.says("ack", map[string]any{"result": "rejected", "id": "m4"})
	s.welcome(3, "dnd", true)
	s.welcome(4, "dnd", false)
	s.says("ack", map[string]any{"result": "displayed", "gen": 4})
	s.message("m4b")
	s.says("ack", map[string]any{"result": "displayed", "id": "m4b"})
}

// TestReferenceTVWithoutConnection pulls the cable: at a check-out, and until the stay has expired.
func TestReferenceTVWithoutConnection(t *testing.T) {
	s, line, open := newStage(t)
	s.welcome(1)
	s.says("state", map[string]any{"shown_gen": 1})
	line.pull()
	s.says("state", map[string]any{"state": "offline"}) // the will
	s.vacate()
	s.page.until("it says that it has no connection", `document.body.dataset.link === 'off' && document.getElementById('dnd').disabled`)
	s.shows("Mr \u2068Smith\u2069") // nobody can have told it
	line.plug()
	s.says("state", map[string]any{"state": "online", "shown_gen": 1})
	s.says("ack", map[string]any{"result": "cleared", "gen": 1})
	s.says("state", map[string]any{"shown_gen": 0})
	s.shows("")

	expires := time.Now().Add(3 * time.Second).Truncate(time.Second)
	s.welcome(2, "expires_at", expires.Format(time.RFC3339))
	s.shows("Mr \u2068Smith\u2069")
	line.pull()
	s.shows("")
	at := time.UnixMilli(value[int64](s.page, `shown[shown.length - 1].at`))
	if late := at.Sub(expires); late < 0 || late > 2*time.Second {
		t.Errorf("the screen went dark %v after its time", late)
	}
	line.plug()
	s.says("ack", map[string]any{"result": "stale", "gen": 2}) // the broker still has it
	s.shows("")
	s.vacate()
	s.says("ack", map[string]any{"result": "cleared"})

	// A page that is left takes its guest along, and so does one that is closed.
	s.welcome(3)
	s.says("state", map[string]any{"shown_gen": 3})
	s.page.close()
	s.says("state", map[string]any{"state": "offline"})
	s.page = open()
	s.says("state", map[string]any{"state": "online"})
	s.shows("Mr \u2068Smith\u2069")
	s.page.close()
	s.says("state", map[string]any{"state": "offline"})
	s.vacate()
	s.page = open()
	s.says("state", map[string]any{"state": "online", "shown_gen": 0})
	s.says("ack", map[string]any{"result": "cleared", "gen": 0})
	if texts := value[int](s.page, `shown.filter((one) => one.text !== '').length`); texts != 0 {
		t.Errorf("after a boot the page showed %d names", texts)
	}

	s.m.Stop()
	s.page.until("it misses the broker", `document.body.dataset.link === 'off'`)
	if err := s.m.Start(tvsim.Keep); err != nil {
		t.Fatal(err)
	}
	s.page.untilConnected()
	eventually(t, "it has said how it stands", func() (bool, string) {
		text := string(s.m.Retained(room101 + "tv/101-web/state")[room101+"tv/101-web/state"])
		return strings.Contains(text, `"online"`), text
	})
}

// TestReferenceTVTrustsNothing tries from inside what a slip in the page would do.
func TestReferenceTVTrustsNothing(t *testing.T) {
	s, _, open := newStage(t)
	for what, script := range map[string]string{
		"markup":              `(document.getElementById('names').innerHTML = '<b>x</b>', 'taken')`,
		"code in a text":      `(setTimeout('1'), 'taken')`,
		"a request elsewhere": `fetch('http://127.0.0.1:9/').then(() => 'taken')`,
		"another broker": `new Promise((resolve, reject) => { const s = new WebSocket('ws://127.0.0.1:9/');
			document.addEventListener('securitypolicyviolation', (e) => reject(new Error(e.violatedDirective))); setTimeout(() => resolve('taken'), 5000); })`,
		"a script": `(() => { const s = document.createElement('script'); s.text = 'window.ran = 1'; document.body.appendChild(s); return 'taken'; })()`,
		"a frame": `new Promise((resolve, reject) => { document.addEventListener('securitypolicyviolation', (e) => reject(new Error(e.violatedDirective)));
			const f = document.createElement('iframe'); f.src = location.origin; document.body.appendChild(f); setTimeout(() => resolve('taken'), 5000); })`,
	} {
		if got := value[string](s.page, `Promise.resolve().then(() => `+script+`).catch((error) => 'refused')`); got != "refused" {
			t.Errorf("%s: %s", what, got)
		}
	}
	if cookies := value[int](s.page, `document.cookie.length + localStorage.length + sessionStorage.length`); cookies != 0 {
		t.Errorf("the page keeps %d things", cookies)
	}
	// A stranger with the wrong password is told so, and shows nothing.
	lost := open()
	value[int](lost, `setTimeout(() => { location.hash = location.hash.replace(/password=[^&]*/, 'password=guessed'); }, 1)`)
	lost.until("a wrong password is said", `document.getElementById('link').textContent === '101-web: the broker refuses user name or password'`)
	value[int](lost, `setTimeout(() => { location.hash = ''; }, 1)`)
	lost.until("a page without a set says what it needs", `document.getElementById('setup').textContent.startsWith('Who is this TV?')`)
}
