package offsetstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// A store that comes back from a backup is older than what has happened: cards
// were cut since then of which it knows nothing, and the PMS will tell of their
// guests once more. So it says of itself that it was restored, and then:
//
//   - What was waiting when the backup was taken, and may happen once only or comes
//     too late at some time, counts as unknown: it may have been done since.
//   - What the PMS says happened before the first start of the restored gateway is
//     Doubtful: whoever makes commands of it enters them as Unknown.
//   - Until a source has caught up (Behind), its settings of then are not sent:
//     they are about guests who may have left.
//   - Numbers of commands go on from the clock: devices have seen later ones than
//     the backup has.

// NoteRestored is the Note of a command, or the answer to an ask, of which the
// gateway does not know any more whether it was done.
const NoteRestored = "outcome unknown: this gateway came back from a backup, and it may have been done after that was taken; look before doing it again"

var keyRestored = []byte("restored") // in bucketMeta

// restored is what a store knows of its own return.
type restored struct {
	Taken time.Time `json:"taken"` // when the backup was
	At    time.Time `json:"at"`    // when the file was put back
	// Since is when the store was first opened after that; zero until then.
	Since  time.Time `json:"since,omitzero"`
	Caught []string  `json:"caught,omitempty"` // sources that have caught up since
}

// MarkRestored notes in a file that nobody has open that it comes from a backup
// taken at that time. It refuses a file of a newer format.
func MarkRestored(path string, taken, now time.Time) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return openProblem(path, err)
	}
	err = mark(db, taken, now)
	if err != nil {
		err = fmt.Errorf("open %s: %w", path, err)
	}
	return errors.Join(err, db.Close())
}

func mark(db *bbolt.DB, taken, now time.Time) error {
	have, err := formatOf(db)
	switch {
	case err != nil:
		return err
	case have == 0:
		return errors.New("it is no store of edgeagent")
	case have > Format:
		return newer(db.Path(), have, Format)
	}
	return db.Update(func(tx *bbolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		next := max(meta.Sequence(), sequenceAt(now))
		return errors.Join(meta.SetSequence(next), put(meta, keyRestored, restored{Taken: taken, At: now}))
	})
}

// sequenceAt is where the numbers of commands begin in a store made at that time.
// No gateway has a thousand commands in a millisecond, so they never get ahead of it.
func sequenceAt(now time.Time) uint64 { return uint64(now.UnixMilli()) * 1000 }

// loadRestored reads whether the store was restored. first says that nobody has
// opened it since.
func (s *Store) loadRestored(meta *bbolt.Bucket) (first bool, err error) {
	text := meta.Get(keyRestored)
	if text == nil {
		return false, nil
	}
	r := &restored{}
	if err := json.Unmarshal(text, r); err != nil {
		return false, fmt.Errorf("when the store was restored cannot be read: %w", err)
	}
	s.restored = r
	if !r.Since.IsZero() {
		return false, nil
	}
	r.Since = time.Now()
	if r.Since.Before(r.At) {
		r.Since = r.At // the clock was put back
	}
	return true, put(meta, keyRestored, r)
}

// doubts settles a command of a restored store that may have been done since the
// backup. It is false for one that may be done again, or that is not too late.
func (c *Command) doubts(now time.Time) bool {
	if c.Setting && c.Deadline.IsZero() {
		return false
	}
	c.State, c.Unknown, c.Settled, c.Note = Error, true, now, NoteRestored
	return true
}

// doubtNotDone has a person look once more at what was found not to be done before
// the backup: it may have been given out again since.
func doubtNotDone(tx *bbolt.Tx) error {
	bucket := tx.Bucket(bucketUnknown)
	var again []Command
	err := bucket.ForEach(func(_, v []byte) error {
		var c Command
		if err := json.Unmarshal(v, &c); err != nil {
			return err
		}
		if !c.Unknown {
			c.Unknown, c.Note = true, NoteRestored
			again = append(again, c)
		}
		return nil
	})
	for _, c := range again {
		err = errors.Join(err, put(bucket, []byte(c.ID), c))
	}
	return err
}

// Restored is when the backup was taken that the store came back from, and when it
// was first opened after that; zero if it never was restored.
func (s *Store) Restored() (taken, since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.restored == nil {
		return taken, since
	}
	return s.restored.Taken, s.restored.Since
}

// Behind reports whether the store was restored and the source has not told yet
// what has happened since the backup. No PMS tells more than the retention.
func (s *Store) Behind(source string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.behind(source, time.Now())
}

// behind is Behind. s.mu is held, or nobody else knows s yet.
func (s *Store) behind(source string, now time.Time) bool {
	r := s.restored
	return r != nil && source != "" && !slices.Contains(r.Caught, source) && now.Sub(r.Since) < s.opt.Retention
}

// Doubtful reports whether what a source tells may have happened before the store
// was restored, and after the backup: then it may have been acted on already. at is
// the earliest instant at which it can have happened, zero if nobody knows.
func (s *Store) Doubtful(source string, at time.Time, replayed bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r := s.restored; {
	case r == nil:
		return false
	case replayed && (at.IsZero() || s.behind(source, time.Now())):
		return true
	default:
		return !at.IsZero() && !at.After(r.Since)
	}
}

// caughtUp notes that a source has told what has happened since the backup. Should
// the note be lost with the power, the source is doubted once more.
func (s *Store) caughtUp(source string) {
	s.mu.Lock()
	news := s.behind(source, time.Now())
	var now restored
	if news {
		s.restored.Caught = append(s.restored.Caught, source)
		now = *s.restored
		now.Caught = slices.Clone(now.Caught)
	}
	s.mu.Unlock()
	if news {
		// An error has ended the store: whoever comes next gets it.
		_ = s.enqueue(&write{change: func(tx *bbolt.Tx) error { return put(tx.Bucket(bucketMeta), keyRestored, now) }})
	}
}

// Snapshot hands over the file as it is at one moment, with everything that is
// known by then; the store goes on meanwhile. begin is told its size in bytes.
func (s *Store) Snapshot(begin func(size int64) (io.Writer, error)) error {
	s.copying.Lock() // bbolt reads through the one file that it has open
	defer s.copying.Unlock()
	if err := s.Flush(); err != nil {
		return err
	}
	return snapshot(s.db, begin)
}

// SnapshotFile is Snapshot of a file that no agent has open.
func SnapshotFile(path string, begin func(size int64) (io.Writer, error)) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, ReadOnly: true})
	if err != nil {
		return openProblem(path, err)
	}
	return errors.Join(snapshot(db, begin), db.Close())
}

func snapshot(db *bbolt.DB, begin func(size int64) (io.Writer, error)) error {
	return db.View(func(tx *bbolt.Tx) error {
		w, err := begin(tx.Size())
		if err != nil {
			return err
		}
		_, err = tx.WriteTo(w)
		return err
	})
}
