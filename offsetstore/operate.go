package offsetstore

import (
	"errors"
	"time"

	"go.etcd.io/bbolt"
)

// Why a person cannot change a command.
var (
	// ErrNotWaiting: it is settled, or there never was one.
	ErrNotWaiting = errors.New("no command of this id waits")
	// ErrUnderWay: a device is at work on it.
	ErrUnderWay = errors.New("the device is at work on it")
	// ErrSetting: it states how things should be, and is not taken back by hand.
	ErrSetting = errors.New("it is a setting, which goes when the stay changes")
)

// Hasten makes a waiting command due now, and returns its lane.
func (s *Store) Hasten(id string) (lane string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, sub, c, err := s.waiting(id)
	if err != nil {
		return "", err
	}
	c.Due, c.Hold = time.Now(), time.Time{}
	l.settleDown(sub)
	return c.Lane, nil
}

// Cancel settles a waiting job as Cancelled, with a note.
func (s *Store) Cancel(id, note string) error {
	var refused error
	settled := false
	err := s.commit(func(tx *bbolt.Tx) (err error) {
		c, err := s.takeOut(id)
		if refused = err; err != nil {
			return nil
		}
		c.State, c.Settled, c.Note = Cancelled, time.Now(), note
		settled, err = settleAsk(tx, *c)
		return errors.Join(err, s.file(tx, *c))
	}, func() {
		if settled {
			s.wakeReport()
		}
	})
	return errors.Join(err, refused)
}

// takeOut takes a waiting job out of its lane, at once: nobody may begin it any
// more. Should the commit fail, the store has failed, and the process ends.
func (s *Store) takeOut(id string) (*Command, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, _, c, err := s.waiting(id)
	switch {
	case err != nil:
		return nil, err
	case c.Setting:
		return nil, ErrSetting
	}
	l.drop(c)
	return c, nil
}

// waiting finds a command that no device is at work on. s.mu is held.
func (s *Store) waiting(id string) (*lane, *subject, *Command, error) {
	for _, l := range s.lanes {
		for _, sub := range l.subjects {
			for _, c := range sub.queue {
				switch {
				case c.ID != id:
				case sub.running && sub.seq == c.Seq:
					return nil, nil, nil, ErrUnderWay
				default:
					return l, sub, c, nil
				}
			}
		}
	}
	return nil, nil, nil, ErrNotWaiting
}
