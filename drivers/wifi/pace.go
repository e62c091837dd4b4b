package wifi

import (
	"context"
	"sync"
	"time"
)

// pace keeps the calls to a controller apart that asks for it: one at a time,
// and no two begun within a time of each other. The zero pace lets all through.
type pace struct {
	single bool
	every  time.Duration

	once sync.Once
	free chan struct{} // holds one token while nobody calls
	next time.Time     // the earliest begin of the next call; of whoever has the token
}

// turn waits for a call's turn, in order of asking. done must be called after it.
func (p *pace) turn(ctx context.Context) (done func(), err error) {
	if !p.single && p.every == 0 {
		return func() {}, nil
	}
	p.once.Do(func() {
		p.free = make(chan struct{}, 1)
		p.free <- struct{}{}
	})
	select {
	case <-p.free:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	release := func() { p.free <- struct{}{} }
	if wait := time.Until(p.next); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			release()
			return nil, ctx.Err()
		}
	}
	p.next = time.Now().Add(p.every)
	if p.single {
		return release, nil
	}
	release()
	return func() {}, nil
}
