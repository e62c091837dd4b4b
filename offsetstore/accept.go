package offsetstore

import (
	"bytes"
	"errors"
	"maps"

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
	// Again: the commands are earlier ones given out once more. They are no news
	// of their subjects, see Store.Newer.
	Again bool
	// Asks are the PMS's device commands in the batch. One without a Command
	// that carries its id is answered with Error and its Note. One with an
	// Outcome is answered with that and its Note at once, whatever carries its id.
	Asks []Ask
	// Withdrawn are ids of device commands that the PMS wants no more. What
	// waits of them is settled as Cancelled; of others nothing happens.
	Withdrawn  []string
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
	withdrawn, err := s.withdrawable(&b)
	if err != nil {
		return err
	}
	if len(b.Records) == 0 && len(b.Commands) == 0 && len(b.Asks) == 0 &&
		len(b.Quarantine) == 0 && len(b.Unwanted) == 0 && len(withdrawn) == 0 {
		return s.acceptQuiet(b)
	}
	var t taken
	return s.commit(func(tx *bbolt.Tx) (err error) {
		t, err = s.take(tx, &b, withdrawn)
		return err
	}, func() {
		delete(s.lazy, b.Source)
		for _, c := range t.added {
			if !b.Again {
				s.noteNews(c)
			}
			s.deliver(c)
		}
		for _, c := range t.entered {
			s.noteNews(c)
		}
		for _, c := range t.replaced { // after the adding: it may be of this very batch
			s.lane(c.Lane).drop(c)
		}
		if t.asked {
			s.wakeReport()
		}
	})
}

// taken is what a batch changes in memory once it is durable.
type taken struct {
	added, replaced []*Command
	entered         []*Command // as Unknown: nobody carries them out
	asked           bool       // an ask has gone on
}

// take writes a batch. withdrawn are those of its withdrawals that count.
func (s *Store) take(tx *bbolt.Tx, b *Batch, withdrawn []string) (t taken, err error) {
	if err := errors.Join(s.putOffsets(tx, b.Source, b.Offset), putRecords(tx, b.Records), s.forgetWanted(tx, b.Unwanted)); err != nil {
		return t, err
	}
	fresh, err := openAsks(tx, b)
	if err != nil {
		return t, err
	}
	for _, c := range b.Commands {
		if wants, known := fresh[c.Ask]; known && !wants {
			continue // the PMS has asked before, or has its answer
		}
		if err := s.add(tx, &c, &t); err != nil {
			return t, err
		}
	}
	if err := closeAsks(tx, b.Asks, fresh, t.added, t.entered); err != nil {
		return t, err
	}
	settled, err := s.withdraw(tx, b.Source, withdrawn)
	t.asked = t.asked || settled || len(b.Asks) > 0
	return t, errors.Join(err, putQuarantine(tx, b.Quarantine), s.putUnmapped(tx))
}

// add stores a command, with what it makes needless.
func (s *Store) add(tx *bbolt.Tx, c *Command, t *taken) error {
	old, inserted, err := s.insert(tx, c)
	if err != nil || !inserted {
		return err
	}
	if old != nil {
		t.replaced = append(t.replaced, old)
		t.asked = t.asked || old.Ask != ""
	}
	if c.Setting {
		over, err := s.overtake(tx, c, t.added)
		if err != nil {
			return err
		}
		t.replaced = append(t.replaced, over...)
		t.asked = t.asked || len(over) > 0
	}
	if !c.Unknown {
		t.added = append(t.added, c)
		return nil
	}
	t.entered, t.asked = append(t.entered, c), true
	c.State, c.Settled = Error, c.Created
	_, err = settleAsk(tx, *c)
	return errors.Join(err, s.file(tx, *c))
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
	if !c.Unknown {
		s.mark(c)
	}
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
	maps.DeleteFunc(s.news, func(key string, _ news) bool { return gone[subjectOf([]byte(key))] })
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
