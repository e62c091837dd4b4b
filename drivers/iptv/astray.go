package iptv

import (
	"context"
	"time"
)

// topGen is the highest gen: a set that is a web page knows no higher number exactly.
const topGen = 1<<53 - 1

// precede sees to it that sets take the document: they only take a gen above
// the last. That is the one that the broker holds, or that a set shows whose
// screen a broker has lost; a higher one goes on from there, so that no set goes
// dark for it. Where another stay stands under a gen that is not below ours (a
// restored gateway, a foreign hand), an empty message in front makes sets take
// any.
func (s *session) precede(ctx context.Context, key string, doc *welcomeDoc) error {
	held, last := s.house.standing(key)
	switch {
	case last < doc.Gen:
		return nil
	case last < topGen && (held == nil || held.Stay == doc.Stay || held.Gen < doc.Gen):
		doc.Gen = last + 1
		return nil
	}
	return s.blank(ctx, key)
}

// standing is what the broker retains for a room, and the highest gen that it
// or a set has. Once the broker has told of an empty room the sets know of it,
// and whatever they said before counts no more.
func (h *house) standing(key string) (held *welcomeDoc, last int64) {
	h.look(key, func(r *room) {
		if held = r.welcome; held != nil {
			last = held.Gen
		} else if r.heardAt > 0 {
			return
		}
		for _, tv := range r.tvs {
			if tv.online && tv.shown != nil {
				last = max(last, *tv.shown)
			}
		}
	})
	return held, last
}

// amiss is how a set shows something else than the broker retains.
type amiss struct {
	shown, wanted int64
}

// stray is since when that is so, and whether the set was told.
type stray struct {
	amiss
	since time.Time
	told  bool
}

// amiss are the sets of each room that show something else than is retained.
// Who says nothing of its screen, or has cleared one that has expired, is right.
func (h *house) amiss(now time.Time) map[[2]string]amiss {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := map[[2]string]amiss{}
	for key, r := range h.rooms {
		wanted, over := int64(0), false
		if r.welcome != nil {
			ends, err := time.Parse(time.RFC3339, r.welcome.ExpiresAt)
			wanted, over = r.welcome.Gen, err != nil || !ends.After(now)
		}
		for name, tv := range r.tvs {
			if tv.online && tv.shown != nil && *tv.shown != wanted && !over {
				all[[2]string{key, name}] = amiss{*tv.shown, wanted}
			}
		}
	}
	return all
}

// recall has those sets read again what is retained that have shown something
// else for longer than they may take to confirm. Nobody else would: a set that
// kept its screen through the loss of the broker takes what comes then for old,
// and no lane waits for it. Each is told once, since one that refuses its
// welcome would refuse it for ever. It returns what to call it with next.
func (s *session) recall(ctx context.Context, before map[[2]string]stray) (map[[2]string]stray, error) {
	now := map[[2]string]stray{}
	told := map[string]bool{} // rooms: a command goes to all of its sets
	for at, how := range s.house.amiss(s.d.now()) {
		one, known := before[at]
		if !known || one.amiss != how {
			one = stray{amiss: how, since: time.Now()}
		}
		key := at[0]
		if !one.told && time.Since(one.since) >= s.d.cfg.AckTimeout && !s.d.busy(key) {
			one.told = true
			if !told[key] {
				told[key] = true
				if err := s.publish(ctx, s.d.roomTopic(key, topicCommand), false, s.d.commandText(newID(), "reload", nil)); err != nil {
					return nil, err
				}
			}
		}
		now[at] = one
	}
	return now, nil
}

// busy says that somebody has the room key and waits for its sets himself.
func (d *Driver) busy(key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.locks[key]) > 0
}
