package agent

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// backoff is how long to wait after the nth try: doubling from First to Most,
// with a jitter of half to all of it so that lanes do not march in step.
func (p Patience) backoff(n int) time.Duration {
	d := p.Most
	if n < 30 {
		d = min(p.First<<max(n-1, 0), p.Most)
	}
	return d/2 + rand.N(d/2+1)
}

// laneWait is a lane's own patience: while its device is away, no worker of
// the lane takes a command.
type laneWait struct {
	mu    sync.Mutex
	until time.Time
	tries int
	last  string // the trouble that was last logged
}

// wait returns when the lane may take a command.
func (l *laneWait) wait(ctx context.Context) error {
	for {
		l.mu.Lock()
		left := time.Until(l.until)
		l.mu.Unlock()
		if left <= 0 {
			return ctx.Err()
		}
		if err := wait(ctx, left); err != nil {
			return err
		}
	}
}

// pause stops the lane for a while; several workers that find the device away
// at once count as one.
func (l *laneWait) pause(p Patience) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Now().Before(l.until) {
		return
	}
	l.tries++
	l.until = time.Now().Add(p.backoff(l.tries))
}

func (l *laneWait) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tries, l.until, l.last = 0, time.Time{}, ""
}

// news reports whether the trouble is another than the last one logged.
func (l *laneWait) news(note string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if note == l.last {
		return false
	}
	l.last = note
	return true
}
