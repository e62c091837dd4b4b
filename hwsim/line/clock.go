package line

import (
	"slices"
	"sync"
	"time"
)

// Clock is the time that a device lives in.
type Clock interface {
	Now() time.Time
	// After fires once, d of this clock's time from now.
	After(d time.Duration) <-chan time.Time
}

type wall struct{}

func (wall) Now() time.Time                         { return time.Now() }
func (wall) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Wall is real time.
func Wall() Clock { return wall{} }

type scaled struct {
	start, real time.Time
	factor      float64
}

// Scaled is a clock that starts at start now and runs factor times as fast as
// real time; factor must be above 0.
func Scaled(start time.Time, factor float64) Clock {
	return scaled{start: start, real: time.Now(), factor: factor}
}

func (c scaled) Now() time.Time {
	return c.start.Add(time.Duration(float64(time.Since(c.real)) * c.factor))
}

func (c scaled) After(d time.Duration) <-chan time.Time {
	return time.After(time.Duration(float64(d) / c.factor))
}

// Manual is a clock that stands still until Advance moves it.
type Manual struct {
	mu      sync.Mutex
	now     time.Time
	waiters []waiter
	changed chan struct{}
}

type waiter struct {
	at time.Time
	ch chan time.Time
}

// NewManual returns a Manual clock that stands at now.
func NewManual(now time.Time) *Manual { return &Manual{now: now, changed: make(chan struct{})} }

// Now implements Clock.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// After implements Clock.
func (m *Manual) After(d time.Duration) <-chan time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	ch := make(chan time.Time, 1)
	if d <= 0 {
		ch <- m.now
		return ch
	}
	m.waiters = append(m.waiters, waiter{at: m.now.Add(d), ch: ch})
	close(m.changed)
	m.changed = make(chan struct{})
	return ch
}

// Advance moves the clock and fires what has become due.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
	kept := m.waiters[:0]
	for _, w := range m.waiters {
		if w.at.After(m.now) {
			kept = append(kept, w)
			continue
		}
		w.ch <- m.now
	}
	m.waiters = kept
}

// forget takes back a wait that nobody waits for any longer.
func (m *Manual) forget(ch <-chan time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiters = slices.DeleteFunc(m.waiters, func(w waiter) bool { return w.ch == ch })
}

// AwaitWaiters returns when at least n waits are pending, so that a test
// advances the clock only once somebody waits for it.
func (m *Manual) AwaitWaiters(n int) {
	for {
		m.mu.Lock()
		pending, changed := len(m.waiters), m.changed
		m.mu.Unlock()
		if pending >= n {
			return
		}
		<-changed
	}
}
