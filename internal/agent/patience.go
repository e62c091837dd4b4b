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
	// asked is until when the device itself wants to be left alone: what it had
	// under way already does not end that.
	asked time.Time
	last  string // the trouble that was last logged
	// ended is closed when a pause ends before its time.
	ended chan struct{}
}

// wait returns when the lane may take a command.
func (l *laneWait) wait(ctx context.Context) error {
	for {
		l.mu.Lock()
		left := max(time.Until(l.until), time.Until(l.asked))
		if l.ended == nil {
			l.ended = make(chan struct{})
		}
		ended := l.ended
		l.mu.Unlock()
		if left <= 0 {
			return ctx.Err()
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-ended:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
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

// rest stops the lane because the device asked for it: for as long as it said,
// and not less than for a device that is away, since some say 0. A tenth of
// jitter keeps gateways behind one controller apart.
func (l *laneWait) rest(least time.Duration, p Patience) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !now.Before(l.asked) {
		l.tries++
	}
	wait := max(least+rand.N(least/10+1), p.backoff(max(l.tries, 1)))
	if until := now.Add(wait); until.After(l.asked) {
		l.asked = until
	}
}

// worked ends a pause, since the device is there, but for one that it asked for.
func (l *laneWait) worked() { l.end(false) }

// reset ends any pause: a person wants to see what happens now.
func (l *laneWait) reset() { l.end(true) }

func (l *laneWait) end(all bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until, l.last = time.Time{}, ""
	if all {
		l.asked = time.Time{}
	}
	if !time.Now().Before(l.asked) {
		l.tries = 0
	}
	if l.ended != nil {
		close(l.ended)
		l.ended = nil
	}
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
