package keycard

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"
)

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
	})
}

// The encoder is busy although the lock system is ready: with the card of the
// earlier process. Its result must not count for ours.
func TestFirstOpenFindsTheEncoderBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.auto.Store(ack)
		p := b.do(t.Context(), encode("b", "1"))
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
		time.Sleep(20 * time.Second)
		b.say("ED|1")
		p.fails(drivers.ErrRefused, "no card was presented")
		b.do(t.Context(), encode("a", "1")).fails(drivers.ErrUnknown, "the lock system reported success later")
		b.quiet(time.Second)
	})
}

// What a lone result is worth while that of an earlier new key may still come.
func TestOneResultForTwoCommands(t *testing.T) {
	read, other := drivers.Command{ID: "b", Action: actionRead}, encode("b", "1")
	other.Params["encoder"] = "2"
	out := drivers.Command{ID: "b", Action: actionCancel, Params: map[string]string{"room": "101"}}
	const perhaps = "one result came, and it may be that of an earlier command: read the card to see whether it was made"
	for _, tc := range []struct {
		name   string
		change func(*Config)
		next   drivers.Command
		frame  string
		play   func(b *bench)
		want   error
		text   string // "" for success
	}{
		{name: "ENQ tells nothing", next: encode("b", "1"), frame: cn, play: func(b *bench) { b.say(ack, "CN|1") },
			want: drivers.ErrUnknown, text: perhaps},
		{name: "ENQ tells nothing, the result is an error", next: encode("b", "1"), frame: cn, play: func(b *bench) { b.say(ack, "TD|1") },
			want: drivers.ErrUnknown, text: perhaps},
		{name: "the same twice at once", next: encode("b", "1"), frame: cn, play: func(b *bench) { b.say(ack, "CN|1", "CN|1") },
			want: drivers.ErrUnknown, text: perhaps},
		{name: "the same again later", next: encode("b", "1"), frame: cn, play: func(b *bench) {
			b.say(ack, "CN|1")
			time.Sleep(3 * time.Second)
			b.say("CN|1")
		}},
		{name: "at work until then", next: encode("b", "1"), frame: cn, play: func(b *bench) {
			b.auto.Store(nak)
			b.say(ack)
			time.Sleep(5 * time.Second)
			b.auto.Store(ack)
			b.say("CN|1")
		}},
		{name: "at work still", next: encode("b", "1"), frame: cn, play: func(b *bench) {
			b.auto.Store(nak)
			b.say(ack)
			time.Sleep(5 * time.Second)
			b.say("CN|1")
			time.Sleep(20 * time.Second)
			b.auto.Store(ack)
			b.say("ED|1")
		}, want: drivers.ErrRefused, text: "no card was presented"},
		{name: "an error, then a success", next: encode("b", "1"), frame: cn, play: func(b *bench) { b.say(ack, "ED|1", "CN|1") },
			want: drivers.ErrUnknown, text: "two results came, one good and one not, and one of them is that of an earlier command: read the card"},
		{name: "an error, then a success, at work between", next: encode("b", "1"), frame: cn, play: func(b *bench) {
			b.auto.Store(nak)
			b.say(ack)
			time.Sleep(5 * time.Second)
			b.say("ED|1")
			time.Sleep(5 * time.Second)
			b.auto.Store(ack)
			b.say("CN|1")
		}},
		{name: "NAK, and ACK on its heels", next: encode("b", "1"), frame: cn, play: func(b *bench) {
			b.auto.Store(0)
			b.say(ack)
			b.expect("ENQ")
			b.say(nak, ack)
			b.auto.Store(ack)
			b.say("CN|1")
		}, want: drivers.ErrUnknown, text: perhaps},
		{name: "a capture has shown what ENQ tells", change: func(c *Config) { c.NakWhileBusy = yes() }, next: encode("b", "1"), frame: cn,
			play: func(b *bench) { b.say(ack, "CN|1") }},
		{name: "a reading", next: read, frame: "LT|1|E", play: func(b *bench) { b.say(ack, "LT|1|LM") }},
		{name: "another encoder", next: other, frame: "CN|2|E|101", play: func(b *bench) { b.say(ack, "CN|2") }},
		{name: "check-out", next: out, frame: "CO|0|101", play: func(b *bench) { b.say(ack, "CO|0") }},
		{name: "check-out, of which neither room nor encoder is told", next: out, frame: "CO|0|101", play: func(b *bench) {
			b.say(ack, "NF")
			b.expect("CO|0|101") // twice is as good as once
			b.say(ack, "CO|0")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, tc.change)
				b.ready()
				p := b.do(t.Context(), encode("a", "1"))
				b.expect(cn)
				b.say(ack)
				p.fails(drivers.ErrUnknown, "no result")
				time.Sleep(10 * time.Second)
				b.is(drivers.Online)
				p = b.do(t.Context(), tc.next)
				b.expect(tc.frame)
				tc.play(b)
				if tc.text == "" {
					p.succeeds()
				} else {
					p.fails(tc.want, tc.text)
				}
				synctest.Wait()
				if !errors.Is(p.err, drivers.ErrUnknown) {
					return
				}
				// Nobody knows how many more come: neither the lock system's word
				// nor one of them ends the wait, and none is told of either command.
				b.auto.Store(ack)
				b.say("CN|1")
				time.Sleep(100 * time.Second)
				b.is(drivers.Quarantined)
				time.Sleep(21 * time.Second)
				b.is(drivers.Online)
				b.do(t.Context(), encode("b", "1")).fails(drivers.ErrUnknown, "then make a new one if needed")
				if err := b.do(t.Context(), encode("b", "1")).wait().err; strings.Contains(err.Error(), "later") {
					t.Error(err)
				}
			})
		})
	}
}

// A lock system can hold a result back until the next command, however long that takes.
func TestResultHeldBackForLong(t *testing.T) {
	for name, play := range map[string]func(b *bench, q *promise){
		"at work still": func(b *bench, q *promise) {
			b.auto.Store(nak)
			b.say(ack, "CN|1")
			time.Sleep(20 * time.Second)
			b.auto.Store(ack)
			b.say("ED|1")
			q.fails(drivers.ErrRefused, "no card was presented")
			b.do(b.t.Context(), encode("a", "1")).fails(drivers.ErrUnknown, "the lock system reported success later")
		},
		"the result of the next": func(b *bench, q *promise) {
			b.say(ack)
			time.Sleep(20 * time.Second)
			b.say("CN|1")
			q.succeeds()
			r := b.do(b.t.Context(), encode("c", "1")) // and with it all doubt is over
			b.expect(cn)
			b.auto.Store(0)
			b.say(ack, "CN|1")
			r.succeeds()
			b.auto.Store(ack)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				b.ready()
				p := b.do(t.Context(), encode("a", "1"))
				b.expect(cn)
				b.auto.Store(nak)
				b.say(ack)
				p.fails(drivers.ErrUnknown, "no result")
				time.Sleep(time.Hour)
				b.auto.Store(ack)
				time.Sleep(time.Minute)
				b.is(drivers.Online)
				q := b.do(t.Context(), encode("b", "1"))
				b.expect(cn)
				play(b, q)
			})
		})
	}
}

// A line that was cut in the meantime ends no doubt.
func TestDoubtSurvivesACutLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.ready()
		p := b.do(t.Context(), encode("a", "1"))
		b.expect(cn)
		b.say(ack)
		p.fails(drivers.ErrUnknown, "no result")
		time.Sleep(10 * time.Second)
		b.is(drivers.Online)
		b.cut()
		time.Sleep(2 * time.Second)
		b.is(drivers.Online)
		p = b.do(t.Context(), encode("b", "1"))
		b.expect(cn)
		b.say(ack, "CN|1")
		p.fails(drivers.ErrUnknown, "it may be that of an earlier command")
	})
}

// Where the site says that ENQ tells nothing, the wait for a late result is long.
func TestSiteThatTellsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *Config) { c.NakWhileBusy = new(bool) })
		b.ready()
		p := b.do(t.Context(), encode("a", "1"))
		b.expect(cn)
		b.say(ack)
		p.fails(drivers.ErrUnknown, "no result")
		time.Sleep(100 * time.Second)
		b.is(drivers.Quarantined)
		b.say("CN|1")
		time.Sleep(time.Second)
		b.is(drivers.Online)
		p = b.do(t.Context(), encode("b", "1"))
		b.expect(cn)
		b.say(ack)
		b.quiet(5 * time.Second)
		b.say("CN|1")
		p.succeeds()
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

// A lock system that says nothing of what it is at is waited for at every start.
// Whoever probes it waits for no more than its first answer.
func TestProbeAtTheStart(t *testing.T) {
	p := newPeer("vingcard", time.Millisecond)
	defer p.close()
	cfg := Config{Encoder: "1", Address: p.listen(t), Timers: Timers{Busy: 2 * time.Second, Late: time.Minute}}
	dialects["vingcard"](&cfg)
	d, err := Open("desk", cfg, testSite())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Halt()
	start := time.Now()
	if err := d.Probe(t.Context()); err != nil || time.Since(start) > time.Second {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
	if st := d.State(); st.Condition != drivers.Quarantined {
		t.Errorf("state %+v", st)
	}
}
