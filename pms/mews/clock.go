package mews

import (
	"sync/atomic"
	"time"
)

// clock knows how far Mews's clock is from the gateway's. A gateway without a
// battery boots hours in the past, and a window of time asked for by its clock
// would miss everything; so windows and ages are told by Mews's.
type clock struct {
	now func() time.Time
	set atomic.Pointer[fix]
}

// fix is what Mews's clock showed at a local instant. That one has the reading
// of the monotonic clock, so nothing moves when the gateway's clock is set.
type fix struct{ server, local time.Time }

// at is Mews's clock at another local instant.
func (f *fix) at(local time.Time) time.Time { return f.server.Add(local.Sub(f.local)) }

func newClock(now func() time.Time) *clock { return &clock{now: now} }

// learn takes the server's time, as it was between two local instants.
func (c *clock) learn(server, sent, received time.Time) {
	// A stretched answer says little; whole seconds are all that a Date header has.
	if received.Sub(sent) > 10*time.Second {
		return
	}
	middle := sent.Add(received.Sub(sent) / 2)
	if old := c.set.Load(); old != nil && server.Sub(old.at(middle)).Abs() < 2*time.Second {
		return // rounding
	}
	c.set.Store(&fix{server, middle})
}

// server is now by Mews's clock.
func (c *clock) server() time.Time {
	now := c.now()
	if f := c.set.Load(); f != nil {
		return f.at(now)
	}
	return now
}

// local is an instant of Mews's clock on ours.
func (c *clock) local(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(-c.ahead())
}

// agreed is how far two clocks can be apart and count as one. A skew is known to
// half a second, and differently by each start of the agent; by it, two changes
// of one second would change places.
const agreed = 5 * time.Second

// ahead is how far Mews's clock is ahead of ours. It is the same each time until
// somebody sets a clock: a moment read twice is one moment.
func (c *clock) ahead() time.Duration {
	f := c.set.Load()
	if f == nil {
		return 0
	}
	skew, now := f.server.Sub(f.local.Round(0)), c.now()
	if later := f.at(now).Sub(now.Round(0)); (later - skew).Abs() >= time.Second {
		skew = later
	}
	if skew.Abs() < agreed {
		return 0
	}
	return skew
}
