package offsetstore

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"iter"
	"time"

	"go.etcd.io/bbolt"
)

// Offset is how far a source has been read, "" at first.
func (s *Store) Offset(source string) (string, error) {
	s.mu.Lock()
	if l, ok := s.lazy[source]; ok {
		s.mu.Unlock()
		return l.offset, nil
	}
	s.mu.Unlock()
	var offset string
	err := s.db.View(func(tx *bbolt.Tx) error {
		offset = string(tx.Bucket(bucketOffsets).Get([]byte(source)))
		return nil
	})
	return offset, err
}

// Records yields the ledger's records. The bytes are the caller's.
func (s *Store) Records() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		s.db.View(func(tx *bbolt.Tx) error {
			cursor := tx.Bucket(bucketRecords).Cursor()
			for k, v := cursor.First(); k != nil; k, v = cursor.Next() {
				if !yield(string(k), append([]byte(nil), v...)) {
					break
				}
			}
			return nil
		})
	}
}

// Wanted lists the newest setting of every subject of a lane, sent or not.
func (s *Store) Wanted(lane string) ([]Command, error) {
	prefix := pairKey(lane, "")
	return s.list(func(tx *bbolt.Tx, add func([]byte) error) error {
		cursor := tx.Bucket(bucketWanted).Cursor()
		for k, v := cursor.Seek(prefix); k != nil && hasPrefix(k, prefix); k, v = cursor.Next() {
			if err := add(v); err != nil {
				return err
			}
		}
		return nil
	})
}

// Known is what a command about the subject last left to know, nil if nothing.
func (s *Store) Known(lane, subject string) ([]byte, error) {
	var out []byte
	err := s.db.View(func(tx *bbolt.Tx) error {
		out = append(out, tx.Bucket(bucketKnown).Get(pairKey(lane, subject))...)
		return nil
	})
	return out, err
}

// Open lists the unsettled commands, oldest first.
func (s *Store) Open() ([]Command, error) {
	return s.list(func(tx *bbolt.Tx, add func([]byte) error) error {
		return tx.Bucket(bucketOpen).ForEach(func(_, v []byte) error { return add(v) })
	})
}

// Unknown lists the settled commands of which nobody knows whether they were
// carried out. They stay listed for the retention.
func (s *Store) Unknown() ([]Command, error) {
	return s.list(func(tx *bbolt.Tx, add func([]byte) error) error {
		return tx.Bucket(bucketUnknown).ForEach(func(_, v []byte) error { return add(v) })
	})
}

// Done lists the settled commands, in no useful order.
func (s *Store) Done() ([]Command, error) {
	return s.list(func(tx *bbolt.Tx, add func([]byte) error) error {
		return tx.Bucket(bucketDone).ForEach(func(k, v []byte) error {
			if k[0] == 0 {
				return nil
			}
			return add(v)
		})
	})
}

func (s *Store) list(walk func(tx *bbolt.Tx, add func([]byte) error) error) ([]Command, error) {
	var commands []Command
	err := s.db.View(func(tx *bbolt.Tx) error {
		return walk(tx, func(v []byte) error {
			var c Command
			if err := json.Unmarshal(v, &c); err != nil {
				return err
			}
			commands = append(commands, c)
			return nil
		})
	})
	return commands, err
}

// Quarantined lists what could not be decoded, oldest first.
func (s *Store) Quarantined() ([]Sample, error) { return s.samples(bucketQuarantine) }

// Unmapped lists the names that nothing maps, with their counts as last written.
func (s *Store) Unmapped() ([]Sample, error) { return s.samples(bucketUnmapped) }

func (s *Store) samples(bucket []byte) ([]Sample, error) {
	var samples []Sample
	err := s.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucket).ForEach(func(_, v []byte) error {
			var q Sample
			if err := json.Unmarshal(v, &q); err != nil {
				return err
			}
			samples = append(samples, q)
			return nil
		})
	})
	return samples, err
}

// Memory is the small durable memory of that name, for a source.
func (s *Store) Memory(name string) *Memory { return &Memory{store: s, name: name} }

// Memory keeps a few bytes across restarts.
type Memory struct {
	store *Store
	name  string
}

// Load returns what was last saved, nil at first.
func (m *Memory) Load() ([]byte, error) {
	var out []byte
	err := m.store.db.View(func(tx *bbolt.Tx) error {
		out = append([]byte(nil), tx.Bucket(bucketMemory).Get([]byte(m.name))...)
		return nil
	})
	return out, err
}

// Save returns when the bytes are durable.
func (m *Memory) Save(v []byte) error {
	v = append([]byte(nil), v...)
	return m.store.commit(func(tx *bbolt.Tx) error { return tx.Bucket(bucketMemory).Put([]byte(m.name), v) }, nil)
}

// Clock returns the latest wall-clock time that Tick has recorded; a clock
// before it is wrong.
func (s *Store) Clock() time.Time {
	var at time.Time
	s.db.View(func(tx *bbolt.Tx) error {
		if v := tx.Bucket(bucketMeta).Get([]byte("clock")); len(v) == 8 {
			at = time.Unix(int64(binary.BigEndian.Uint64(v)), 0)
		}
		return nil
	})
	return at
}

// Tick records the time, prunes settled commands older than the retention and
// answers older than it, and flushes. It is meant to be called about hourly.
func (s *Store) Tick(now time.Time) error {
	old, err := s.outdated(now.Add(-s.opt.Retention))
	if err != nil {
		return err
	}
	return s.commit(func(tx *bbolt.Tx) error {
		if err := tx.Bucket(bucketMeta).Put([]byte("clock"), seqKey(now.Unix())); err != nil {
			return err
		}
		if err := s.putOffsets(tx, "", ""); err != nil {
			return err
		}
		for _, o := range old {
			if err := tx.Bucket(o.bucket).Delete(o.key); err != nil {
				return err
			}
		}
		return nil
	}, nil)
}

type outdated struct{ bucket, key []byte }

// maxPrune bounds how many records one Tick takes out.
const maxPrune = 10_000

// outdated finds settled commands, told asks and settled wanted settings that
// nobody has touched since the given time.
func (s *Store) outdated(before time.Time) ([]outdated, error) {
	var old []outdated
	note := func(bucket, k []byte) { old = append(old, outdated{bucket, append([]byte(nil), k...)}) }
	err := s.db.View(func(tx *bbolt.Tx) error {
		walk := func(bucket []byte, gone func(k, v []byte) bool) error {
			return tx.Bucket(bucket).ForEach(func(k, v []byte) error {
				if len(old) < maxPrune && gone(k, v) {
					note(bucket, k)
				}
				return nil
			})
		}
		settledBefore := func(k, v []byte) bool {
			var c struct {
				Settled time.Time `json:"settled"`
			}
			return k[0] != 0 && json.Unmarshal(v, &c) == nil && c.Settled.Before(before)
		}
		if err := errors.Join(walk(bucketDone, settledBefore), walk(bucketUnknown, settledBefore)); err != nil {
			return err
		}
		return walk(bucketAsks, func(_, v []byte) bool {
			var a Ask
			return json.Unmarshal(v, &a) == nil && a.Told && a.At.Before(before)
		})
	})
	return old, err
}
