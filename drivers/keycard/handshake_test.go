package keycard

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"

	"github.com/google/go-cmp/cmp"
)

const cn, cc = "CN|1|E|101|||||||1100170726|AGENT", "CC|1|E|101|||||||1100170726|AGENT"

func TestHandshake(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*Config)
		play   func(b *bench) // from the first CN on
		want   error          // nil with text: tried again; nil without: success
		text   string
	}{
		{name: "ACK, then the result", play: func(b *bench) {
			b.say(ack)
			time.Sleep(20 * time.Second)
			b.say("CN|1")
		}},
		{name: "ACK and result at once", play: func(b *bench) { b.say(ack, "CN|1") }},
		{name: "byte by byte", play: func(b *bench) {
			for _, x := range append([]byte{ack}, mustFrame("CN|1")...) {
				b.say(int(x))
				time.Sleep(50 * time.Millisecond)
			}
		}},
		{name: "ACK twice", play: func(b *bench) { b.say(ack, ack, "CN|1") }},
		{name: "ACK lost, result comes", play: func(b *bench) { b.say("CN|1") }},
		{name: "refused once", play: func(b *bench) {
			b.say(nak)
			b.expect(cn)
			b.say(ack, "CN|1")
		}},
		{name: "NAK, then ACK", play: func(b *bench) {
			b.say(nak)
			time.Sleep(2900 * time.Millisecond)
			b.say(ack)
			time.Sleep(20 * time.Second)
			b.say("CN|1")
		}},
		{name: "NAK, then ACK and result", play: func(b *bench) { b.say(nak, ack, "CN|1") }},
		{name: "ACK damaged into NAK, then the result", play: func(b *bench) {
			b.say(nak)
			time.Sleep(time.Second)
			b.say("CN|1")
		}},
		{name: "ACK damaged into NAK, the result while it is asked again", play: func(b *bench) {
			b.auto.Store(nak)
			b.say(nak)
			time.Sleep(8 * time.Second)
			b.say("CN|1")
			b.auto.Store(ack)
		}},
		{name: "ACK damaged into NAK, then busy", want: drivers.ErrUnknown, text: "refused the command and has been busy since, perhaps with it", play: func(b *bench) {
			b.auto.Store(nak)
			b.say(nak)
		}},
		{name: "ACK damaged into NAK, result damaged", want: drivers.ErrUnknown, text: "could not be read", play: func(b *bench) {
			b.say(nak, []byte("\x02\xb3CN\xb31\xb3\x03\x8d"))
		}},
		{name: "refused, then silent", want: drivers.ErrUnknown, text: "no answer: check that the lock system runs", play: func(b *bench) {
			b.auto.Store(0)
			b.say(nak)
			b.expect("ENQ")
			b.expect("ENQ")
			time.Sleep(3 * time.Second)
			b.auto.Store(ack)
		}},
		{name: "refused for good", text: "did not take the command in 3 tries", play: func(b *bench) {
			b.say(nak)
			b.expect(cn)
			b.say(nak)
			b.expect(cn)
			b.say(nak)
		}},
		{name: "no ACK, though ready: a loose plug can have swallowed ACK and result", want: drivers.ErrUnknown,
			text: "the lock system did not confirm the command within 3s: read the card", play: func(*bench) {}},
		{name: "only echoed", want: drivers.ErrUnknown, text: "did not confirm the command", play: func(b *bench) { b.say(cn) }},
		{name: "ACK lost, being worked on", play: func(b *bench) {
			b.auto.Store(0)
			b.expect("ENQ")
			b.say(nak)
			time.Sleep(10 * time.Second)
			b.say("CN|1")
			b.auto.Store(ack)
		}},
		{name: "ACK later than its limit", play: func(b *bench) {
			b.auto.Store(0)
			b.expect("ENQ")
			b.say(ack) // the frame's
			b.expect("ENQ")
			b.say(nak, nak) // those of the two ENQ
			b.say("CN|1")
			b.auto.Store(ack)
		}},
		{name: "ACK later than its limit, result lost", want: drivers.ErrUnknown, text: "no result came", play: func(b *bench) {
			b.auto.Store(0)
			b.expect("ENQ")
			b.say(ack) // the frame's
			b.expect("ENQ")
			b.say(ack, ack) // those of the two ENQ
			b.auto.Store(ack)
		}},
		{name: "ACK lost, result instead of the answer to ENQ", play: func(b *bench) {
			b.auto.Store(0)
			b.expect("ENQ")
			b.say("CN|1")
			b.auto.Store(ack)
		}},
		{name: "silent for good", want: drivers.ErrUnknown, text: "fell silent", play: func(b *bench) {
			b.auto.Store(0)
			b.expect("ENQ")
		}},
		{name: "unreadable answer before the ACK", want: drivers.ErrUnknown, text: "could not be read", play: func(b *bench) {
			b.say(0x42, 0xC2, 0x35)
		}},
		{name: "ACK damaged, result lost", want: drivers.ErrUnknown, text: "could not be read", play: func(b *bench) { b.say(ack | 0x80) }},
		{name: "results of others", play: func(b *bench) {
			b.say(ack, "CN|2", "CC|1", "CO|0", "EP|2", "CN|1|E|101", "CN|1|hello", "CN|1|1234|5678", "CN", "EP|1|a|b", "?|1", "CN|1")
		}},
		{name: "noise while waiting", play: func(b *bench) { b.say(ack, 0x7F, 0x00, nak, enq, stx, 0x41, "CN|1") }},
		{name: "result damaged", want: drivers.ErrUnknown, text: "arrived damaged", play: func(b *bench) {
			b.say(ack, []byte("\x02\xb3CN\xb31\xb3\x03\x8d"))
		}},
		{name: "result broken off", want: drivers.ErrUnknown, text: "no result came within 1m0s", play: func(b *bench) {
			b.say(ack, []byte("\x02\xb3CN\xb31"))
		}},
		{name: "result without its check byte", want: drivers.ErrUnknown, text: "no result came", play: func(b *bench) {
			b.say(ack, []byte("\x02\xb3CN\xb31\xb3\x03"))
		}},
		{name: "no result", want: drivers.ErrUnknown, text: "read the card to see whether it was made", play: func(b *bench) { b.say(ack) }},
		{name: "line cut after the ACK", want: drivers.ErrUnknown, text: "the line was cut", play: func(b *bench) {
			b.say(ack)
			b.cut()
		}},
		{name: "line cut before the ACK", want: drivers.ErrUnknown, text: "the line was cut", play: func(b *bench) { b.cut() }},
		{name: "wildcard check byte", play: func(b *bench) { b.say(ack, []byte("\x02\xb3CN\xb31\xb3\x03\x0d")) }},
		{name: "wildcard refused", want: drivers.ErrUnknown, text: "damaged",
			change: func(c *Config) { c.AcceptWildcardLRC = new(bool) },
			play:   func(b *bench) { b.say(ack, []byte("\x02\xb3CN\xb31\xb3\x03\x0d")) }},
		{name: "damaged, asked for again, confirmed", change: func(c *Config) { c.AckResult = yes() }, play: func(b *bench) {
			b.say(ack, []byte("\x02\xb3CN\xb31\xb3\x03\x8d"))
			b.expect("NAK")
			b.say("CN|1")
			b.expect("ACK")
		}},
		{name: "no card", want: drivers.ErrRefused, text: "no card was presented", play: func(b *bench) { b.say(ack, "ED|1") }},
		{name: "an error with text", want: drivers.ErrRefused, text: `the lock system reports an error, and says more on its own screen (code EG)`, play: func(b *bench) { b.say(ack, "EG|1|KEY FAIL") }},
		{name: "an unknown code", want: drivers.ErrRefused, text: "(code Q7)", play: func(b *bench) { b.say(ack, "Q7|1") }},
		{name: "syntax error without encoder", want: drivers.ErrRefused, text: "(code ES)", play: func(b *bench) { b.say(ack, "ES") }},
		{name: "database damaged, without encoder", want: drivers.ErrRefused, text: "(code NF)", play: func(b *bench) { b.say(ack, "NF|") }},
		{name: "encoder busy, then free", play: func(b *bench) {
			b.say(ack, "OV|1")
			b.expect(cn)
			b.say(ack, "OV|1")
			b.expect(cn)
			b.say(ack, "CN|1")
		}},
		{name: "encoder busy for long", text: "busy with another card", play: func(b *bench) {
			for range 3 {
				b.say(ack, "OV|1")
				b.expect(cn)
			}
			b.say(ack, "OV|1")
		}},
		{name: "encoder silent once", play: func(b *bench) {
			b.say(ack, "NC|1")
			b.expect(cn)
			b.say(ack, "CN|1")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, tc.change)
				b.ready()
				p := b.do(t.Context(), encode("c1", "1"))
				b.expect(cn)
				tc.play(b)
				if tc.text != "" {
					p.fails(tc.want, tc.text)
				} else {
					p.succeeds()
					if diff := cmp.Diff("1 card for room 101, valid until 2026-07-17 11:00", p.receipt.Note); diff != "" {
						t.Error(diff)
					}
				}
				b.auto.Store(ack)
				b.quiet(time.Minute) // above all no second CN
			})
		})
	}
}

func TestACKOnTheHeelsOfNAK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.ready()
		b.auto.Store(0)
		p := b.do(t.Context(), encode("a", "1"))
		b.expect("ENQ")
		b.say(nak)
		time.Sleep(50 * time.Millisecond)
		b.say(ack)
		b.expect(cn)
		b.say(ack, "CN|1")
		p.succeeds()
		b.auto.Store(ack)
	})
}

func TestSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *Config) { c.WantUID = true })
		b.ready()
		p := b.do(t.Context(), encode("c1", "3"))
		b.expect(cn + "||||1")
		b.say(ack, "CN|1|04a2b3")
		b.expect(cc)
		b.say(ack, "CC|1|04A2B4")
		b.expect(cc)
		b.say(ack, "CC|1")
		p.succeeds()
		want := drivers.Receipt{Note: "3 cards for room 101, valid until 2026-07-17 11:00",
			Values: map[string]string{"cards": "3", "uid_1": "04A2B3", "uid_2": "04A2B4"}}
		if p.receipt.At().IsZero() || len(p.receipt.Values[valueKey]) != 16 {
			t.Errorf("which key it is, or since when, is not said: %v", p.receipt.Values)
		}
		delete(p.receipt.Values, drivers.ValueAt)
		delete(p.receipt.Values, valueKey)
		if diff := cmp.Diff(want, p.receipt); diff != "" {
			t.Error(diff)
		}
		one := []drivers.Step{drivers.StepSent, drivers.StepAccepted, drivers.StepCardDone}
		if diff := cmp.Diff(append(append(one, one...), one...), p.steps); diff != "" {
			t.Error(diff)
		}
	})
}

func TestPartOfTheCards(t *testing.T) {
	for _, tc := range []struct{ name, second, text, reason string }{
		{"no card", "EP|1", "refused: 1 of 2 cards were made, then: no card", string(NoCard)},
		{"busy: trying again would cut the first again", "EO|1", "refused: 1 of 2 cards were made", string(EncoderBusy)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, func(c *Config) { c.Timers.Busy = time.Millisecond * 900 })
				b.ready()
				p := b.do(t.Context(), encode("c1", "2"))
				b.expect(cn)
				b.say(ack, "CN|1")
				b.expect(cc)
				b.say(ack, tc.second)
				for range 3 { // as often as the time for a busy encoder allows
					select {
					case <-b.got:
						b.say(ack, tc.second)
					case <-p.done:
					}
				}
				p.fails(drivers.ErrRefused, tc.text)
				f, ok := errors.AsType[*Failure](p.err)
				if !ok || f.Made != 1 || f.Wanted != 2 || string(f.Reason) != tc.reason || p.receipt.Values["cards"] != "1" {
					t.Errorf("got %+v, receipt %+v", f, p.receipt)
				}
				again := b.do(t.Context(), encode("c1", "2"))
				again.fails(drivers.ErrRefused, tc.text)
				b.quiet(time.Second)
			})
		})
	}
}

func TestSameCommandTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.ready()
		first := b.do(t.Context(), encode("c1", "1"))
		b.expect(cn)
		second := b.do(t.Context(), encode("c1", "1"))
		b.say(ack, "CN|1")
		first.succeeds()
		second.succeeds()
		b.do(t.Context(), encode("c1", "1")).succeeds()
		b.quiet(time.Minute)

		// A refusal without a card may be asked again, under the same id.
		p := b.do(t.Context(), encode("c2", "1"))
		b.expect(cn)
		b.say(ack, "ED|1")
		p.fails(drivers.ErrRefused, "no card was presented")
		p = b.do(t.Context(), encode("c2", "1"))
		b.expect(cn)
		b.say(ack, "CN|1")
		p.succeeds()
	})
}

func TestContextCountsBeforeTheACKOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.ready()
		ctx, cancel := context.WithCancel(t.Context())
		p := b.do(ctx, encode("a", "1"))
		b.expect(cn)
		b.say(ack)
		cancel()
		time.Sleep(time.Second)
		b.say("CN|1")
		p.succeeds()

		b.auto.Store(nak)
		ctx, cancel = context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		b.do(ctx, encode("b", "1")).fails(nil, "before the lock system took it")
		b.do(t.Context(), encode("c", "1")).fails(nil, "busy and takes no command")
		b.quiet(time.Second)
	})
}
