package offsetstore

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// load brings the file into shape and the open commands into memory.
func (s *Store) load() error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		for _, name := range allBuckets() {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		if err := s.loadMeta(tx.Bucket(bucketMeta)); err != nil {
			return err
		}
		first, err := s.loadRestored(tx.Bucket(bucketMeta))
		if err != nil {
			return err
		}
		if err := s.loadAsks(tx); err != nil {
			return err
		}
		if first {
			if err := doubtNotDone(tx); err != nil {
				return err
			}
		}
		return s.loadOpen(tx, first)
	})
}

func (s *Store) loadMeta(meta *bbolt.Bucket) error {
	if v := meta.Get([]byte("format")); v == nil {
		key := make([]byte, 32)
		rand.Read(key)
		// The sequence starts at the clock: should the card die and the store
		// begin anew, numbers that devices have seen still lie behind.
		if err := meta.SetSequence(sequenceAt(time.Now())); err != nil {
			return err
		}
		return errors.Join(
			meta.Put([]byte("format"), binary.BigEndian.AppendUint32(nil, Format)),
			meta.Put([]byte("key"), key),
			s.setKey(key))
	}
	return s.setKey(meta.Get([]byte("key")))
}

func (s *Store) setKey(key []byte) error {
	s.key = append([]byte(nil), key...)
	return nil
}

// loadOpen fills the lanes, files jobs that were settled, and settles those
// that were under way. Of the settings of a subject only the newest is still
// wanted: an older one had been carried out, or the newer took its place. doubt
// says that the store comes from a backup, and may have gone on after it.
func (s *Store) loadOpen(tx *bbolt.Tx, doubt bool) error {
	var open, over []Command
	now := time.Now()
	err := tx.Bucket(bucketOpen).ForEach(func(_, v []byte) error {
		var c Command
		if err := json.Unmarshal(v, &c); err != nil {
			return fmt.Errorf("a command cannot be read: %w", err)
		}
		switch {
		case c.State.Final():
			over = append(over, c)
		case doubt && c.doubts(now):
			over = append(over, c)
		case c.State == Processing && !c.Setting:
			c.State, c.Unknown, c.Settled = Error, true, time.Now()
			c.Note = "outcome unknown: the agent stopped while the device was at work; look before doing it again"
			over = append(over, c)
		case c.Ask != "" && s.withdrawn[string(pairKey(c.Source, c.Ask))]:
			c.State, c.Settled, c.Note = Cancelled, time.Now(), NoteWithdrawn
			over = append(over, c)
		default:
			open = append(open, c)
			s.noteOpen(&c)
			s.noteNews(&c)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range open {
		if c.Setting && s.newest[string(pairKey(c.Lane, c.Subject))] != c.Seq {
			c.State, c.Settled, c.Note = Cancelled, time.Now(), "replaced by a newer one"
			over = append(over, c)
			continue
		}
		c.State = Pending
		if c.Setting && s.behind(c.Source, now) {
			c.Hold = now.Add(s.opt.Retention) // until the source has caught up
		}
		s.lane(c.Lane).add(&c)
	}
	for _, c := range over {
		if err := s.file(tx, c); err != nil {
			return err
		}
		if _, err := settleAsk(tx, c); err != nil {
			return err
		}
	}
	return nil
}

// noteOpen enters a command that is not filed. s.mu is held, or nobody else
// knows s yet.
func (s *Store) noteOpen(c *Command) {
	s.openIDs[c.ID] = true
	if c.Setting {
		s.newest[string(pairKey(c.Lane, c.Subject))] = c.Seq
	}
}
