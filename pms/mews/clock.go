package mews

import (
	"sync/atomic"
	"time"
)

// clock knows how far Mews's clock is from the gateway's. A gateway without a
// battery boots hours in the past, and a window of time asked for by its clock
// would miss everything; so windows and ages are told by Mews's.
type clock struct {
	now  func() time.Time
	skew atomic.Int64 // nanoseconds that Mews is ahead
	set  atomic.Bool
}

func newClock(now func() time.Time) *clock { return &clock{now: now} }

// learn takes the server's time, as it was between two local instants.
func (c *clock) learn(server, sent, received time.Time) {
	// A stretched answer says little; whole seconds are all that a Date header has.
	if received.Sub(sent) > 10*time.Second {
		return
	}
	middle := sent.Add(received.Sub(sent) / 2)
	skew := server.Sub(middle)
	old := time.Duration(c.skew.Load())
	if c.set.Load() && (skew-old).Abs() < 2*time.Second {
		return // rounding
	}
	c.skew.Store(int64(skew))
	c.set.Store(true)
}

// server is now by Mews's clock.
func (c *clock) server() time.Time { return c.now().Add(time.Duration(c.skew.Load())) }

// local is an instant of Mews's clock on ours.
func (c *clock) local(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(-time.Duration(c.skew.Load()))
}

// ahead is how far Mews's clock is ahead of ours.
func (c *clock) ahead() time.Duration { return time.Duration(c.skew.Load()) }
