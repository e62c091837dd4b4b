package offsetstore

import "time"

// waiter is a call of Next that found nothing to do. A job that may run at
// once is marked for it in the very transaction that accepts the job: that
// saves a commit, and the device its wait for one.
type waiter struct {
	marked bool // a job is; guarded by Store.mu
	handed chan Command
}

// mark marks a new job as under way if somebody waits for one and nothing of
// its subject comes first. It runs inside the writer's transaction.
func (s *Store) mark(c *Command) {
	subject := string(pairKey(c.Lane, c.Subject))
	first := !s.adding[subject]
	s.adding[subject] = true
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lane(c.Lane)
	if c.Setting || !first || len(l.waiting) == 0 || l.subjects[c.Subject] != nil || c.Due.After(now) || c.Hold.After(now) {
		return
	}
	if !c.Deadline.IsZero() && (now.After(c.Deadline) || !s.opt.Trusted()) {
		return
	}
	w := l.waiting[0]
	l.waiting, l.marked[c.Seq], w.marked = l.waiting[1:], w, true
	c.State, c.Tries = Processing, 1
	s.clearNow = s.clearNow || s.shelf.holds(c.Lane, c.Subject)
}

// deliver brings an accepted command into its lane, or to the waiter that it
// was marked for. It is durable now; s.mu is held.
func (s *Store) deliver(c *Command) {
	l := s.lane(c.Lane)
	w := l.marked[c.Seq]
	if w == nil {
		l.add(c)
		return
	}
	delete(l.marked, c.Seq)
	l.subjects[c.Subject] = &subject{name: c.Subject, queue: []*Command{c}, running: true, seq: c.Seq, at: -1}
	w.handed <- *c
}
