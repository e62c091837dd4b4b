package iptv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"edgeagent/drivers"
)

// message shows a pop-up. It is not retained, so it is only sent while
// somebody is there to show it; its copy in the welcome is.
func (d *Driver) message(ctx context.Context, cmd drivers.Command) (drivers.Receipt, error) {
	doc, err := d.popup(cmd)
	if err != nil {
		return drivers.Receipt{}, err
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return drivers.Receipt{}, fmt.Errorf("%w: %w", drivers.ErrRefused, err)
	}
	return d.everywhere(cmd.Params["room"], "shown on", func(s *session, key string) outcome {
		if err := s.keep(ctx, key, doc); err != nil {
			return outcome{err: err}
		}
		switch known, online := s.house.sets(key); {
		case known > 0 && online == 0:
			return outcome{err: fmt.Errorf("no TV of room key %s is online", key)}
		case online == 0:
			err := s.publish(ctx, d.roomTopic(key, topicMessage), false, text)
			if err == nil {
				err = s.popped(ctx, key, doc)
			}
			return outcome{err: doubtful(err), note: "confirmed by the broker; no TV of the room has ever reported"}
		}
		o := s.job(ctx, key, topicMessage, cmd.ID, resultDisplayed, text)
		if o.err == nil {
			_ = s.popped(ctx, key, doc) // the guest has seen it: a bridge that has not changes nothing
		}
		return o
	})
}

// tell has the sets of a room do something: power and mute go on or off, wake does not.
func (d *Driver) tell(ctx context.Context, cmd drivers.Command) (drivers.Receipt, error) {
	var on *bool
	done := "woken:"
	if cmd.Action != actionWake {
		state := cmd.Params["state"]
		if state != "on" && state != "off" {
			return drivers.Receipt{}, fmt.Errorf("%w: %s is on or off, not %q", drivers.ErrRefused, cmd.Action, state)
		}
		yes := state == "on"
		on, done = &yes, cmd.Action+" "+state+":"
	}
	text := d.commandText(cmd.ID, cmd.Action, on)
	return d.everywhere(cmd.Params["room"], done, func(s *session, key string) outcome {
		if _, online := s.house.sets(key); online == 0 {
			err := s.publish(ctx, d.roomTopic(key, topicCommand), false, text)
			return outcome{err: doubtful(err), note: "confirmed by the broker; no TV of the room is online"}
		}
		return s.job(ctx, key, topicCommand, cmd.ID, resultReceived, text)
	})
}

// doubtful turns the loss of the connection in the middle of a job into what
// it means for a job: nobody knows. Trying again is for settings.
func doubtful(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", drivers.ErrUnknown, err)
}

// job publishes something once and waits for the sets that are online. It is
// not sent again: sets know it by its id, but who stays silent may have done it.
func (s *session) job(ctx context.Context, key, topic, id, done string, text []byte) outcome {
	unlock, err := s.d.lock(ctx, key)
	if err != nil {
		return outcome{err: err}
	}
	defer unlock()
	mark := s.house.mark()
	if err := s.publish(ctx, s.d.roomTopic(key, topic), false, text); err != nil {
		return outcome{err: doubtful(err)}
	}
	var v verdict
	_, err = s.until(ctx, key, s.d.cfg.AckTimeout, func(r *room) bool {
		v = r.judgeJob(id, done, mark)
		return len(v.pending) == 0
	})
	switch {
	case err != nil:
		return outcome{err: doubtful(err)}
	case len(v.pending) > 0:
		return outcome{err: doubtful(fmt.Errorf("TV %s is online and does not confirm", some(v.pending)))}
	case len(v.confirmed) > 0:
		return outcome{confirmed: len(v.confirmed)}
	case len(v.refused) > 0:
		name := sortedKeys(v.refused)[0]
		return outcome{err: fmt.Errorf("%w: TV %s: %s", drivers.ErrRefused, name, v.refused[name])}
	}
	return outcome{err: doubtful(errors.New("the TVs of the room went offline before they confirmed"))}
}

// judgeJob asks of every set that is online what it answered to that id.
func (r *room) judgeJob(id, done string, mark uint64) verdict {
	v := verdict{refused: map[string]string{}}
	for _, name := range sortedKeys(r.tvs) {
		tv := r.tvs[name]
		if !tv.online {
			continue
		}
		result := answer{}
		for _, ack := range tv.acks {
			if ack.at > mark && ack.ID == id {
				result = ack
			}
		}
		switch result.Result {
		case done, resultDisplayed:
			v.confirmed = append(v.confirmed, name)
		case resultRejected, resultStale, resultUnsupported, resultFailed:
			v.refused[name] = orElse(result.Detail, result.Result)
		default:
			v.pending = append(v.pending, name)
		}
	}
	return v
}

// sets counts the sets of a room that have ever reported, and those online.
func (h *house) sets(key string) (known, online int) {
	h.look(key, func(r *room) {
		known = len(r.tvs)
		for _, tv := range r.tvs {
			if tv.online {
				online++
			}
		}
	})
	return known, online
}
