package offsetstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"
)

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
