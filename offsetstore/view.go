package offsetstore

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
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

// Records hands over the ledger's records, one by one. The bytes are valid
// only until each returns.
func (s *Store) Records(each func(id string, record []byte) error) error {
	return s.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketRecords).ForEach(func(k, v []byte) error { return each(string(k), v) })
	})
}

// Wanted lists the newest setting of every subject of a lane, sent or not.
func (s *Store) Wanted(lane string) ([]Command, error) {
	prefix := pairKey(lane, "")
	wanted := map[string]Command{}
	read := func(v []byte) error {
		var c Command
		if err := json.Unmarshal(v, &c); err != nil {
			return fmt.Errorf("a setting of %s cannot be read: %w", lane, err)
		}
		if c.Setting && c.Lane == lane && c.Seq > wanted[c.Subject].Seq {
			wanted[c.Subject] = c
		}
		return nil
	}
	err := s.db.View(func(tx *bbolt.Tx) error { // one moment: the newest of each subject is filed or open
		done := tx.Bucket(bucketDone)
		cursor := tx.Bucket(bucketWanted).Cursor()
		for k, seq := cursor.Seek(prefix); k != nil && hasPrefix(k, prefix); k, seq = cursor.Next() {
			if v := done.Get(seq); v != nil {
				if err := read(v); err != nil {
					return err
				}
			}
		}
		return tx.Bucket(bucketOpen).ForEach(func(_, v []byte) error { return read(v) })
	})
	commands := make([]Command, 0, len(wanted))
	for _, subject := range slices.Sorted(maps.Keys(wanted)) {
		commands = append(commands, wanted[subject])
	}
	return commands, err
}

// onShelf are the commands that are settled but not filed. Look there before
// looking into the file: in between they go one way only.
func (s *Store) onShelf() []Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.shelf.commands)
}

// Open lists the unsettled commands, oldest first.
func (s *Store) Open() ([]Command, error) {
	settled := map[int64]bool{}
	for _, c := range s.onShelf() {
		settled[c.Seq] = true
	}
	open, err := s.list(func(tx *bbolt.Tx, add func([]byte) error) error {
		return tx.Bucket(bucketOpen).ForEach(func(_, v []byte) error { return add(v) })
	})
	return slices.DeleteFunc(open, func(c Command) bool { return settled[c.Seq] || c.State.Final() }), err
}

// Unknown lists the settled commands of which nobody knows whether they were
// carried out. They stay listed for the retention.
func (s *Store) Unknown() ([]Command, error) {
	all, err := s.doubted()
	return slices.DeleteFunc(all, func(c Command) bool { return !c.Unknown }), err
}

// NotDone lists the commands of which a person has found that they were not
// carried out, with their bodies, until a later job of their subject was.
func (s *Store) NotDone() ([]Command, error) {
	all, err := s.doubted()
	return slices.DeleteFunc(all, func(c Command) bool { return c.Unknown }), err
}

func (s *Store) doubted() ([]Command, error) {
	return s.list(func(tx *bbolt.Tx, add func([]byte) error) error {
		return tx.Bucket(bucketUnknown).ForEach(func(_, v []byte) error { return add(v) })
	})
}

// Done lists the settled commands, roughly in the order in which they came.
func (s *Store) Done() ([]Command, error) {
	shelved := s.onShelf()
	done, err := s.list(func(tx *bbolt.Tx, add func([]byte) error) error {
		return tx.Bucket(bucketDone).ForEach(func(_, v []byte) error { return add(v) })
	})
	for _, c := range shelved {
		done = slices.DeleteFunc(done, func(d Command) bool { return d.Seq == c.Seq })
		done = append(done, c)
	}
	return done, err
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

// Unmapped lists the names that nothing maps, with their counts.
func (s *Store) Unmapped() ([]Sample, error) {
	s.mu.Lock()
	fresh := maps.Clone(s.unmapped) // seen since the last commit
	s.mu.Unlock()
	samples, err := s.samples(bucketUnmapped)
	for i := range samples {
		if u, ok := fresh[samples[i].Name]; ok {
			samples[i].Count += u.Count
			samples[i].At = u.At
			delete(fresh, u.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fresh)) {
		samples = append(samples, fresh[name])
	}
	return samples, err
}

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
	_ = s.db.View(func(tx *bbolt.Tx) error { // without it, the time of the build must do
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
	if err := s.Flush(); err != nil {
		return err
	}
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

// outdated finds settled commands and told asks that nobody has touched since
// the given time, but for the settings that still say how things should be.
func (s *Store) outdated(before time.Time) ([]outdated, error) {
	var old []outdated
	note := func(bucket, k []byte) { old = append(old, outdated{bucket, append([]byte(nil), k...)}) }
	err := s.db.View(func(tx *bbolt.Tx) error {
		// The oldest come first, so that a big file need not be read.
		cursor := tx.Bucket(bucketDone).Cursor()
		for k, v := cursor.First(); k != nil && len(old) < maxPrune; k, v = cursor.Next() {
			var c Command
			if err := json.Unmarshal(v, &c); err != nil {
				return fmt.Errorf("a settled command cannot be read: %w", err)
			}
			if !c.Settled.Before(before) {
				break
			}
			if !c.Setting || !isWanted(tx, c.Lane, c.Subject, k) {
				note(bucketDone, k)
				note(bucketIDs, []byte(c.ID))
			}
		}
		err := tx.Bucket(bucketUnknown).ForEach(func(k, v []byte) error {
			var c Command
			if json.Unmarshal(v, &c) == nil && c.Settled.Before(before) {
				note(bucketUnknown, k)
			}
			return nil
		})
		if err != nil {
			return err
		}
		return tx.Bucket(bucketTold).ForEach(func(k, v []byte) error {
			var a Ask
			if json.Unmarshal(v, &a) == nil && a.At.Before(before) {
				note(bucketTold, k)
			}
			return nil
		})
	})
	return old, err
}
