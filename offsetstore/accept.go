package offsetstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

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

// flushQuiet is how many quiet notices may wait for a commit of their offset.
const flushQuiet = 1024

type lazyOffset struct {
	offset string
	quiet  int // notices since the last commit
	dirty  bool
}

// Accept takes a batch as one: the offset, how stays look after it, and what
// devices have to do because of it. It returns when all of that is durable. A batch that changes
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
		if err := errors.Join(s.putOffsets(tx, b.Source, b.Offset), putRecords(tx, b.Records), s.forgetWanted(tx, b.Unwanted)); err != nil {
			return err
		}
		fresh, err := openAsks(tx, b.Asks)
		if err != nil {
			return err
		}
		for _, c := range b.Commands {
			if answers, known := fresh[c.Ask]; known && !answers {
				continue // the PMS has asked before
			}
			old, inserted, err := s.insert(tx, &c)
			if err != nil {
				return err
			}
			if !inserted {
				continue
			}
			if old != nil {
				replaced = append(replaced, old)
				asked = asked || old.Ask != ""
			}
			if c.Setting {
				over, err := s.overtake(tx, &c, added)
				if err != nil {
					return err
				}
				replaced = append(replaced, over...)
				asked = asked || len(over) > 0
			}
			added = append(added, &c)
		}
		if err := closeAsks(tx, b.Asks, fresh, added); err != nil {
			return err
		}
		asked = asked || len(b.Asks) > 0
		return errors.Join(putQuarantine(tx, b.Quarantine), s.putUnmapped(tx))
	}, func() {
		delete(s.lazy, b.Source)
		for _, c := range added {
			s.deliver(c)
		}
		for _, c := range replaced { // after the adding: it may be of this very batch
			s.lane(c.Lane).drop(c)
		}
		if asked {
			s.wakeReport()
		}
	})
}

// putRecords stores records, and forgets those that are nil.
func putRecords(tx *bbolt.Tx, records map[string][]byte) error {
	bucket := tx.Bucket(bucketRecords)
	var errs []error
	for id, v := range records {
		if v == nil {
			errs = append(errs, bucket.Delete([]byte(id)))
		} else {
			errs = append(errs, bucket.Put([]byte(id), v))
		}
	}
	return errors.Join(errs...)
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

// Flush writes the offsets of quiet notices, the names that nothing maps, and
// what is on the shelf.
func (s *Store) Flush() error {
	s.mu.Lock()
	idle := len(s.unmapped) == 0 && len(s.shelf.commands) == 0
	for _, l := range s.lazy {
		idle = idle && !l.dirty
	}
	s.mu.Unlock()
	if idle {
		return s.Err()
	}
	return s.submit(&write{
		change: func(tx *bbolt.Tx) error { return errors.Join(s.putOffsets(tx, "", ""), s.putUnmapped(tx)) },
		done:   make(chan error, 1), clear: true,
	})
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
func (s *Store) insert(tx *bbolt.Tx, c *Command) (replaced *Command, fresh bool, err error) {
	s.mu.Lock()
	known := s.openIDs[c.ID]
	s.mu.Unlock()
	if known || tx.Bucket(bucketIDs).Get([]byte(c.ID)) != nil {
		return nil, false, nil
	}
	seq, err := tx.Bucket(bucketMeta).NextSequence()
	if err != nil {
		return nil, false, err
	}
	c.Seq, c.State = int64(seq), Pending
	s.mark(c)
	if err := errors.Join(put(tx.Bucket(bucketOpen), seqKey(c.Seq), c), countAsk(tx, *c)); err != nil {
		return nil, false, err
	}
	if c.Setting {
		if replaced, err = s.replace(tx, c); err != nil {
			return nil, false, err
		}
	}
	s.mu.Lock()
	s.noteOpen(c)
	s.mu.Unlock()
	return replaced, true, nil
}

// replace settles the setting whose place c takes, if there is one that has
// not been carried out.
func (s *Store) replace(tx *bbolt.Tx, c *Command) (*Command, error) {
	s.mu.Lock()
	seq := s.newest[string(pairKey(c.Lane, c.Subject))]
	settled := s.shelf.settled[seq]
	s.mu.Unlock()
	v := tx.Bucket(bucketOpen).Get(seqKey(seq))
	if settled || v == nil {
		return nil, nil
	}
	var old Command
	if err := json.Unmarshal(v, &old); err != nil {
		return nil, fmt.Errorf("a setting of %s cannot be read: %w", c.Lane, err)
	}
	old.State, old.Settled = Cancelled, c.Created
	old.Note = "replaced by a newer one before it was sent"
	_, err := settleAsk(tx, old)
	return &old, errors.Join(err, s.file(tx, old))
}

// overtake settles the held jobs of the subject that a setting comes after: in
// a replay the later word counts, and no card is cut for who has left since.
func (s *Store) overtake(tx *bbolt.Tx, c *Command, added []*Command) (over []*Command, err error) {
	held := func(job *Command) bool {
		return !job.Setting && !job.Hold.IsZero() && job.State == Pending && job.Lane == c.Lane && job.Subject == c.Subject
	}
	for _, job := range added { // of this batch
		if held(job) {
			over = append(over, job)
		}
	}
	s.mu.Lock()
	if sub := s.lane(c.Lane).subjects[c.Subject]; sub != nil && !sub.running {
		for _, job := range slices.Clone(sub.queue) {
			if held(job) {
				over = append(over, job)
				s.lane(c.Lane).drop(job) // at once: nobody may take it any more
			}
		}
	}
	s.mu.Unlock()
	for _, job := range over {
		job.State, job.Settled, job.Note = Cancelled, c.Created, "overtaken by what came after it"
		_, asked := settleAsk(tx, *job)
		if err := errors.Join(asked, s.file(tx, *job)); err != nil {
			return nil, err
		}
	}
	return over, nil
}

// forgetWanted drops the newest settings of the given subjects, on every lane.
func (s *Store) forgetWanted(tx *bbolt.Tx, subjects []string) error {
	if len(subjects) == 0 {
		return nil
	}
	gone := make(map[string]bool, len(subjects))
	for _, subject := range subjects {
		gone[subject] = true
	}
	s.mu.Lock()
	maps.DeleteFunc(s.newest, func(key string, _ int64) bool { return gone[subjectOf([]byte(key))] })
	s.mu.Unlock()
	return errors.Join(forget(tx.Bucket(bucketWanted), gone), forget(tx.Bucket(bucketKnown), gone))
}

// subjectOf is the second part of a key made by pairKey.
func subjectOf(key []byte) string {
	_, subject, _ := bytes.Cut(key, []byte{0})
	return string(subject)
}

func forget(bucket *bbolt.Bucket, gone map[string]bool) error {
	cursor := bucket.Cursor()
	for k, _ := cursor.First(); k != nil; {
		if !gone[subjectOf(k)] {
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
