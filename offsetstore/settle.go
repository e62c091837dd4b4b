package offsetstore

import (
	"encoding/json"
	"errors"
	"time"

	"go.etcd.io/bbolt"
)

// Settle ends a command that Next handed out: its Note, Unknown and Receipt go
// into the record. For a job it returns when that is durable; a setting is
// filed with what comes next, since doing it twice is harmless.
func (s *Store) Settle(c Command, state State) error {
	c.State, c.Settled = state, time.Now()
	switch {
	case c.Ask != "" || c.Unknown:
		return s.settleNow(c)
	case c.Setting:
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.err != nil {
			return s.err
		}
		s.shelve(c)
		return nil
	}
	return s.commit(func(tx *bbolt.Tx) error {
		return put(tx.Bucket(bucketOpen), seqKey(c.Seq), c)
	}, func() { s.shelve(c) })
}

// settleNow files a command at once: somebody waits for the outcome.
func (s *Store) settleNow(c Command) error {
	asked := false
	w := &write{
		change: func(tx *bbolt.Tx) (err error) {
			if open := tx.Bucket(bucketOpen).Get(seqKey(c.Seq)) != nil; open {
				asked, err = settleAsk(tx, c)
			}
			return errors.Join(err, s.file(tx, c))
		},
		after: func() {
			s.lane(c.Lane).release(&c, false)
			if asked {
				s.wakeReport()
			}
		},
	}
	if c.Setting {
		return s.enqueue(w)
	}
	return s.commit(w.change, w.after)
}

// ErrNotUnknown says that no outcome of that id is unknown, or no longer.
var ErrNotUnknown = errors.New("no command of this id has an unknown outcome")

// Resolve ends the doubt about a command whose outcome was unknown. note is what
// was found out. If it was carried out, known is what must be known of its
// subject from now on; otherwise nil, and what was known before stays: the command
// is then kept as a whole, see NotDone.
func (s *Store) Resolve(id, note string, known json.RawMessage) error {
	var found error
	err := s.commit(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(bucketUnknown)
		text := bucket.Get([]byte(id))
		if text == nil {
			found = ErrNotUnknown
			return nil
		}
		var c Command
		if err := json.Unmarshal(text, &c); err != nil {
			return err
		}
		if !c.Unknown {
			found = ErrNotUnknown
			return nil
		}
		c.Unknown, c.Note = false, note
		var err error
		if known != nil {
			c.State = Processed
			err = errors.Join(bucket.Delete([]byte(id)), tx.Bucket(bucketKnown).Put(pairKey(c.Lane, c.Subject), known))
		} else {
			err = put(bucket, []byte(id), c)
		}
		c.Body = nil
		return errors.Join(err, put(tx.Bucket(bucketDone), seqKey(c.Seq), c))
	}, nil)
	return errors.Join(err, found)
}

// Retry puts a command that Next handed out back, to run no earlier than due.
// Only what has certainly not happened may be put back.
func (s *Store) Retry(c Command, due time.Time) error {
	c.State, c.Due, c.Hold = Pending, due, time.Time{}
	return s.enqueue(&write{
		change: func(tx *bbolt.Tx) error {
			open := tx.Bucket(bucketOpen)
			if open.Get(seqKey(c.Seq)) == nil {
				return nil // replaced while it ran
			}
			return put(open, seqKey(c.Seq), c)
		},
		after: func() { s.lane(c.Lane).release(&c, true) },
	})
}
