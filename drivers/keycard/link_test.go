package keycard

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"

	"github.com/google/go-cmp/cmp"
)

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

// What a cut line means for one command is not told of the next.
func TestCutLineIsNotTheNextCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.ready()
		p := b.do(t.Context(), encode("a", "1"))
		b.expect(cn)
		b.say(ack)
		b.dead.Store(true)
		b.cut()
		p.fails(drivers.ErrUnknown, "the line was cut")
		synctest.Wait()
		want := "the line was cut: adapter unplugged, or connection closed by the lock system"
		if st := b.d.State(); st.Condition != drivers.Offline || st.Reason != want {
			t.Errorf("state is %+v", st)
		}
		q := b.do(t.Context(), encode("b", "1"))
		q.fails(nil, "the line was cut")
		if _, ok := errors.AsType[*drivers.LinkDown](q.err); !ok {
			t.Errorf("got %T, want a LinkDown", q.err)
		}
		b.dead.Store(false)
		time.Sleep(15 * time.Second)
		q = b.do(t.Context(), encode("b", "1"))
		b.expect(cn)
		b.auto.Store(nak)
		b.say(ack)
		time.Sleep(time.Second)
		b.auto.Store(ack)
		b.say("CN|1")
		q.succeeds()
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
				b := newBenchWith(t, nil, testSite(), tc.auto, tc.echo)
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
		b := newBenchWith(t, func(c *Config) { c.StripEcho = true }, testSite(), ack, true)
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

// A success that the line has turned into a code which the check byte lets pass
// is no failure: somebody must look.
func TestAnswerOneLetterFromSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.ready()
		p := b.do(t.Context(), encode("a", "1"))
		b.expect(cn)
		b.say(ack, "AN|1")
		p.fails(drivers.ErrUnknown, "the answer is one letter away from success, and the line may have changed it: read the card (code AN)")
		p = b.do(t.Context(), encode("b", "1"))
		b.expect(cn)
		b.say(ack, "ZZ|1")
		p.fails(drivers.ErrRefused, "the lock system answers with a code that is not known (code ZZ)")
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
