package pn532sim

import (
	"sync"
	"time"
)

// Clock is the time that a chip lives in.
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
