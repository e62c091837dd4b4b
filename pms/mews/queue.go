package mews

import (
	"context"
	"encoding/json"
	"time"
)

// planAsk is the next request about device commands: those that events named,
// and by the clock all that wait. A person at the desk waits for it, so it is
// made at once and made again soon.
func (f *follower) planAsk(now time.Time) func(context.Context) func() {
	var ids []string
	for key := range f.ids {
		if len(ids) < maxIDs {
			ids = append(ids, key)
			delete(f.ids, key)
		}
	}
	f.named = false
	all := f.isDue(dutyCommands, now)
	if all {
		f.due[dutyCommands] = time.Time{}
	}
	return func(ctx context.Context) func() {
		var byID, active []commandRow
		err := f.readCommands(ctx, ids, &byID)
		switch odd := !reactionTo(statusOf(err)).again; {
		case err != nil && odd && !refusedTokens(err): // the list of all that wait has them as well
			all = true
			active, _ = f.readActive(ctx)
		case err == nil && all:
			held := f.desk.held() // what comes to hand later the list may not have yet
			if active, err = f.readActive(ctx); err == nil {
				err = f.readCommands(ctx, f.desk.lost(held, active), &byID)
				if forbidden(err) {
					err = nil // then a cancellation without an event is not found, and the page says so
				}
			}
		}
		return func() {
			f.asking = false
			f.asked(ctx, ids, all, err)
			f.commands(append(byID, active...), all && err == nil)
		}
	}
}

// asked plans the next look at device commands.
func (f *follower) asked(ctx context.Context, ids []string, all bool, err error) {
	now := f.now()
	if err == nil {
		f.failed, f.refused = 0, 0
		if all && f.due[dutyCommands].IsZero() { // else a new socket wants to know once more
			f.plan(dutyCommands, now, f.every(dutyCommands))
		}
		return
	}
	if ctx.Err() != nil {
		return
	}
	for _, key := range ids {
		if reactionTo(statusOf(err)).again { // else the list of all that wait has them
			f.ids[key] = true
		}
	}
	pair := refusedPair(err)
	if pair == 0 || pair != f.refused || !now.Before(f.refusedUntil) { // else the rest goes on
		f.failed++
		f.refused, f.refusedUntil = pair, now.Add(f.api.pause(err, f.failed))
	}
	wait := min(f.api.pause(err, f.failed), max(f.waits.CommandsDown, f.waits.BackoffMin))
	switch {
	case pair != 0:
		wait = f.refusedUntil.Sub(now)
	case !reactionTo(statusOf(err)).again:
		wait = f.every(dutyCommands)
	}
	f.due[dutyCommands] = now.Add(wait)
	if pair != 0 {
		f.due[dutyCommands] = now // whether that is so the rest decides, by the files too
	}
	f.log.Warn().Err(err).Dur("wait", wait).Msg("pms device commands cannot be read now")
}

// resting reports whether the tokens were refused, and neither is the rest over
// nor do their files hold others; then the files are looked at again soon.
func (f *follower) resting(now time.Time) bool {
	if f.refused == 0 || !now.Before(f.refusedUntil) || f.api.changed(f.refused) {
		return false
	}
	f.due[dutyCommands] = now.Add(min(f.refusedUntil.Sub(now), f.waits.BackoffMin))
	return true
}

// readActive reads the commands that wait for us. The request takes no page,
// though the answer may have a cursor; then a client cannot ask for the rest.
func (s *Source) readActive(ctx context.Context) ([]commandRow, error) {
	var answer struct{ Commands rows[commandRow] }
	err := s.api.call(ctx, urgent, "commands/getAllActive", nil, &answer)
	s.spoiltCommands(&answer.Commands)
	return answer.Commands.good, err
}

// readCommands adds the commands with the given ids, whatever their state.
func (s *Source) readCommands(ctx context.Context, ids []string, to *[]commandRow) error {
	for _, part := range chunks(ids) {
		var answer struct{ Commands rows[commandRow] }
		if err := s.api.call(ctx, urgent, "commands/getAllByIds", fields{"CommandIds": part}, &answer); err != nil {
			return err
		}
		s.spoiltCommands(&answer.Commands)
		*to = append(*to, answer.Commands.good...)
	}
	return nil
}

// spoiltCommands makes the best of commands that cannot be read whole: with an
// id they can at least be answered.
func (s *Source) spoiltCommands(list *rows[commandRow]) {
	for _, raw := range list.bad {
		var least struct {
			ID    string `json:"Id"`
			State string
		}
		if json.Unmarshal(raw, &least) == nil && isID(id(least.ID)) {
			list.good = append(list.good, commandRow{ID: least.ID, State: least.State, Device: deviceRow{Type: unreadable}})
			continue
		}
		s.in.change(func() { s.in.lost++ })
	}
}
