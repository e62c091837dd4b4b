package iptv

import (
	"context"
	"slices"
	"sort"

	"edgeagent/drivers"

	"golang.org/x/sync/errgroup"
)

// abreast is how many rooms are reconciled at a time.
const abreast = 16

// wish is what a room key should show, by the settings that the store holds.
type wish struct {
	doc     *welcomeDoc // nil: vacant
	subject string
	seq     int64
	later   bool // its time has not come: leave the room as it is
	more    bool // only where the stay is on the screen already
}

// wishes replays the newest setting of every subject, in order. Several rooms
// of the PMS can share a room key (suites, connecting doors), so a clear takes
// off only the stay it names, as it does when it is carried out.
func (d *Driver) wishes(wanted []drivers.Command) map[string]wish {
	wanted = slices.Clone(wanted)
	sort.SliceStable(wanted, func(i, j int) bool { return wanted[i].Seq < wanted[j].Seq })
	keys := map[string]wish{}
	for _, cmd := range wanted {
		w := wish{subject: cmd.Subject, seq: cmd.Seq, later: cmd.Due.After(d.now())}
		if cmd.Action == actionWelcome {
			doc, err := d.document(cmd)
			if err != nil {
				continue // the lane reports it
			}
			doc.PowerOn = false // nobody has just checked in
			w.doc = doc
		}
		for _, key := range d.keys(cmd.Params["room"]) {
			if before := keys[key]; w.doc == nil && before.doc != nil && !clears(cmd, before.doc) {
				continue
			}
			if w.doc != nil {
				own := *w.doc
				w.doc = &own
			}
			keys[key] = w
		}
	}
	return keys
}

// about are the settings that have a say about some room keys.
func (d *Driver) about(wanted []drivers.Command, keys map[string]bool) (some []drivers.Command) {
	for _, cmd := range wanted {
		if slices.ContainsFunc(d.keys(cmd.Params["room"]), func(key string) bool { return keys[key] }) {
			some = append(some, cmd)
		}
	}
	return some
}

// wishFor is the wish for one room key, if any setting is about it.
func (d *Driver) wishFor(key string) (w wish, known bool) {
	if d.site.Wanted == nil {
		return w, false
	}
	w, known = d.wishes(d.about(d.site.Wanted(d.name), map[string]bool{key: true}))[key]
	return w, known
}

// wants says whether a screen that the broker retains is what the store asks for.
func (d *Driver) wants(key string, held *welcomeDoc) bool {
	w, ok := d.wishFor(key)
	return ok && w.doc != nil && w.doc.same(held)
}

// knows says whether any setting is about a room key by now.
func (d *Driver) knows(key string) bool {
	_, ok := d.wishFor(key)
	return ok
}

// reconcile compares what the broker retains with what the store wants, and
// publishes the difference. It waits for no set: the lanes do that, and the
// sets read what is retained anyway.
//
// A room that is retained and that no setting was ever about is cleared: the
// store keeps the newest setting of every room, so what it does not know is a
// name left behind by another gateway or a renamed room. There is no limit on
// how many, because a half-finished resync cannot make a room unknown, only
// vacant, and that is guarded where the resync is folded. But a store that
// holds nothing at all is a new one, not a hotel without guests: then every
// screen is left alone and State tells.
func (s *session) reconcile(ctx context.Context) error {
	d := s.d
	occupied := s.house.occupied() // first, so that the store knows of every screen in it
	var wanted []drivers.Command
	if d.site.Wanted != nil {
		wanted = d.site.Wanted(d.name)
	}
	if len(wanted) == 0 {
		d.setOrphans(len(occupied))
		return nil
	}
	d.setOrphans(0)
	wishes := d.wishes(wanted)
	for _, key := range occupied {
		if _, known := wishes[key]; !known {
			wishes[key] = wish{}
		}
	}
	if err := s.correctAll(ctx, wishes); err != nil {
		return err
	}
	return s.mirrorAll(ctx, wishes)
}

// complete puts on the screens of some stays what has become known about them.
// A screen that is not up yet is the lane's affair; one that is being put up may
// lack it, and whether it is up is only looked at once the room is free. Documents
// are made of the rooms of those stays alone: it is called for every code.
func (s *session) complete(ctx context.Context, stays map[string]bool) error {
	if s.d.site.Wanted == nil || len(stays) == 0 {
		return nil
	}
	wanted, keys := s.d.site.Wanted(s.d.name), map[string]bool{}
	for _, cmd := range wanted {
		if cmd.Action == actionWelcome && stays[clean(cmd.Params["stay"], maxName)] {
			for _, key := range s.d.keys(cmd.Params["room"]) {
				keys[key] = true
			}
		}
	}
	wishes := s.d.wishes(s.d.about(wanted, keys))
	for key, w := range wishes {
		if w.doc == nil || !stays[w.doc.Stay] {
			delete(wishes, key)
			continue
		}
		w.more = true
		wishes[key] = w
	}
	return s.correctAll(ctx, wishes)
}

func (s *session) correctAll(ctx context.Context, wishes map[string]wish) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(abreast)
	for _, key := range sortedKeys(wishes) {
		group.Go(func() error { return s.correct(ctx, key, wishes[key]) })
	}
	return group.Wait()
}

// correct brings one room key to what is wished for. A topic that the broker
// denies is no reason to give the others up; State tells of it.
func (s *session) correct(ctx context.Context, key string, w wish) error {
	d := s.d
	unlock, err := d.lock(ctx, key)
	if err != nil {
		return err
	}
	defer unlock()
	held := s.house.retained(key)
	switch {
	case w.subject == "" && d.knows(key):
		return nil // its first guest has come meanwhile, and the lane greets him
	case w.more && (held == nil || held.Stay != w.doc.Stay):
		return nil
	case w.later, w.subject != "" && d.superseded(w.subject, w.seq):
		return nil
	case w.doc == nil && held == nil:
		return nil
	case w.doc == nil && d.isSpared(key, w.seq, held.Stay):
		return nil
	case w.doc == nil:
		if err = s.blank(ctx, key); err == nil {
			err = s.left(ctx, key)
		}
	case held != nil && held.same(w.doc):
	case held == nil && w.doc.overdue(d.now(), d.cfg.Grace):
		return nil
	default:
		if held != nil && held.Stay == w.doc.Stay {
			w.doc.Messages = held.Messages
			err = w.doc.fit()
		}
		if err == nil {
			err = s.put(ctx, key, w.doc)
		}
	}
	if err != nil {
		select {
		case <-s.lost:
			return s.down()
		default:
			return ctx.Err()
		}
	}
	if w.subject != "" {
		d.carriedOut(w.subject, w.seq)
	}
	return nil
}

// isSpared says that this clear has found another stay in the room, the one
// that is still there. After a restart nobody remembers: then the room is
// cleared, since a greeting too few is better than a name too many.
func (d *Driver) isSpared(key string, seq int64, stay string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	why, ok := d.spared[key]
	return ok && why.seq == seq && why.stay == stay
}

func (d *Driver) setOrphans(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status.orphans = n
}
