package offsetstore

import (
	"encoding/json"
	"time"

	"go.etcd.io/bbolt"
)

// Sample is something that could not be read or mapped, kept for a person to look at.
type Sample struct {
	Source string    `json:"source"`
	Name   string    `json:"name,omitempty"`
	At     time.Time `json:"at"`
	Count  int       `json:"count,omitempty"`
	Raw    []byte    `json:"raw,omitempty"`
}

const (
	maxQuarantine = 100 // newest kept
	maxUnmapped   = 500 // names; further ones are only counted as "…"
)

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
