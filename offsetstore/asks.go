package offsetstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// Ask is a device command of the PMS. It waits for the commands that answer
// it, and is then reported.
type Ask struct {
	Source string    `json:"source"`
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Open   int       `json:"open"` // commands that are not settled
	// Begun: a job of it has been marked, in the transaction that marked it.
	Begun bool `json:"begun,omitempty"`
	// Withdrawn: the PMS wants it no more.
	Withdrawn bool   `json:"withdrawn,omitempty"`
	Outcome   State  `json:"outcome"` // Processed, or the worst of its commands'
	Note      string `json:"note,omitempty"`
	// Settled is when the outcome was known.
	Settled time.Time `json:"settled,omitzero"`
	Told    bool      `json:"told,omitempty"` // the PMS has the answer
}

// State is where the device command stands: Pending until a job of it is begun,
// then Processing, in the end its outcome.
func (a *Ask) State() State {
	switch {
	case a.Open == 0:
		return a.Outcome
	case a.Begun:
		return Processing
	}
	return Pending
}

// openAsks enters the asks of a batch, and tells of each whether it is new and
// wants commands. Those of one that was asked before are not carried out again.
func openAsks(tx *bbolt.Tx, b *Batch) (map[string]bool, error) {
	fresh := map[string]bool{}
	asks, told := tx.Bucket(bucketAsks), tx.Bucket(bucketTold)
	for _, a := range b.Asks {
		if _, twice := fresh[a.ID]; twice {
			continue
		}
		key := pairKey(a.Source, a.ID)
		if fresh[a.ID] = asks.Get(key) == nil && told.Get(key) == nil; !fresh[a.ID] {
			continue
		}
		if slices.Contains(b.Withdrawn, a.ID) {
			a.Outcome, a.Note = Cancelled, NoteWithdrawn
		}
		a.Open = 0
		if a.Outcome != "" { // answered as it comes
			fresh[a.ID], a.Settled = false, a.At
		} else {
			a.Outcome, a.Note = Processed, ""
		}
		if err := put(asks, key, a); err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

// closeAsks answers those of a batch that no command answers.
func closeAsks(tx *bbolt.Tx, asks []Ask, fresh map[string]bool, commands ...[]*Command) error {
	answered := map[string]bool{}
	for _, some := range commands {
		for _, c := range some {
			answered[c.Ask] = true
		}
	}
	for _, a := range asks {
		if !fresh[a.ID] || answered[a.ID] {
			continue
		}
		a.Open, a.Outcome, a.Settled = 0, Error, a.At
		if err := put(tx.Bucket(bucketAsks), pairKey(a.Source, a.ID), a); err != nil {
			return err
		}
	}
	return nil
}

// countAsk adds a command to those that its ask waits for.
func countAsk(tx *bbolt.Tx, c Command) error {
	return changeAsk(tx, c, func(a *Ask) {
		a.Open++
		a.Begun = a.Begun || c.State == Processing
	})
}

// beginAsk notes that a job of the ask is marked.
func beginAsk(tx *bbolt.Tx, c Command) (begun bool, err error) {
	a, err := readAsk(tx, c.Source, c.Ask)
	if c.Ask == "" || a == nil || a.Begun || err != nil {
		return false, err
	}
	a.Begun = true
	return true, put(tx.Bucket(bucketAsks), pairKey(c.Source, c.Ask), a)
}

// settleAsk counts a settled command; the ask is ready when it was the last.
func settleAsk(tx *bbolt.Tx, c Command) (ready bool, err error) {
	err = changeAsk(tx, c, func(a *Ask) {
		a.Open--
		if severity(c.State) > severity(a.Outcome) || a.Note == "" {
			a.Note = c.Note
		}
		if severity(c.State) > severity(a.Outcome) {
			a.Outcome = c.State
		}
		if ready = a.Open == 0; ready {
			a.Settled = c.Settled
		}
	})
	return ready, err
}

// changeAsk changes the ask of a command, if it has one.
func changeAsk(tx *bbolt.Tx, c Command, change func(*Ask)) error {
	if c.Ask == "" {
		return nil
	}
	a, err := readAsk(tx, c.Source, c.Ask)
	if a == nil || err != nil {
		return err
	}
	change(a)
	return put(tx.Bucket(bucketAsks), pairKey(c.Source, c.Ask), a)
}

// readAsk reads an ask that has not been told; nil if there is none.
func readAsk(tx *bbolt.Tx, source, id string) (*Ask, error) {
	v := tx.Bucket(bucketAsks).Get(pairKey(source, id))
	if v == nil {
		return nil, nil
	}
	var a Ask
	if err := json.Unmarshal(v, &a); err != nil {
		return nil, fmt.Errorf("a device command of %s cannot be read: %w", source, err)
	}
	return &a, nil
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

// Untold returns the asks of a source of which the PMS has not been told the
// outcome, in the order of their ids, and a channel that is closed when one of
// them has gone on, or there is another.
func (s *Store) Untold(source string) ([]Ask, <-chan struct{}, error) {
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
			asks = append(asks, a)
		}
		return nil
	})
	return asks, more, err
}

// Reported records that the PMS has the answer.
func (s *Store) Reported(a Ask) error {
	a.Told = true
	key := pairKey(a.Source, a.ID)
	return s.commit(func(tx *bbolt.Tx) error {
		return errors.Join(tx.Bucket(bucketAsks).Delete(key), put(tx.Bucket(bucketTold), key, a))
	}, func() { delete(s.withdrawn, string(key)) })
}

// loadAsks knows again what was withdrawn. It files the told ones of a store
// that kept them among the others.
func (s *Store) loadAsks(tx *bbolt.Tx) error {
	asks, told := tx.Bucket(bucketAsks), tx.Bucket(bucketTold)
	var over []Ask
	err := asks.ForEach(func(k, v []byte) error {
		var a Ask
		if err := json.Unmarshal(v, &a); err != nil {
			return fmt.Errorf("a device command cannot be read: %w", err)
		}
		if a.Told {
			over = append(over, a)
		}
		if a.Withdrawn {
			s.withdrawn[string(k)] = true
		}
		return nil
	})
	for _, a := range over {
		key := pairKey(a.Source, a.ID)
		err = errors.Join(err, asks.Delete(key), put(told, key, a))
	}
	return err
}

func hasPrefix(k, prefix []byte) bool {
	return len(k) >= len(prefix) && string(k[:len(prefix)]) == string(prefix)
}
