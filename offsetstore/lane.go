package offsetstore

import (
	"container/heap"
	"context"
	"errors"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// lane holds, in memory, the unsettled commands of one device, as a queue per
// subject. Only the head of a queue can run, so the order of a room is kept
// and a dark TV holds up nobody else.
type lane struct {
	subjects map[string]*subject
	ready    subjectHeap       // subjects with a head that is not under way
	wake     chan struct{}     // closed and replaced when ready changes
	waiting  []*waiter         // those who want a command, longest first
	marked   map[int64]*waiter // who gets the job of that seq once it is durable
}

type subject struct {
	name    string
	queue   []*Command
	running bool
	seq     int64     // of the one under way
	at      int       // index in ready, -1 if not there
	later   time.Time // not before; set while the clock cannot be believed
}

// lane is the lane of that name, made on first use. s.mu is held, or nobody
// else knows s yet.
func (s *Store) lane(name string) *lane {
	l := s.lanes[name]
	if l == nil {
		l = &lane{subjects: map[string]*subject{}, marked: map[int64]*waiter{}, wake: make(chan struct{})}
		s.lanes[name] = l
	}
	return l
}

func (l *lane) add(c *Command) {
	sub := l.subjects[c.Subject]
	if sub == nil {
		sub = &subject{name: c.Subject, at: -1}
		l.subjects[c.Subject] = sub
	}
	sub.queue = append(sub.queue, c)
	l.settleDown(sub)
}

// settleDown puts a subject where it belongs after a change, and wakes the lane.
func (l *lane) settleDown(sub *subject) {
	switch fit := !sub.running && len(sub.queue) > 0; {
	case fit && sub.at < 0:
		heap.Push(&l.ready, sub)
	case fit:
		heap.Fix(&l.ready, sub.at)
	case sub.at >= 0:
		heap.Remove(&l.ready, sub.at)
	}
	if len(sub.queue) == 0 && !sub.running {
		delete(l.subjects, sub.name)
	}
	close(l.wake)
	l.wake = make(chan struct{})
}

// take hands out the head that has waited longest, or says how long to wait (0: until woken).
func (l *lane) take(now time.Time, trusted bool) (*Command, time.Duration) {
	for len(l.ready) > 0 {
		sub := l.ready[0]
		if wait := sub.due().Sub(now); wait > 0 {
			return nil, wait
		}
		c := sub.queue[0]
		if !trusted && !c.Deadline.IsZero() {
			sub.later = now.Add(time.Second)
			heap.Fix(&l.ready, 0)
			continue
		}
		heap.Pop(&l.ready)
		sub.running, sub.seq = true, c.Seq
		return c, 0
	}
	return nil, 0
}

// release ends the run of a command. keep leaves it at the head for another try.
func (l *lane) release(c *Command, keep bool) {
	sub := l.subjects[c.Subject]
	if sub == nil {
		return
	}
	sub.running = false
	at := slices.IndexFunc(sub.queue, func(q *Command) bool { return q.Seq == c.Seq })
	switch {
	case at < 0: // replaced while it ran
	case keep:
		sub.queue[at] = c
	default:
		sub.queue = slices.Delete(sub.queue, at, at+1)
	}
	l.settleDown(sub)
}

// due is when the head may run.
func (sub *subject) due() time.Time {
	c := sub.queue[0]
	due := c.Due
	if c.Hold.After(due) {
		due = c.Hold
	}
	if sub.later.After(due) {
		due = sub.later
	}
	return due
}

// Next waits for the oldest command of the lane that may run, and hands it
// out with its Tries counted up. A job is marked Processing, durably, before
// Next returns. One past its deadline comes as Cancelled, with the Note of its
// last try, for the caller to settle and to tell of; one that was withdrawn as
// well, with NoteWithdrawn. It returns the error of ctx, or the one that ended the store. A job that is
// marked already when ctx ends is still handed out.
func (s *Store) Next(ctx context.Context, name string) (Command, error) {
	for {
		if err := ctx.Err(); err != nil {
			return Command{}, err
		}
		s.mu.Lock()
		l := s.lane(name)
		c, wait := l.take(time.Now(), s.opt.Trusted())
		if c == nil {
			w := &waiter{handed: make(chan Command, 1)}
			l.waiting = append(l.waiting, w)
			wake := l.wake
			s.mu.Unlock()
			if out, ok, err := s.await(ctx, l, w, wake, wait); ok || err != nil {
				return out, err
			}
			continue
		}
		shelved := s.shelf.holds(c.Lane, c.Subject)
		withdrawn := c.Ask != "" && s.withdrawn[string(pairKey(c.Source, c.Ask))]
		s.mu.Unlock()
		out := *c
		switch {
		case withdrawn:
			out.State, out.Note = Cancelled, NoteWithdrawn
			return out, s.Err()
		case !out.Deadline.IsZero() && time.Now().After(out.Deadline):
			out.State = Cancelled
			return out, s.Err()
		}
		out.Tries++
		if out.Setting {
			return out, s.Err()
		}
		out.State = Processing
		return out, s.begin(out, shelved)
	}
}

// begin marks a job, and says so of its ask.
func (s *Store) begin(c Command, clear bool) error {
	begun := false
	return s.submit(&write{
		change: func(tx *bbolt.Tx) (err error) {
			begun, err = beginAsk(tx, c)
			return errors.Join(err, put(tx.Bucket(bucketOpen), seqKey(c.Seq), c))
		},
		after: func() {
			if begun {
				s.wakeReport()
			}
		},
		done: make(chan error, 1), clear: clear,
	})
}

// await waits until the lane changes, or until a job is handed to w.
func (s *Store) await(ctx context.Context, l *lane, w *waiter, wake <-chan struct{}, wait time.Duration) (c Command, ok bool, err error) {
	var timer <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		timer = t.C
	}
	select {
	case c = <-w.handed:
		return c, true, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-s.failed:
	case <-wake:
	case <-timer:
	}
	s.mu.Lock()
	l.waiting = slices.DeleteFunc(l.waiting, func(other *waiter) bool { return other == w })
	marked := w.marked
	s.mu.Unlock()
	if marked { // its commit is under way
		select {
		case c = <-w.handed:
			return c, true, nil
		case <-s.failed:
		}
	}
	if broken := s.Err(); broken != nil {
		err = broken
	}
	return c, false, err
}

// Release ends the hold on the settings of a source: it has caught up, so what
// they say is how things stand today.
func (s *Store) Release(source string) {
	s.caughtUp(source)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lanes {
		var held []*subject
		for _, sub := range l.subjects {
			for _, c := range sub.queue {
				if c.Source == source && !c.Hold.IsZero() {
					c.Hold = time.Time{}
					held = append(held, sub)
				}
			}
		}
		for _, sub := range held {
			if l.subjects[sub.name] == sub {
				l.settleDown(sub)
			}
		}
	}
}

// drop takes a replaced setting out of its queue. One that is under way stays
// running: it ends by itself, and the newer one waits for that.
func (l *lane) drop(c *Command) {
	sub := l.subjects[c.Subject]
	if sub == nil {
		return
	}
	at := slices.IndexFunc(sub.queue, func(q *Command) bool { return q.Seq == c.Seq })
	if at >= 0 {
		sub.queue = slices.Delete(sub.queue, at, at+1)
		l.settleDown(sub)
	}
}

// subjectHeap orders subjects by when their head may run, then by age.
type subjectHeap []*subject

func (h subjectHeap) Len() int { return len(h) }
func (h subjectHeap) Less(i, j int) bool {
	a, b := h[i].due(), h[j].due()
	if !a.Equal(b) {
		return a.Before(b)
	}
	return h[i].queue[0].Seq < h[j].queue[0].Seq
}
func (h subjectHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}
func (h *subjectHeap) Push(x any) {
	sub := x.(*subject)
	sub.at = len(*h)
	*h = append(*h, sub)
}
func (h *subjectHeap) Pop() any {
	old := *h
	sub := old[len(old)-1]
	sub.at = -1
	*h = old[:len(old)-1]
	return sub
}
