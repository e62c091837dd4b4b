package offsetstore

import (
	"encoding/json"
	"errors"
	"fmt"
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

// Ask is a device command of the PMS. It waits for the commands that answer
// it, and is then reported.
type Ask struct {
	Source  string    `json:"source"`
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Open    int       `json:"open"`    // commands that are not settled
	Outcome State     `json:"outcome"` // Processed, or the worst of its commands'
	Note    string    `json:"note,omitempty"`
	Told    bool      `json:"told,omitempty"` // the PMS has the answer
}

// openAsks enters the asks of a batch, and tells of each whether it is new. The
// commands of one that was asked before are not carried out again.
func openAsks(tx *bbolt.Tx, asks []Ask) (map[string]bool, error) {
	fresh := map[string]bool{}
	bucket := tx.Bucket(bucketAsks)
	for _, a := range asks {
		key := pairKey(a.Source, a.ID)
		if fresh[a.ID] = bucket.Get(key) == nil; !fresh[a.ID] {
			continue
		}
		a.Open, a.Outcome, a.Note = 0, Processed, ""
		if err := put(bucket, key, a); err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

// closeAsks answers those of a batch that no command answers.
func closeAsks(tx *bbolt.Tx, asks []Ask, fresh map[string]bool, added []*Command) error {
	answered := map[string]bool{}
	for _, c := range added {
		answered[c.Ask] = true
	}
	for _, a := range asks {
		if !fresh[a.ID] || answered[a.ID] {
			continue
		}
		a.Open, a.Outcome = 0, Error
		if err := put(tx.Bucket(bucketAsks), pairKey(a.Source, a.ID), a); err != nil {
			return err
		}
	}
	return nil
}

// countAsk adds a command to those that its ask waits for.
func countAsk(tx *bbolt.Tx, c Command) error {
	a, err := askOf(tx, c)
	if a == nil || err != nil {
		return err
	}
	a.Open++
	return put(tx.Bucket(bucketAsks), pairKey(c.Source, c.Ask), a)
}

// askOf reads the ask of a command; nil if it has none.
func askOf(tx *bbolt.Tx, c Command) (*Ask, error) {
	if c.Ask == "" {
		return nil, nil
	}
	v := tx.Bucket(bucketAsks).Get(pairKey(c.Source, c.Ask))
	if v == nil {
		return nil, nil
	}
	var a Ask
	if err := json.Unmarshal(v, &a); err != nil {
		return nil, fmt.Errorf("a device command of %s cannot be read: %w", c.Source, err)
	}
	return &a, nil
}

// settleAsk counts a settled command; the ask is ready when it was the last.
func settleAsk(tx *bbolt.Tx, c Command) (ready bool, err error) {
	a, err := askOf(tx, c)
	if a == nil || err != nil {
		return false, err
	}
	a.Open--
	if severity(c.State) > severity(a.Outcome) || a.Note == "" {
		a.Note = c.Note
	}
	if severity(c.State) > severity(a.Outcome) {
		a.Outcome = c.State
	}
	return a.Open == 0, put(tx.Bucket(bucketAsks), pairKey(c.Source, c.Ask), a)
}

func severity(s State) int {
	switch s {
	case Error:
		return 2
	case Cancelled:
		return 1
	}
	return 0
}

// wakeReport tells the report loop to look. s.mu is held.
func (s *Store) wakeReport() {
	close(s.report)
	s.report = make(chan struct{})
}

// Unreported returns the asks of a source that are answered and that the PMS
// has not been told of, oldest id first, and a channel that is closed when
// there may be more.
func (s *Store) Unreported(source string) ([]Ask, <-chan struct{}, error) {
	s.mu.Lock()
	more := s.report
	s.mu.Unlock()
	var asks []Ask
	err := s.db.View(func(tx *bbolt.Tx) error {
		prefix := pairKey(source, "")
		cursor := tx.Bucket(bucketAsks).Cursor()
		for k, v := cursor.Seek(prefix); k != nil && hasPrefix(k, prefix); k, v = cursor.Next() {
			var a Ask
			if err := json.Unmarshal(v, &a); err != nil {
				return fmt.Errorf("a device command of %s cannot be read: %w", source, err)
			}
			if a.Open == 0 && !a.Told {
				asks = append(asks, a)
			}
		}
		return nil
	})
	return asks, more, err
}

// Reported records that the PMS has the answer.
func (s *Store) Reported(a Ask) error {
	a.Told = true
	return s.commit(func(tx *bbolt.Tx) error { return put(tx.Bucket(bucketAsks), pairKey(a.Source, a.ID), a) }, nil)
}

func hasPrefix(k, prefix []byte) bool {
	return len(k) >= len(prefix) && string(k[:len(prefix)]) == string(prefix)
}
