package offsetstore

import (
	"slices"

	"go.etcd.io/bbolt"
)

// Known is what a command about the subject last left to know, nil if nothing.
func (s *Store) Known(lane, subject string) ([]byte, error) {
	if known := s.knownOnShelf(lane, subject); known != nil {
		return known, nil
	}
	var out []byte
	err := s.db.View(func(tx *bbolt.Tx) error {
		out = append(out, tx.Bucket(bucketKnown).Get(pairKey(lane, subject))...)
		return nil
	})
	return out, err
}

// knownOnShelf is Known of what is settled but not filed. It copies nothing but
// the slice's header: whoever looks at a house asks for every room of it.
func (s *Store) knownOnShelf(lane, subject string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range slices.Backward(s.shelf.commands) {
		if c := &s.shelf.commands[i]; len(c.Known) > 0 && c.Lane == lane && c.Subject == subject {
			return c.Known
		}
	}
	return nil
}
