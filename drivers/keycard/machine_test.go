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
		{name: "refused for good", text: "did not take the command in 3 tries", play: func(b *bench) {
			b.say(nak)
			b.expect(cn)
			b.say(nak)
			b.expect(cn)
			b.say(nak)
		}},
		{name: "never heard: sent again", play: func(b *bench) {
			b.expect(cn)
			b.say(ack, "CN|1")
		}},
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
		{name: "damaged, asked for again, confirmed", change: func(c *Config) { c.AckResult = true }, play: func(b *bench) {
			b.say(ack, []byte("\x02\xb3CN\xb31\xb3\x03\x8d"))
			b.expect("NAK")
			b.say("CN|1")
			b.expect("ACK")
		}},
		{name: "no card", want: drivers.ErrRefused, text: "no card was presented", play: func(b *bench) { b.say(ack, "ED|1") }},
		{name: "an error with text", want: drivers.ErrRefused, text: `"KEY FAIL" (code EG)`, play: func(b *bench) { b.say(ack, "EG|1|KEY FAIL") }},
		{name: "an unknown code", want: drivers.ErrRefused, text: "(code Q7)", play: func(b *bench) { b.say(ack, "Q7|1") }},
		{name: "syntax error without encoder", want: drivers.ErrRefused, text: "(code ES)", play: func(b *bench) { b.say(ack, "ES") }},
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

func TestLateResultIsNotTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.ready()
		p := b.do(t.Context(), encode("a", "1"))
		b.expect(cn)
		b.auto.Store(nak) // it works on it, for longer than we wait
		b.say(ack)
		p.fails(drivers.ErrUnknown, "no result came within 1m0s")
		time.Sleep(time.Second)
		b.is(drivers.Quarantined)
		if err := b.d.Probe(t.Context()); err != nil {
			t.Errorf("probe in quarantine: %v", err)
		}
		b.do(t.Context(), encode("b", "1")).fails(nil, "late answer")

		b.say("CN|1")
		synctest.Wait()
		b.auto.Store(ack)
		b.do(t.Context(), encode("a", "1")).fails(drivers.ErrUnknown, "the lock system reported success later")
		q := b.do(t.Context(), encode("b", "1"))
		b.expect(cn)
		b.say(ack)
		b.quiet(30 * time.Second)
		b.say("ED|1")
		q.fails(drivers.ErrRefused, "no card was presented")
	})
}

func TestQuarantineEndsByItself(t *testing.T) {
	for _, tc := range []struct {
		name string
		auto uint32
		most time.Duration
	}{
		{"three answers", ack, 5 * time.Second},
		{"busy throughout", nak, 121 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				b.ready()
				p := b.do(t.Context(), encode("a", "1"))
				b.expect(cn)
				b.say(ack)
				b.auto.Store(tc.auto)
				p.fails(drivers.ErrUnknown, "no result")
				time.Sleep(tc.most - 2*time.Second)
				b.is(drivers.Quarantined)
				time.Sleep(2 * time.Second)
				b.is(drivers.Online)
			})
		})
	}
}

func TestFirstOpenWaitsForAnEarlierProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.auto.Store(ack)
		time.Sleep(time.Second)
		b.is(drivers.Quarantined)
		// A request waits, and what comes before its ACK is not its result.
		p := b.do(t.Context(), encode("a", "1"))
		b.expect(cn)
		b.say("CN|1", ack)
		b.quiet(30 * time.Second)
		b.say("EP|1")
		p.fails(drivers.ErrRefused, "no card")

		// The encoder is busy although the lock system is ready: with the card
		// of the earlier process. Its result must not count for ours.
		p = b.do(t.Context(), encode("b", "1"))
		b.expect(cn)
		b.say(ack, "OV|1")
		p.fails(nil, "busy with an earlier card")
		time.Sleep(20 * time.Second)
		b.is(drivers.Quarantined)
		b.say("CN|1")
		time.Sleep(time.Second)
		b.is(drivers.Online)
		b.quiet(time.Second)
	})
}

// The lock system called itself ready, and yet an earlier result comes during the next command.
func TestEarlierResultDuringTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.ready()
		p := b.do(t.Context(), encode("a", "1"))
		b.expect(cn)
		b.say(ack)
		p.fails(drivers.ErrUnknown, "no result")
		time.Sleep(10 * time.Second)
		b.is(drivers.Online)
		p = b.do(t.Context(), encode("b", "1"))
		b.expect(cn)
		b.say(ack, "CN|1")
		time.Sleep(time.Second)
		b.say("ED|1")
		p.fails(drivers.ErrRefused, "no card was presented")
	})
}

func TestRepeatedResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.ready()
		p := b.do(t.Context(), encode("a", "1"))
		b.expect(cn)
		b.say(ack, "CN|1", "CN|1")
		p.succeeds()
		p = b.do(t.Context(), encode("b", "1"))
		time.Sleep(1900 * time.Millisecond)
		b.say("CN|1")
		b.expect(cn)
		b.say(ack, "ED|1")
		p.fails(drivers.ErrRefused, "no card was presented")
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

func TestLinkDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.ready()
		b.dead.Store(true)
		b.cut()
		time.Sleep(time.Second)
		b.is(drivers.Offline)
		p := b.do(t.Context(), encode("a", "1"))
		p.fails(nil, "no such adapter")
		if down, ok := errors.AsType[*drivers.LinkDown](p.err); !ok {
			t.Errorf("got %T, want a LinkDown", down)
		}
		before := b.dials.Load()
		time.Sleep(time.Minute)
		if tries := b.dials.Load() - before; tries < 5 || tries > 10 {
			t.Errorf("%d tries in a minute, want one every 10 s at last", tries)
		}
		b.dead.Store(false)
		time.Sleep(15 * time.Second)
		p = b.do(t.Context(), encode("a", "1"))
		b.expect(cn)
		b.say(ack, "CN|1")
		p.succeeds()

		// The plug is pulled at the far end: writes succeed, nothing comes.
		b.auto.Store(0)
		for range 2 {
			b.expect("ENQ")
		}
		time.Sleep(4 * time.Second)
		b.is(drivers.Offline)
	})
}

func TestHaltInMidCard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.ready()
		p := b.do(t.Context(), encode("a", "1"))
		b.expect(cn)
		b.say(ack)
		synctest.Wait()
		if err := b.d.Halt(); err != nil {
			t.Fatal(err)
		}
		p.fails(drivers.ErrUnknown, "the driver is stopped")
		b.do(t.Context(), encode("b", "1")).fails(nil, "the driver is stopped")
	})
}

func TestUnreadableLine(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer []byte
		echo   bool
		auto   uint32
		want   string
	}{
		{"wrong speed", []byte{0x80, 0xF8, 0x00, 0xFF}, false, 0, "answers are unreadable: check speed and stop bits"},
		{"parity", []byte{0x86}, false, 0, "answers have bit 7 set: the other side uses a parity bit"},
		{"loop plug", nil, true, 0, "our own bytes come back and nothing else"},
		{"echo", nil, true, ack, "set strip_echo: true"},
		{"nothing", nil, false, 0, "no answer: check that the lock system runs"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBenchWith(t, nil, tc.auto, tc.echo)
				if tc.auto == 0 {
					for range 2 {
						b.expect("ENQ")
						b.say(tc.answer)
					}
				}
				time.Sleep(3200 * time.Millisecond) // into the pause before the next try
				b.is(drivers.Offline)
				b.do(t.Context(), encode("a", "1")).fails(nil, tc.want)
			})
		})
	}
}

func TestEchoIsStripped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBenchWith(t, func(c *Config) { c.StripEcho = true }, ack, true)
		b.ready()
		p := b.do(t.Context(), encode("a", "1"))
		b.expect(cn)
		b.say(ack, "CN|1")
		p.succeeds()
	})
}

// An echo that begins in mid-life must not count as the result.
func TestEchoIsNoResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.ready()
		p := b.do(t.Context(), drivers.Command{ID: "a", Action: actionRead})
		b.expect("LT|1|E")
		b.say("LT|1|E", ack, "LT|1|LM")
		p.succeeds()
		if want := (drivers.Receipt{Note: "staff, master or special card", Values: map[string]string{"card_kind": "staff"}}); !cmp.Equal(want, p.receipt) {
			t.Error(cmp.Diff(want, p.receipt))
		}
	})
}

func TestEncoderSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.ready()
		p := b.do(t.Context(), encode("a", "1"))
		b.expect(cn)
		b.say(ack, "NC|1")
		b.expect(cn)
		b.say(ack, "NC|1")
		p.fails(drivers.ErrRefused, "the encoder does not answer")
		synctest.Wait()
		b.is(drivers.Degraded)
		p = b.do(t.Context(), encode("b", "1"))
		b.expect(cn)
		b.say(ack, "CN|1")
		p.succeeds()
		synctest.Wait()
		b.is(drivers.Online)
	})
}

func TestRepeatableActions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.ready()
		checkOut := drivers.Command{ID: "a", Action: actionCancel, Params: map[string]string{"room": "101"}}
		p := b.do(t.Context(), checkOut)
		b.expect("CO|0|101")
		b.say(ack)
		p.fails(nil, "no result came")
		time.Sleep(10 * time.Second)
		p = b.do(t.Context(), checkOut)
		b.expect("CO|0|101")
		b.say(ack, "CO|0")
		p.succeeds()
		if p.receipt.Note != "all guest keys of room 101 have ended" {
			t.Error(p.receipt.Note)
		}
		p = b.do(t.Context(), drivers.Command{ID: "b", Action: actionRead})
		b.expect("LT|1|E")
		b.say(ack)
		p.fails(drivers.ErrRefused, "read the card again")
	})
}

func TestTraceHidesPeople(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *Config) { c.Operator = "Müller"; c.WantUID = true })
		b.ready()
		p := b.do(t.Context(), encode("a", "1"))
		b.expect("CN|1|E|101|||||||1100170726|Muller||||1")
		b.say(ack, int('M'), int('u'), 0xFC, "CN|1|04A2B3")
		p.succeeds()
		var got []string
		trace := b.d.Trace()
		for _, e := range trace[len(trace)-5:] {
			got = append(got, e.Text)
		}
		want := []string{"ACK", "CN|1|E|101|||||||1100170726|<6>||||1", "ACK", "noise ·· ·· fc", "CN|1|<6>"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
