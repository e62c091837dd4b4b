package keycard

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"
)

// What each new dialect says on the wire in the states of a driver.
const (
	onityCN  = "CN|1|E|101|||||||11170726|AGENT"
	vingHead = "0100I|R101|TSingle Room|UGuest|D2"
)

// stays checks condition and reason.
func (b *bench) stays(want drivers.Condition, reason string) {
	b.t.Helper()
	synctest.Wait()
	st := b.d.State()
	if st.Condition != want || !strings.Contains(st.Reason, reason) || reason == "" && st.Reason != "" {
		b.t.Fatalf("state is %+v, want %s: %s", st, want, reason)
	}
	if st.Since.IsZero() || st.Since.After(time.Now()) {
		b.t.Fatalf("since %s", st.Since)
	}
}

func TestOnityStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, dialects["onity"])
		b.ready()
		b.stays(drivers.Online, "")
		p := b.do(t.Context(), encode("a", "1"))
		b.expect(onityCN)
		b.stays(drivers.Busy, "encode for room 101")
		b.say(ack, "NC|1")
		b.expect(onityCN)
		b.say(ack, "NC|1")
		p.fails(drivers.ErrRefused, "check its power, cable and its number in the property file (code NC)")
		b.stays(drivers.Degraded, "encoder 1 does not answer the lock system: check its power and cable")

		p = b.do(t.Context(), encode("b", "1"))
		b.expect(onityCN)
		b.auto.Store(nak)
		b.say(ack)
		p.fails(drivers.ErrUnknown, "no result came within 1m0s: read the card to see whether it was made, then make a new one if needed")
		b.stays(drivers.Quarantined, "waiting for a late answer of the lock system, at most until ")
		b.auto.Store(ack)
		b.say("CN|1") // late
		b.stays(drivers.Online, "")
		b.do(t.Context(), encode("b", "1")).fails(drivers.ErrUnknown, "the lock system reported success later")
		b.quiet(time.Minute)

		b.dead.Store(true)
		b.cut()
		time.Sleep(time.Second)
		b.stays(drivers.Offline, "no such adapter")
	})
}

// What is set wrong stands on the status page, not only in one command's answer.
func TestWrongSettingsAreShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.ready()
		for _, tc := range []struct{ answer, reason string }{
			{"TD|1", "room 101: the lock system does not know the room: map it under rooms in the property file"},
			{"ES|1", "room 101: the lock system does not understand the request: check encoder name"},
			{"NF", "database files of the lock system are damaged or missing: call its support"},
			{"ED|1", ""},
		} {
			p := b.do(t.Context(), encode("a", "1"))
			b.expect(cn)
			b.say(ack, tc.answer)
			p.fails(drivers.ErrRefused, "")
			if tc.reason == "" {
				b.stays(drivers.Online, "")
			} else {
				b.stays(drivers.Degraded, tc.reason)
			}
		}
	})
}

// Relatives of Onity want each result confirmed, and send a damaged one again.
func TestRelativesConfirm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *Config) { dialects["onity"](c); c.AckResult = yes() })
		b.ready()
		p := b.do(t.Context(), encode("a", "1"))
		b.expect(onityCN)
		b.say(ack, []byte("\x02\xb3CN\xb31\xb3\x03\x8d"))
		b.expect("NAK")
		b.say("CN|1")
		b.expect("ACK")
		p.succeeds()
		b.say("CN|1") // the ACK was lost
		b.expect("ACK")
	})
}

func TestVingCardStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, dialects["vingcard"])
		b.auto.Store(ack)
		time.Sleep(110 * time.Second)
		b.stays(drivers.Quarantined, "at most until") // its being ready proves nothing about an earlier process
		b.ready()
		b.stays(drivers.Online, "VingCard needs a site capture")
		p := b.do(t.Context(), encode("a", "1"))
		b.expect(vingHead)
		b.stays(drivers.Busy, "encode for room 101")
		b.say(ack, "00012")
		b.expect("ACK")
		time.Sleep(9 * time.Second)
		b.stays(drivers.Busy, "encode for room 101")
		b.expect(vingHead)
		b.say(ack, "00012")
		b.expect("ACK")
		p.fails(nil, "Vision is not running: start it on its computer (code 2)")
		b.stays(drivers.Degraded, "Vision is not running")

		p = b.do(t.Context(), encode("b", "1"))
		b.expect(vingHead)
		b.say(ack, "00010")
		b.expect("ACK")
		p.succeeds()
		b.stays(drivers.Online, "VingCard needs a site capture")
	})
}

// What VingCard may be sent a second time, and what not.
func TestVingCardCertainty(t *testing.T) {
	read := drivers.Command{ID: "r", Action: actionRead}
	out := drivers.Command{ID: "o", Action: actionCancel, Params: map[string]string{"room": "101"}}
	for _, tc := range []struct {
		name   string
		cmd    drivers.Command
		change func(*Config)
		frame  string
		play   func(b *bench)
		want   error
		text   string // "" for success
	}{
		{name: "new key, ACK lost, result comes", cmd: encode("a", "1"), frame: vingHead, play: func(b *bench) {
			time.Sleep(20 * time.Second)
			b.say("00010")
			b.expect("ACK")
		}},
		{name: "new key, no word at all: not again, though it calls itself ready", cmd: encode("a", "1"), frame: vingHead, play: func(*bench) {},
			want: drivers.ErrUnknown, text: "no result came within 1m0s: read the card to see whether it was made"},
		{name: "new key, no word at all: sooner known where ENQ is known to tell", cmd: encode("a", "1"), frame: vingHead,
			change: func(c *Config) { c.NakWhileBusy = yes() }, play: func(*bench) {},
			want: drivers.ErrUnknown, text: "the lock system did not confirm the command within 3s: read the card to see whether it was made"},
		{name: "new key refused by NAK: again", cmd: encode("a", "1"), frame: vingHead, play: func(b *bench) {
			b.say(nak)
			b.expect(vingHead)
			b.say(ack, "00010")
			b.expect("ACK")
		}},
		{name: "read, no word at all: again", cmd: read, frame: "0100E", play: func(b *bench) {
			b.expect("0100E")
			b.say(ack, "00010|R101|D202607151400|O202607171100")
			b.expect("ACK")
		}},
		{name: "read, no result", cmd: read, frame: "0100E", play: func(b *bench) { b.say(ack) }, want: drivers.ErrRefused, text: "read the card again"},
		{name: "check-out, no word at all: again", cmd: out, change: captured("B"), frame: "0100B|R101", play: func(b *bench) {
			b.expect("0100B|R101")
			b.say(ack, "00010")
			b.expect("ACK")
		}},
		{name: "check-out, no result: tried again later", cmd: out, change: captured("B"), frame: "0100B|R101", play: func(b *bench) { b.say(ack) },
			text: "see in the lock system whether the room is checked out"},
		{name: "damaged result is sent again", cmd: encode("a", "1"), frame: vingHead, play: func(b *bench) {
			b.say(ack, []byte("\x0200010\x0333"))
			b.expect("NAK")
			b.say("00010")
			b.expect("ACK")
		}},
		{name: "in use, then free", cmd: encode("a", "1"), frame: vingHead, play: func(b *bench) {
			b.say(ack, "00015")
			b.expect("ACK")
			b.expect(vingHead)
			b.say(ack, "00010")
			b.expect("ACK")
		}},
		{name: "no card", cmd: encode("a", "1"), frame: vingHead, play: func(b *bench) { b.say(ack, "00018"); b.expect("ACK") },
			want: drivers.ErrRefused, text: "no card was presented: ask again and hold a card to the encoder (code 8)"},
		{name: "blank card", cmd: read, frame: "0100E", play: func(b *bench) { b.say(ack, "00011"); b.expect("ACK") },
			want: drivers.ErrRefused, text: "the card is not recognised: it is blank, foreign or damaged (code 1)"},
		{name: "answer of another encoder, and of a reading", cmd: encode("a", "1"), frame: vingHead, play: func(b *bench) {
			b.say(ack, "00020", "00010|R101", "00010")
			for range 3 {
				b.expect("ACK")
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, func(c *Config) {
					dialects["vingcard"](c)
					if tc.change != nil {
						tc.change(c)
					}
				})
				b.ready()
				p := b.do(t.Context(), tc.cmd)
				b.expect(tc.frame)
				tc.play(b)
				if tc.text == "" {
					p.succeeds()
				} else {
					p.fails(tc.want, tc.text)
				}
				b.quiet(30 * time.Second) // above all no second command
			})
		})
	}
}

// A late answer of VingCard fits the next command as well: until it has come
// or can come no more, none is sent.
func TestVingCardQuarantine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, dialects["vingcard"])
		b.ready()
		p := b.do(t.Context(), encode("a", "1"))
		b.expect(vingHead)
		b.say(ack)
		p.fails(drivers.ErrUnknown, "no result came")
		time.Sleep(100 * time.Second)
		b.stays(drivers.Quarantined, "at most until")
		q := b.do(t.Context(), encode("b", "1"))
		q.fails(nil, "late answer")
		b.say("00010")
		b.expect("ACK")
		b.stays(drivers.Online, "VingCard needs")
		b.do(t.Context(), encode("a", "1")).fails(drivers.ErrUnknown, "the lock system reported success later")
	})
}
