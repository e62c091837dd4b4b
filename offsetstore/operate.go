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
	// ErrHeld: it comes of a replay that is not over, which may say otherwise yet.
	ErrHeld = errors.New("what the PMS said after it is still being read")
	// ErrSetting: it states how things should be, and is not taken back by hand.
	ErrSetting = errors.New("it is a setting, which goes when the stay changes")
)

// Waiting is the command of that id, if no device is at work on it.
func (s *Store) Waiting(id string) (Command, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _, c, err := s.waiting(id)
	if err != nil {
		return Command{}, err
	}
	return *c, nil
}

// Hasten makes a waiting command due now. What is held until a replay is over
// stays so: what comes later may have it go unsaid.
func (s *Store) Hasten(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, sub, c, err := s.waiting(id)
	if err != nil {
		return err
	}
	if c.Hold.After(time.Now()) {
		return ErrHeld
	}
	c.Due = time.Now()
	l.settleDown(sub)
	return nil
}

// news is the newest command of a lane and subject.
type news struct {
	id string
	at time.Time
}

// noteNews enters an accepted command. s.mu is held, or nobody else knows s yet.
func (s *Store) noteNews(c *Command) {
	if key := string(pairKey(c.Lane, c.Subject)); !c.Created.Before(s.news[key].at) {
		s.news[key] = news{c.ID, c.Created}
	}
}

// Newer is the id of the newest command of a lane and subject, if it was created
// after the given instant; "" if not. It knows of those that were open when the
// store was opened, and of what has come since.
func (s *Store) Newer(lane, subject string, after time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.news[string(pairKey(lane, subject))]; n.at.After(after) {
		return n.id
	}
	return ""
}

// Has reports whether a command of that id was ever accepted, within the retention.
func (s *Store) Has(id string) (bool, error) {
	s.mu.Lock()
	open := s.openIDs[id]
	s.mu.Unlock()
	if open {
		return true, nil
	}
	filed := false
	err := s.db.View(func(tx *bbolt.Tx) error {
		filed = tx.Bucket(bucketIDs).Get([]byte(id)) != nil
		return nil
	})
	return filed, err
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
