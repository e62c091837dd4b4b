package iptv

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"edgeagent/drivers"
	"edgeagent/hwsim/tvsim"

	"github.com/rs/zerolog"
)

func TestMessagesStayWithTheStay(t *testing.T) {
	r := newRig(t)
	r.open()
	r.connected()
	tv := r.tv("101", "tv1")
	message := func(stay, body string) drivers.Command {
		return r.ledger.accept(actionMessage, "message:101", map[string]string{"room": "101", "stay": stay, "body": body})
	}
	reads := func(want ...string) {
		t.Helper()
		err := tv.Until(r.ctx, func(tv *tvsim.TV) bool { return slices.Equal(tv.Shown().Messages, want) })
		if err != nil {
			t.Fatalf("the guest can read %q, want %q", tv.Shown().Messages, want)
		}
	}
	late := message("s1", "before the welcome")
	r.do(r.ledger.welcome("101", "s1", "Smith"))
	taxi := message("s1", "taxi")
	r.do(taxi)
	r.do(taxi) // said twice, kept once
	reads("taxi")
	r.do(late) // of an older number than the screen
	reads("taxi", "before the welcome")

	r.do(r.ledger.welcome("101", "s1", "Smythe"))
	r.shows(tv, "Mr Smythe")
	reads("taxi", "before the welcome")

	if _, err := r.driver.Do(r.ctx, message("s0", "for somebody else")); !errors.Is(err, drivers.ErrRefused) {
		t.Errorf("message for another stay: %v", err)
	}
	reads("taxi", "before the welcome")

	tv.Unplug()
	r.eventually("set is known to be off", func() bool { return r.sets("101") == 0 })
	if _, err := r.driver.Do(r.ctx, message("s1", "while it was off")); err == nil {
		t.Error("a message to a dark room is done")
	}
	tv.Plug()
	reads("taxi", "before the welcome", "while it was off")
	r.online(tv)

	for n := range maxNotes {
		r.do(message("s1", fmt.Sprint("number ", n)))
	}
	if got := tv.Shown().Messages; len(got) != maxNotes || got[0] != "number 0" {
		t.Errorf("the guest can read %q", got)
	}
	r.do(message("s1", strings.Repeat("é", maxBody)))
	if size := len(r.retained("101")); size > sizeGoal {
		t.Errorf("the welcome has %d bytes", size)
	}

	// Another gateway's hand: what is put right again keeps the messages of the stay.
	s, err := r.driver.live()
	r.must(err)
	held := *s.house.retained("101")
	kept := tv.Shown().Messages
	held.Guests = []guestDoc{{Display: "somebody"}}
	held.Gen++
	r.must(s.put(r.ctx, "101", &held))
	r.must(s.reconcile(r.ctx))
	r.shows(tv, "Mr Smythe")
	reads(kept...)

	r.do(r.ledger.welcome("101", "s2", "Jones"))
	r.shows(tv, "Mr Jones")
	reads()
}

func TestGuestAtTheTV(t *testing.T) {
	var lines lockedBuffer
	r := newRig(t)
	r.open(func(d *Driver) { d.site.Log = zerolog.New(&lines) })
	r.connected()
	tv := r.tv("101", "tv1")
	for _, event := range append([]string{"Mr Smith was here"}, guestEvents...) {
		tv.Act(event)
	}
	r.eventually("the last event is logged", func() bool { return strings.Contains(lines.text(), `"event":"language"`) })
	for _, event := range guestEvents {
		if want := fmt.Sprintf(`{"level":"info","device":"tvs","room":"101","tv":"101-tv1","event":%q,"message":"guest at the tv"}`, event); !strings.Contains(lines.text(), want) {
			t.Errorf("no line %s in %s", want, lines.text())
		}
	}
	if strings.Contains(lines.text(), "Smith") {
		t.Errorf("what a set makes up is logged: %s", lines.text())
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestTelling(t *testing.T) {
	r := newRig(t)
	r.open()
	r.connected()
	tv := r.tv("101", "tv1")
	tell := func(action, state string) (drivers.Receipt, error) {
		return r.driver.Do(r.ctx, r.ledger.accept(action, action+":101", map[string]string{"room": "101", "state": state}))
	}
	for _, tt := range []struct {
		action, state, note string
		powered, muted      bool
	}{
		{actionWake, "", "woken: the TV", true, false},
		{actionMute, "on", "mute on: the TV", true, true},
		{actionMute, "off", "mute off: the TV", true, false},
		{actionPower, "off", "power off: the TV", false, false},
		{actionPower, "on", "power on: the TV", true, false},
	} {
		receipt, err := tell(tt.action, tt.state)
		if on, _ := tv.Powered(); err != nil || receipt.Note != tt.note || on != tt.powered || tv.Muted() != tt.muted {
			t.Errorf("%s %s: note %q, error %v, powered %t, muted %t", tt.action, tt.state, receipt.Note, err, on, tv.Muted())
		}
	}
	if _, err := tell(actionMute, "loud"); err == nil || err.Error() != `refused: mute is on or off, not "loud"` {
		t.Errorf("error %v", err)
	}
}
