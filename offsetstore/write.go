package offsetstore

import (
	"errors"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// write is a change that waits for the next commit.
type write struct {
	change func(tx *bbolt.Tx) error
	after  func()     // brings memory in line, after the commit, with s.mu held
	done   chan error // nil: nobody waits, the commit may wait for company
	clear  bool       // the shelf is to be cleared with it
}

const (
	maxGroup = 256                    // bounds one commit
	company  = 100 * time.Millisecond // how long a commit that nobody waits for may wait
)

// ErrClosed is the error of a call on a closed store.
var ErrClosed = errors.New("the store is closed")

// commit hands a change to the writer and waits until it is durable.
func (s *Store) commit(change func(tx *bbolt.Tx) error, after func()) error {
	return s.submit(&write{change: change, after: after, done: make(chan error, 1)})
}

// submit hands a write to the writer and waits until it is durable.
func (s *Store) submit(w *write) error {
	if err := s.enqueue(w); err != nil {
		return err
	}
	select {
	case err := <-w.done:
		return err
	case <-s.failed:
		return s.Err()
	}
}

func (s *Store) enqueue(w *write) error {
	select {
	case s.writes <- w:
		return nil
	case <-s.failed:
		return s.Err()
	}
}

// write is the only goroutine that writes. Each turn takes along what has piled
// up during the last one, so syncs grow much more slowly than writes.
func (s *Store) write() {
	defer close(s.closed)
	quiet, burst := time.After(rest), thriftEvery // to open the file reads as much as a burst
	for n := 1; ; n++ {
		var group []*write
		select {
		case <-quiet:
			var err error
			if burst, err = s.tidy(burst); err != nil {
				s.Fail(err)
				return
			}
			quiet = nil
			continue
		case first, ok := <-s.writes:
			if !ok {
				return
			}
			group = s.gather(first)
		case <-s.shelfDue():
		case <-s.nudge:
			continue // look when the shelf is due
		}
		if !s.commitGroup(group) {
			return
		}
		quiet, burst = time.After(rest), burst+1
		if n%thriftEvery == 0 {
			if err := s.thrift(); err != nil {
				s.Fail(err)
				return
			}
		}
	}
}

// commitGroup runs the changes in one transaction, together with the clearing
// of the shelf if that is due.
func (s *Store) commitGroup(group []*write) bool {
	filed := 0
	err := s.db.Update(func(tx *bbolt.Tx) (err error) {
		clear(s.adding)
		s.clearNow = false
		for _, w := range group {
			if err := w.change(tx); err != nil {
				return err
			}
		}
		filed, err = s.clearShelf(tx, s.clearNow || slices.ContainsFunc(group, func(w *write) bool { return w.clear }))
		return err
	})
	if err != nil {
		s.Fail(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.shelf.drop(filed)
	}
	for _, w := range group {
		if err == nil && w.after != nil {
			w.after()
		}
		if w.done != nil {
			w.done <- err
		}
	}
	return err == nil
}

// gather collects what waits already. As long as nobody waits for the group it
// waits for company.
func (s *Store) gather(first *write) []*write {
	group := []*write{first}
	urgent := first.done != nil
	var linger <-chan time.Time
	for len(group) < maxGroup {
		if !urgent && linger == nil {
			linger = time.After(company)
		}
		if urgent {
			select {
			case w, ok := <-s.writes:
				if !ok {
					return group
				}
				group = append(group, w)
				continue
			default:
				return group
			}
		}
		select {
		case w, ok := <-s.writes:
			if !ok {
				return group
			}
			group = append(group, w)
			urgent = w.done != nil
		case <-linger:
			return group
		}
	}
	return group
}

// Fail makes an error final: nothing is written any more.
func (s *Store) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
		close(s.failed)
	}
}

// Err is the error that ended the store, or nil.
func (s *Store) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Failed is closed when the store can no longer write; Err says why.
func (s *Store) Failed() <-chan struct{} { return s.failed }
