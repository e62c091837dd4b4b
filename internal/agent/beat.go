package agent

import (
	"context"
	"fmt"
	"sort"
	"sync"
	"time"
)

const (
	// storeLimit is how long a loop may be at work between two waits, without a
	// device or a PMS: a worn card holds a commit up for many seconds.
	storeLimit = 2 * time.Minute
	// finishLimit is how much longer than its limit a Do may take: an encoder that
	// has taken a command on waits for the person with the card, and for a result
	// that got lost, within times of its own.
	finishLimit = 5 * time.Minute
	// pulseEvery is how often the locks and the store are tried.
	pulseEvery = 20 * time.Second
)

// beats are the signs of life of the loops. A loop that waits for something to
// do may wait for ever; one that has taken something on says how long it may take.
type beats struct {
	mu   sync.Mutex
	open map[*beat]bool
}

// beat is the sign of life of one loop.
type beat struct {
	all         *beats
	loop        string
	since, late time.Time // late is zero while the loop waits
}

// join enters a loop. It leaves when it ends.
func (b *beats) join(loop string) *beat {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open == nil {
		b.open = map[*beat]bool{}
	}
	one := &beat{all: b, loop: loop}
	b.open[one] = true
	return one
}

func (b *beat) leave() {
	b.all.mu.Lock()
	defer b.all.mu.Unlock()
	delete(b.all.open, b)
}

// work says that the loop is at work from now on, and how long that may take.
func (b *beat) work(limit time.Duration) {
	b.all.mu.Lock()
	defer b.all.mu.Unlock()
	b.since = time.Now()
	b.late = b.since.Add(limit)
}

// rest says that the loop waits for something to do.
func (b *beat) rest() {
	b.all.mu.Lock()
	defer b.all.mu.Unlock()
	b.late = time.Time{}
}

// Stuck is a loop that has been at one thing for longer than it may.
type Stuck struct {
	Loop  string
	Since time.Time
}

func (s Stuck) String() string {
	return fmt.Sprintf("%s has been at one thing since %s", s.Loop, s.Since.UTC().Format(time.RFC3339))
}

// Stuck lists the loops that will not come back by themselves, the longest
// stuck first; none is how it should be. A device that is away, a PMS that
// cannot be reached and a guest who takes a long time with the card are no
// reason to be listed.
func (a *Agent) Stuck() []Stuck {
	a.beats.mu.Lock()
	defer a.beats.mu.Unlock()
	now := time.Now()
	var stuck []Stuck
	for b := range a.beats.open {
		if !b.late.IsZero() && now.After(b.late) {
			stuck = append(stuck, Stuck{b.loop, b.since})
		}
	}
	sort.Slice(stuck, func(i, j int) bool {
		if !stuck[i].Since.Equal(stuck[j].Since) {
			return stuck[i].Since.Before(stuck[j].Since)
		}
		return stuck[i].Loop < stuck[j].Loop
	})
	return stuck
}

// pulse tries from time to time what all loops need: a loop that waits for a
// lock in vain looks as if it had nothing to do.
func (a *Agent) pulse(ctx context.Context) error {
	b := a.beats.join("the store")
	defer b.leave()
	for wait(ctx, pulseEvery) == nil {
		b.work(storeLimit)
		if free(ctx, &a.turn) != nil || free(ctx, &a.mu) != nil {
			return nil
		}
		if _, err := a.store.Open(); err != nil {
			return err
		}
		b.rest()
	}
	return nil
}

// free returns when a lock can be had. It looks again and again and never stands
// in the queue, so that it holds up nobody.
func free(ctx context.Context, l *sync.Mutex) error {
	for !l.TryLock() {
		if err := wait(ctx, time.Second); err != nil {
			return err
		}
	}
	l.Unlock()
	return nil
}
