package mews

import (
	"context"
	"sync"
	"time"
)

// window is the time in which Mews counts the requests of a token (Connector
// API, Requests).
const window = 30 * time.Second

// errand says how urgent a request is.
type errand int

const (
	// reading can wait: it may use three quarters of the budget.
	reading errand = iota
	// urgent is what somebody at the desk waits for.
	urgent
)

// budget keeps the token's limit by ourselves, so that Mews never has to: it
// remembers when the last requests were sent, and lets none go that would be
// one too many in any window. A share is kept free for what a person waits for.
type budget struct {
	now   func() time.Time
	limit int

	mu    sync.Mutex
	sent  []time.Time // of the last window, oldest first
	until time.Time   // Mews wants no request before this
}

func newBudget(limit int, now func() time.Time) *budget { return &budget{now: now, limit: limit} }

// allowed is how many requests of a window an errand may fill. Other tools may
// use the same token, so a little is left over in any case.
func (b *budget) allowed(e errand) int {
	if e == urgent {
		return max(b.limit*19/20, 1)
	}
	return max(b.limit*3/4, 1)
}

// take waits until a request may be sent, and counts it.
func (b *budget) take(ctx context.Context, e errand) error {
	for {
		wait := b.tryTake(e)
		if wait <= 0 {
			return nil
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// tryTake counts a request, or says how long to wait before trying again.
func (b *budget) tryTake(e errand) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if wait := b.until.Sub(now); wait > 0 {
		return min(wait, maxRetryAfter) // the clock may have been set back meanwhile
	}
	old := 0
	for old < len(b.sent) && (now.Sub(b.sent[old]) >= window || b.sent[old].After(now)) {
		old++
	}
	b.sent = append(b.sent[:0], b.sent[old:]...)
	if most := b.allowed(e); len(b.sent) >= most {
		return max(b.sent[len(b.sent)-most].Add(window).Sub(now), time.Millisecond)
	}
	b.sent = append(b.sent, now)
	return 0
}

// rest lets nothing go for a while: Mews has said that it was too much.
func (b *budget) rest(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if until := b.now().Add(d); until.After(b.until) {
		b.until = until
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
