package offsetstore

import (
	"errors"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// NoteWithdrawn is the note of a command that was taken back before it was begun.
const NoteWithdrawn = "withdrawn in the PMS before it was begun"

// withdrawable are the device commands of those withdrawn that a withdrawal
// changes: most have had their answer, and the PMS only says so.
func (s *Store) withdrawable(b *Batch) (ids []string, err error) {
	if len(b.Withdrawn) == 0 {
		return nil, nil
	}
	err = s.db.View(func(tx *bbolt.Tx) error {
		for _, id := range b.Withdrawn {
			a, err := readAsk(tx, b.Source, id)
			if err != nil {
				return err
			}
			if a != nil && a.Open > 0 || slices.ContainsFunc(b.Asks, func(a Ask) bool { return a.ID == id }) {
				ids = append(ids, id)
			}
		}
		return nil
	})
	return ids, err
}

// withdraw settles the waiting commands of device commands that the PMS wants
// no more. Those under way go on: whoever carries them out asks Withdrawn.
func (s *Store) withdraw(tx *bbolt.Tx, source string, ids []string) (settled bool, err error) {
	for _, id := range ids {
		a, err := readAsk(tx, source, id)
		if err != nil {
			return settled, err
		}
		if a == nil || a.Open == 0 {
			continue
		}
		a.Withdrawn = true
		if err := put(tx.Bucket(bucketAsks), pairKey(source, id), a); err != nil {
			return settled, err
		}
		for _, c := range s.takeBack(source, id) {
			c.State, c.Settled, c.Note = Cancelled, time.Now(), NoteWithdrawn
			ready, err := settleAsk(tx, *c)
			if err := errors.Join(err, s.file(tx, *c)); err != nil {
				return settled, err
			}
			settled = settled || ready
		}
	}
	return settled, nil
}

// takeBack takes the waiting commands of an ask out of the lanes, at once:
// nobody may begin one any more.
func (s *Store) takeBack(source, id string) []*Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.withdrawn[string(pairKey(source, id))] = true
	var waiting []*Command
	for _, l := range s.lanes {
		for _, sub := range l.subjects {
			for _, c := range sub.queue {
				if c.Ask == id && c.Source == source && !(sub.running && c.Seq == sub.seq) {
					waiting = append(waiting, c)
				}
			}
		}
	}
	for _, c := range waiting {
		s.lane(c.Lane).drop(c)
	}
	return waiting
}

// Withdrawn reports whether the PMS has taken a device command back that was
// not settled then.
func (s *Store) Withdrawn(source, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return id != "" && s.withdrawn[string(pairKey(source, id))]
}
