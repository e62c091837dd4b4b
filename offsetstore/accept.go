package offsetstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// Batch is what a group of notices came to.
type Batch struct {
	Source string
	// Offset is where to resume once this batch is durable; "" leaves it as it is.
	Offset string
	// Quiet counts the notices that changed nothing.
	Quiet int
	// Records to store; a nil value forgets the record.
	Records map[string][]byte
	// Unwanted are subjects of which no setting needs to be known any more.
	Unwanted []string
	// Commands to insert unless their ID is known. Seq and State are given here.
	Commands []Command
	// Asks are the PMS's device commands in the batch. One without a Command
	// that carries its id is answered with Error and its Note.
	Asks       []Ask
	Quarantine []Sample
	Unmapped   []Sample
}

// Sample is something that could not be read or mapped, kept for a person to look at.
type Sample struct {
	Source string    `json:"source"`
	Name   string    `json:"name,omitempty"`
	At     time.Time `json:"at"`
	Count  int       `json:"count,omitempty"`
	Raw    []byte    `json:"raw,omitempty"`
}

const (
	maxQuarantine = 100  // newest kept
	maxUnmapped   = 500  // names; further ones are only counted as "…"
	flushQuiet    = 1024 // quiet notices whose offset may wait for a commit
)

type lazyOffset struct {
	offset string
	quiet  int // notices since the last commit
	dirty  bool
}

// Accept records, in one transaction: read up to here, the house now looks so,
// therefore do this. It returns when that is durable. A batch that changes
// nothing is not written: its offset goes with the next commit, or after 1,024
// quiet notices, since replaying those is harmless.
func (s *Store) Accept(b Batch) error {
	s.noteUnmapped(b.Unmapped)
	if len(b.Records) == 0 && len(b.Commands) == 0 && len(b.Asks) == 0 &&
		len(b.Quarantine) == 0 && len(b.Unwanted) == 0 {
		return s.acceptQuiet(b)
	}
	var added, replaced []*Command
	asked := false
	return s.commit(func(tx *bbolt.Tx) error {
		added, replaced = nil, nil
		var err error
		if err = s.putOffsets(tx, b.Source, b.Offset); err != nil {
			return err
		}
		records := tx.Bucket(bucketRecords)
		for id, v := range b.Records {
			if v == nil {
				err = records.Delete([]byte(id))
			} else {
				err = records.Put([]byte(id), v)
			}
			if err != nil {
				return err
			}
		}
		if err := forgetWanted(tx, b.Unwanted); err != nil {
			return err
		}
		open := map[string]int{} // ask -> commands that answer it
		for _, c := range b.Commands {
			old, fresh, err := insert(tx, &c)
			if err != nil {
				return err
			}
			if !fresh {
				continue
			}
			if old != nil {
				replaced = append(replaced, old)
			}
			if c.Ask != "" {
				open[c.Ask]++
			}
			added = append(added, &c)
		}
		for _, a := range b.Asks {
			if err := insertAsk(tx, a, open[a.ID]); err != nil {
				return err
			}
			asked = asked || open[a.ID] == 0
		}
		return errors.Join(putQuarantine(tx, b.Quarantine), s.putUnmapped(tx))
	}, func() {
		delete(s.lazy, b.Source)
		for _, c := range added {
			s.lane(c.Lane).add(c)
		}
		for _, c := range replaced { // after the adding: it may be of this very batch
			s.lane(c.Lane).drop(c)
		}
		if asked {
			s.wakeReport()
		}
	})
}

func (s *Store) acceptQuiet(b Batch) error {
	if b.Offset == "" {
		return s.Err()
	}
	s.mu.Lock()
	l := s.lazy[b.Source]
	l.offset = b.Offset
	l.quiet += b.Quiet
	l.dirty = true
	s.lazy[b.Source] = l
	s.mu.Unlock()
	if l.quiet >= flushQuiet {
		return s.Flush()
	}
	return s.Err()
}

// Flush writes the offsets of quiet notices and the names that nothing maps.
func (s *Store) Flush() error {
	s.mu.Lock()
	idle := len(s.unmapped) == 0
	for _, l := range s.lazy {
		idle = idle && !l.dirty
	}
	s.mu.Unlock()
	if idle {
		return s.Err()
	}
	return s.commit(func(tx *bbolt.Tx) error {
		return errors.Join(s.putOffsets(tx, "", ""), s.putUnmapped(tx))
	}, nil)
}

// putOffsets writes the batch's offset, and those that waited. A lazy offset
// stays in memory until a newer one of its source replaces it.
func (s *Store) putOffsets(tx *bbolt.Tx, source, offset string) error {
	bucket := tx.Bucket(bucketOffsets)
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, l := range s.lazy {
		if !l.dirty || name == source && offset != "" {
			continue
		}
		if err := bucket.Put([]byte(name), []byte(l.offset)); err != nil {
			return err
		}
		s.lazy[name] = lazyOffset{offset: l.offset}
	}
	if offset == "" {
		return nil
	}
	return bucket.Put([]byte(source), []byte(offset))
}

// insert stores a command unless its id is known. A setting takes the place
// of the unsettled one of its lane and subject, which is returned.
func insert(tx *bbolt.Tx, c *Command) (replaced *Command, fresh bool, err error) {
	open, done, wanted := tx.Bucket(bucketOpen), tx.Bucket(bucketDone), tx.Bucket(bucketWanted)
	if done.Get([]byte(c.ID)) != nil || done.Get(openID(c.ID)) != nil {
		return nil, false, nil
	}
	seq, err := tx.Bucket(bucketMeta).NextSequence()
	if err != nil {
		return nil, false, err
	}
	c.Seq, c.State = int64(seq), Pending
	if err := put(open, seqKey(c.Seq), c); err != nil {
		return nil, false, err
	}
	if err := done.Put(openID(c.ID), seqKey(c.Seq)); err != nil {
		return nil, false, err
	}
	if !c.Setting {
		return nil, true, nil
	}
	key := pairKey(c.Lane, c.Subject)
	if v := wanted.Get(key); v != nil {
		var old Command
		if err := json.Unmarshal(v, &old); err != nil {
			return nil, false, fmt.Errorf("the wanted setting of %s cannot be read: %w", c.Lane, err)
		}
		if v := open.Get(seqKey(old.Seq)); v != nil {
			if err := json.Unmarshal(v, &old); err != nil {
				return nil, false, err
			}
			old.State, old.Settled = Cancelled, c.Created
			old.Note = "replaced by a newer one before it was sent"
			if err := settle(tx, old); err != nil {
				return nil, false, err
			}
			replaced = &old
		}
	}
	return replaced, true, put(wanted, key, c)
}

// forgetWanted drops the newest settings of the given subjects, on every lane.
func forgetWanted(tx *bbolt.Tx, subjects []string) error {
	if len(subjects) == 0 {
		return nil
	}
	gone := make(map[string]bool, len(subjects))
	for _, subject := range subjects {
		gone[subject] = true
	}
	return errors.Join(forget(tx.Bucket(bucketWanted), gone), forget(tx.Bucket(bucketKnown), gone))
}

func forget(bucket *bbolt.Bucket, gone map[string]bool) error {
	cursor := bucket.Cursor()
	for k, _ := cursor.First(); k != nil; {
		_, subject, _ := bytes.Cut(k, []byte{0})
		if !gone[string(subject)] {
			k, _ = cursor.Next()
			continue
		}
		at := bytes.Clone(k)
		if err := cursor.Delete(); err != nil {
			return err
		}
		k, _ = cursor.Seek(at)
	}
	return nil
}

// openID is the key under which an unsettled command's id stands in the bucket
// of settled ones, so that one look-up tells whether an id is known.
func openID(id string) []byte { return append([]byte{0}, id...) }

func putQuarantine(tx *bbolt.Tx, samples []Sample) error {
	bucket := tx.Bucket(bucketQuarantine)
	for _, q := range samples {
		seq, err := bucket.NextSequence()
		if err != nil {
			return err
		}
		if err := put(bucket, seqKey(int64(seq)), q); err != nil {
			return err
		}
		if seq > maxQuarantine {
			if err := bucket.Delete(seqKey(int64(seq - maxQuarantine))); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) noteUnmapped(samples []Sample) {
	if len(samples) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range samples {
		if _, known := s.unmapped[u.Name]; !known && len(s.unmapped) >= maxUnmapped {
			u.Name, u.Raw = "…", nil
		}
		seen := s.unmapped[u.Name]
		u.Count = seen.Count + 1
		s.unmapped[u.Name] = u
	}
}

// putUnmapped adds the counts in memory to those in the file.
func (s *Store) putUnmapped(tx *bbolt.Tx) error {
	s.mu.Lock()
	fresh := s.unmapped
	s.unmapped = map[string]Sample{}
	s.mu.Unlock()
	bucket := tx.Bucket(bucketUnmapped)
	for name, u := range fresh {
		if v := bucket.Get([]byte(name)); v != nil {
			var old Sample
			if json.Unmarshal(v, &old) == nil {
				u.Count += old.Count
			}
		} else if bucket.Stats().KeyN >= maxUnmapped {
			continue
		}
		if err := put(bucket, []byte(name), u); err != nil {
			return err
		}
	}
	return nil
}
