package iptv

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"edgeagent/drivers"
)

// outcome is what came of an action for one room key.
type outcome struct {
	confirmed int    // sets that confirmed
	waiting   bool   // no set is online: the broker has it
	off       int    // sets beside those that confirmed: they learn it when they come
	note      string // said instead, where nothing had to be done
	err       error
}

// welcome puts guests on the screens of a room.
func (d *Driver) welcome(ctx context.Context, cmd drivers.Command) (drivers.Receipt, error) {
	doc, err := d.document(cmd)
	if err != nil {
		return drivers.Receipt{}, err
	}
	return d.everywhere(cmd.Params["room"], "shown on", func(s *session, key string) outcome {
		return s.show(ctx, cmd, key, *doc)
	})
}

// clear takes a stay off the screens of a room.
func (d *Driver) clear(ctx context.Context, cmd drivers.Command) (drivers.Receipt, error) {
	if clean(cmd.Params["room"], maxName) == "" {
		return drivers.Receipt{}, fmt.Errorf("%w: clear needs a room", drivers.ErrRefused)
	}
	return d.everywhere(cmd.Params["room"], "cleared on", func(s *session, key string) outcome {
		return s.vacate(ctx, cmd, key)
	})
}

// everywhere does something for each room key of a room, at the same time.
func (d *Driver) everywhere(room, done string, do func(*session, string) outcome) (drivers.Receipt, error) {
	s, err := d.live()
	if err != nil {
		return drivers.Receipt{}, err
	}
	keys := d.keys(room)
	results := make(chan outcome, len(keys))
	for _, key := range keys {
		go func() { results <- do(s, key) }()
	}
	var sum outcome
	var errs []error
	for range keys {
		o := <-results
		sum.confirmed += o.confirmed
		sum.waiting, sum.off = sum.waiting || o.waiting, sum.off+o.off
		sum.note = orElse(sum.note, o.note)
		if o.err != nil {
			errs = append(errs, o.err)
		}
	}
	if len(errs) > 0 {
		return drivers.Receipt{}, gravest(errs)
	}
	return drivers.Receipt{Note: sum.text(done)}, nil
}

func (o outcome) text(done string) string {
	sets := fmt.Sprintf("%d TVs", o.confirmed)
	if o.confirmed == 1 {
		sets = "the TV"
	}
	switch {
	case o.waiting && o.confirmed > 0:
		return done + " " + sets + "; confirmed by the broker for the others"
	case o.waiting:
		return "confirmed by the broker; waiting for the TV"
	case o.confirmed > 0 && o.off == 1:
		return done + " " + sets + "; waiting for another that is off"
	case o.confirmed > 0 && o.off > 1:
		return fmt.Sprintf("%s %s; waiting for %d that are off", done, sets, o.off)
	case o.confirmed > 0:
		return done + " " + sets
	}
	return o.note
}

// gravest joins errors so that the one that can still be mended decides: a
// refusal by one set must not keep the next try from another.
func gravest(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	var again []string
	for _, err := range errs {
		if _, ok := errors.AsType[*drivers.LinkDown](err); ok {
			return err
		}
		if !errors.Is(err, drivers.ErrRefused) && !errors.Is(err, drivers.ErrUnknown) {
			again = append(again, err.Error())
		}
	}
	if len(again) > 0 {
		return errors.New(strings.Join(again, "; "))
	}
	return errors.Join(errs...)
}

// show brings one room key to a welcome and waits for its sets.
func (s *session) show(ctx context.Context, cmd drivers.Command, key string, doc welcomeDoc) outcome {
	unlock, err := s.d.lock(ctx, key)
	if err != nil {
		return outcome{err: err}
	}
	defer unlock()
	if s.d.superseded(cmd.Subject, cmd.Seq) {
		return outcome{note: "a newer setting of the room has been carried out"}
	}
	doc.Wifi = s.d.wifi(doc.Stay) // it may have come since; from now on Follow waits for the lock
	held := s.house.retained(key)
	if held != nil && held.Gen > doc.Gen && !held.same(&doc) && s.d.wants(key, held) {
		return outcome{note: "a newer welcome is shown"}
	}
	doc.Wifi = s.d.wifi(doc.Stay) // it may have become known while the room was busy
	mark := s.house.mark()
	if held != nil && held.Stay == doc.Stay {
		doc.PowerOn = false // the guest has been greeted: this is a new name or date
		doc.Messages = held.Messages
		if err := doc.fit(); err != nil {
			return outcome{err: err}
		}
	}
	if held != nil && held.same(&doc) {
		doc.Gen, doc.ID = held.Gen, held.ID
	} else if err := s.put(ctx, key, &doc); err != nil {
		return outcome{err: err}
	}
	s.d.carriedOut(cmd.Subject, cmd.Seq)
	if err := s.greeted(ctx, cmd, key, held, &doc); err != nil {
		return outcome{err: err}
	}
	return s.confirm(ctx, key, mark, doc.Gen, func() error {
		if err := s.blank(ctx, key); err != nil {
			return err
		}
		return s.put(ctx, key, &doc)
	})
}

// vacate clears one room key, if it shows the stay that the command is about.
func (s *session) vacate(ctx context.Context, cmd drivers.Command, key string) outcome {
	unlock, err := s.d.lock(ctx, key)
	if err != nil {
		return outcome{err: err}
	}
	defer unlock()
	if s.d.superseded(cmd.Subject, cmd.Seq) {
		return outcome{note: "a newer setting of the room has been carried out"}
	}
	held := s.house.retained(key)
	if held != nil && !clears(cmd, held) {
		s.d.spare(key, spare{seq: cmd.Seq, stay: held.Stay})
		return outcome{note: "room shows another stay"}
	}
	if held == nil && !s.house.lit(key) {
		s.d.carriedOut(cmd.Subject, cmd.Seq)
		return outcome{note: "nothing was shown", err: s.mirror(ctx, key)}
	}
	mark := s.house.mark()
	if err := s.blank(ctx, key); err != nil {
		return outcome{err: err}
	}
	s.d.carriedOut(cmd.Subject, cmd.Seq)
	if err := s.left(ctx, key); err != nil {
		return outcome{err: err}
	}
	if s.d.cfg.PowerOffCheckout {
		off := false
		if err := s.publish(ctx, s.d.roomTopic(key, topicCommand), false, s.d.commandText(newID(), "power", &off)); err != nil {
			return outcome{err: err}
		}
	}
	return s.confirm(ctx, key, mark, 0, func() error { return s.blank(ctx, key) })
}

// clears says whether a clear is about the screen that is shown: about its
// stay, or about its room when nobody is in that. The second matters because a
// newer setting replaces an older unsent one: the guest whom the clear names
// may have come and gone without ever being greeted, and the one on the screen
// is then a guest of even longer ago. A room that merely shares the TV (a part
// of a suite) says nothing about it.
func clears(cmd drivers.Command, held *welcomeDoc) bool {
	stay := clean(cmd.Params["stay"], maxName)
	return stay == "" || held.Stay == "" || held.Stay == stay ||
		(isTrue(cmd.Params["vacant"]) && held.Room == clean(cmd.Params["room"], maxName))
}

func (d *Driver) spare(key string, why spare) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.spared[key] = why
}

// put retains a document and waits until it has come back: the broker's
// confirmation alone would also be given for a topic it denies.
func (s *session) put(ctx context.Context, key string, doc *welcomeDoc) error {
	if err := s.precede(ctx, key, doc); err != nil {
		return err
	}
	doc.ID = newID()
	text := doc.encode()
	if err := s.publish(ctx, s.d.roomTopic(key, topicWelcome), true, text); err != nil {
		return err
	}
	return s.returned(ctx, key, func(r *room) bool { return r.welcome != nil && r.welcome.ID == doc.ID })
}

// blank retains nothing for a room.
func (s *session) blank(ctx context.Context, key string) error {
	mark := s.house.mark()
	if err := s.publish(ctx, s.d.roomTopic(key, topicWelcome), true, nil); err != nil {
		return err
	}
	return s.returned(ctx, key, func(r *room) bool { return r.welcome == nil && r.heardAt > mark })
}

func (s *session) returned(ctx context.Context, key string, is func(*room) bool) error {
	ok, err := s.until(ctx, key, s.d.echo, is)
	if err != nil {
		return err
	}
	topic := s.d.roomTopic(key, topicWelcome)
	s.complain(topic, !ok)
	if !ok {
		return errors.New(s.d.denial(topic))
	}
	return nil
}

// complain notes for State whether the broker delivers a topic.
func (s *session) complain(topic string, denied bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !denied:
		delete(s.denied, topic)
	case len(s.denied) < 8:
		s.denied[topic] = s.d.denial(topic)
	}
}

// until waits for something about a room, at most that long.
func (s *session) until(ctx context.Context, key string, most time.Duration, is func(*room) bool) (bool, error) {
	timeout := time.NewTimer(most)
	defer timeout.Stop()
	for {
		yes := false
		changed := s.house.look(key, func(r *room) { yes = is(r) })
		if yes {
			return true, nil
		}
		select {
		case <-changed:
		case <-timeout.C:
			return false, nil
		case <-s.lost:
			return false, s.down()
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}
