package keycard

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/locksim"
)

// families are the languages in which a lock system can be in trouble.
var families = []string{"salto", "onity", "vingcard"}

// atOnce runs tests that wait far more than they work, all at the same time.
type atOnce struct {
	t  *testing.T
	wg sync.WaitGroup
}

func (a *atOnce) run(name string, test func(*testing.T)) {
	a.wg.Go(func() { a.t.Run(name, test) })
}

// troubled is a lock system of the family whose encoder works for so long.
func troubled(t *testing.T, family string, work time.Duration) *hotel {
	h := newHotel(t, false, func(c *locksim.Config, p *locksim.PortOptions) {
		c.WorkTime, c.CardWait, p.Family = work, 400*time.Millisecond, locksim.Family(family)
	}, func(c *Config) {
		dialects[family](c)
		const ms = time.Millisecond
		c.Rooms = nil
		c.Timers = Timers{Ack: 100 * ms, Busy: 400 * ms, Result: 450 * ms, Byte: 50 * ms, Late: 1500 * ms, Keepalive: 200 * ms,
			Settle: 30 * ms, Duplicate: 50 * ms, Reopen: 10 * ms, ReopenMax: 20 * ms}
	})
	h.sure()
	return h
}

// truth compares what was said of a new key with what was made.
func (h *hotel) truth(err error, room string) {
	h.t.Helper()
	r, _ := h.sys.Room(room)
	switch {
	case r.NewKeys > 1:
		h.t.Errorf("room %s: cut %d times, and told: %v", room, r.NewKeys, err)
	case err == nil && r.NewKeys == 0:
		h.t.Errorf("room %s: told made, and was not", room)
	case err != nil && !errors.Is(err, drivers.ErrUnknown) && r.NewKeys > 0:
		h.t.Errorf("room %s: made, and told: %v", room, err)
	}
}

// A NAK on whose heels ACK comes is no refusal: the key is made once.
func TestNakThenAck(t *testing.T) {
	all := atOnce{t: t}
	defer all.wg.Wait()
	for _, family := range families {
		for _, work := range []time.Duration{time.Millisecond, 60 * time.Millisecond, 250 * time.Millisecond} {
			all.run(fmt.Sprintf("%s/work %s", family, work), func(t *testing.T) {
				h := troubled(t, family, work)
				h.sys.Next(locksim.Fault{NakThenAck: true})
				_, err := h.do("a", "encode", "101")
				h.truth(err, "101")
			})
		}
	}
}

// A plug that is loose for a moment, right behind the frame, swallows what it
// likes: ACK, or ACK and result.
func TestLoosePlug(t *testing.T) {
	all := atOnce{t: t}
	defer all.wg.Wait()
	for _, family := range families {
		for _, down := range []time.Duration{20 * time.Millisecond, 90 * time.Millisecond, 250 * time.Millisecond} {
			for _, work := range []time.Duration{time.Millisecond, 80 * time.Millisecond} {
				all.run(fmt.Sprintf("%s/loose for %s/work %s", family, down, work), func(t *testing.T) {
					h := troubled(t, family, work)
					h.sys.Next(locksim.Fault{Line: locksim.CablePulled, When: locksim.BeforeAck, DownFor: down})
					_, err := h.do("a", "encode", "101")
					time.Sleep(300 * time.Millisecond)
					h.truth(err, "101")
				})
			}
		}
	}
}

// The next guest shows no card, and the former guest's result comes: it is never his.
func TestLateResultOfAnother(t *testing.T) {
	const ms = time.Millisecond
	all := atOnce{t: t}
	defer all.wg.Wait()
	for name, fault := range map[string]locksim.Fault{
		"late":                       {Late: 500 * ms},
		"late, and idle":             {Late: 500 * ms, LateIdle: true},
		"late, idle, ACK lost":       {Late: 500 * ms, LateIdle: true, DropAck: true},
		"late, idle, ACK after long": {Late: 500 * ms, LateIdle: true, AckDelay: 300 * ms},
		"held back until the next":   {DuringNext: true},
		"held back, sent twice":      {DuringNext: true, Duplicate: true},
	} {
		for _, family := range families {
			for _, work := range []time.Duration{ms, 250 * ms} {
				all.run(fmt.Sprintf("%s/%s/work %s", name, family, work), func(t *testing.T) {
					h := troubled(t, family, work)
					h.sys.Next(fault)
					_, first := h.do("a", "encode", "101")
					h.sys.Operator("1", locksim.Presentation{Never: true})
					var second error
					for range 30 {
						if _, second = h.do("b", "encode", "102"); second == nil || errors.Is(second, drivers.ErrUnknown) || errors.Is(second, drivers.ErrRefused) {
							break
						}
					}
					time.Sleep(600 * ms)
					h.truth(first, "101")
					h.truth(second, "102")
				})
			}
		}
	}
}

// Pauses differ from one station to the next, and stay within their bounds.
func TestSpread(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 100 {
		got := spread(time.Second)
		if seen[got] = true; got < time.Second || got > 1250*time.Millisecond {
			t.Errorf("a second became %s", got)
		}
	}
	if len(seen) < 10 {
		t.Error("all pauses are alike")
	}
}
