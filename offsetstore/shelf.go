package offsetstore

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// shelf holds commands that are settled but still stand among the open ones in
// the file, in the order of settling. Filing each at once would write a dozen
// pages for it.
type shelf struct {
	commands []Command
	settled  map[int64]bool // their seq
	since    time.Time      // when the first was put there
}

// shelfSize is how many commands are filed together at the latest.
const shelfSize = 64

// shelve puts a settled command on the shelf and lets its subject go on. s.mu
// is held.
func (s *Store) shelve(c Command) {
	if len(s.shelf.commands) == 0 {
		s.shelf.since = time.Now()
		select {
		case s.nudge <- struct{}{}:
		default:
		}
	}
	s.shelf.commands = append(s.shelf.commands, c)
	s.shelf.settled[c.Seq] = true
	s.lane(c.Lane).release(&c, false)
}

// drop takes the first n commands off: they are filed. s.mu is held.
func (h *shelf) drop(n int) {
	for _, c := range h.commands[:n] {
		delete(h.settled, c.Seq)
	}
	h.commands = append([]Command(nil), h.commands[n:]...)
	h.since = time.Now()
}

// shelfDue tells when the shelf has waited long enough; never while it is empty.
func (s *Store) shelfDue() <-chan time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.shelf.commands) == 0 {
		return nil
	}
	return time.After(time.Until(s.shelf.since.Add(s.opt.Linger)))
}

// clearShelf files what is on the shelf, if it is time or now is set, and
// returns how many commands that were.
func (s *Store) clearShelf(tx *bbolt.Tx, now bool) (int, error) {
	s.mu.Lock()
	commands := s.shelf.commands
	due := now || len(commands) >= shelfSize || time.Since(s.shelf.since) >= s.opt.Linger
	s.mu.Unlock()
	if !due {
		return 0, nil
	}
	for _, c := range commands {
		if err := s.file(tx, c); err != nil {
			return 0, err
		}
	}
	return len(commands), nil
}

// file moves a command from the open ones to the settled ones. One that was
// replaced while it was under way is there already; if it was carried out
// after all, its record is corrected.
func (s *Store) file(tx *bbolt.Tx, c Command) error {
	open, done, key := tx.Bucket(bucketOpen), tx.Bucket(bucketDone), seqKey(c.Seq)
	known := c.Known
	c.Known = nil
	if len(known) > 0 {
		if err := tx.Bucket(bucketKnown).Put(pairKey(c.Lane, c.Subject), known); err != nil {
			return err
		}
	}
	if open.Get(key) == nil {
		if c.State != Processed || done.Get(key) == nil {
			return nil
		}
		c.Body = nil
		return put(done, key, c)
	}
	pair := pairKey(c.Lane, c.Subject)
	var errs []error
	switch {
	case c.Unknown:
		errs = append(errs, put(tx.Bucket(bucketUnknown), []byte(c.ID), c))
	case c.State == Processed && !c.Setting:
		errs = append(errs, forgive(tx, c))
	}
	s.mu.Lock()
	delete(s.openIDs, c.ID)
	wanted := c.Setting && s.newest[string(pair)] == c.Seq
	if wanted {
		delete(s.newest, string(pair))
	}
	s.mu.Unlock()
	if wanted {
		errs = append(errs, tx.Bucket(bucketWanted).Put(pair, key))
	} else {
		c.Body = nil // nobody carries it out again, and there are names in it
	}
	errs = append(errs, open.Delete(key), put(done, key, c), tx.Bucket(bucketIDs).Put([]byte(c.ID), key))
	return errors.Join(errs...)
}

// isWanted reports whether a settled setting is the newest of its subject.
func isWanted(tx *bbolt.Tx, lane, subject string, key []byte) bool {
	v := tx.Bucket(bucketWanted).Get(pairKey(lane, subject))
	return len(v) == 8 && binary.BigEndian.Uint64(v) == binary.BigEndian.Uint64(key)
}

// forgive takes the unknown outcomes of a subject off the list once a later job
// of it has been carried out: whoever looked has acted.
func forgive(tx *bbolt.Tx, c Command) error {
	bucket := tx.Bucket(bucketUnknown)
	var over [][]byte
	err := bucket.ForEach(func(k, v []byte) error {
		var u Command
		if err := json.Unmarshal(v, &u); err != nil {
			return err
		}
		if u.Lane == c.Lane && u.Subject == c.Subject {
			over = append(over, bytes.Clone(k))
		}
		return nil
	})
	for _, k := range over {
		err = errors.Join(err, bucket.Delete(k))
	}
	return err
}

// holds reports whether a settled command of the subject is on the shelf: it
// must be filed before a job of the subject begins, or a power cut would have
// it carried out again after that job. s.mu is held.
func (h *shelf) holds(lane, subject string) bool {
	return slices.ContainsFunc(h.commands, func(c Command) bool { return c.Lane == lane && c.Subject == subject })
}
