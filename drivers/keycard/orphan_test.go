package keycard

import (
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
