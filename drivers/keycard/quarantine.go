package keycard

import (
	"context"
	"time"

	"edgeagent/drivers"
)

// orphan is a result that may still come, of a command that has been given up.
type orphan struct {
	id    string // of the agent's command; "" for one from before we started
	step  *step  // nil for one from before we started
	until time.Time
	// firm: the lock system has shown that it is still working on it, so its
	// word that it is ready does not end the wait.
	firm bool
	// came is set once the result has.
	came bool
}

// quarantine takes no command until the orphan's result has come, can no longer
// come, or the lock system has called itself ready three times, with pauses.
// Without it a late "card made" of guest A would count for guest B, who would
// walk away with a blank card.
func (s *session) quarantine() error {
	o := s.d.orphan
	s.d.setState(drivers.Quarantined, "waiting for a late answer of the lock system, at most until "+
		o.until.In(s.d.site.Zone).Format("15:04:05"))
	heard := func(tok token) bool {
		s.unsolicited(tok)
		return o.came
	}
	acks, misses := 0, 0
	for time.Now().Before(o.until) && !o.came {
		got, err := s.poll(context.Background(), heard)
		if err != nil {
			return err
		}
		switch {
		case o.came:
			continue
		case got == ready:
			acks, misses = acks+1, 0
		case got == busy:
			acks, misses = 0, 0
		default:
			acks = 0
			if misses++; misses == 2 {
				return &linkError{err: s.silence()}
			}
		}
		if acks == 3 && !o.firm {
			s.suspect = o.until
			break
		}
		if err := s.listen(context.Background(), min(s.t.Settle, time.Until(o.until)), heard); err != nil {
			return err
		}
	}
	s.d.orphan = nil
	return nil
}

// unsolicited hears a token that is no result of the command in hand.
func (s *session) unsolicited(tok token) {
	if tok.kind != kindFrame || s.isOwn(tok) {
		return
	}
	s.confirm()
	o := s.d.orphan
	if o == nil || s.isRepeated(tok) {
		s.d.site.Log.Debug().Str("device", s.d.name).Str("code", printable(tok.fields[0], 8)).Msg("frame that nobody waits for")
		return
	}
	if o.step != nil {
		r, ok := o.step.read(tok.fields, s.d.site.Zone)
		if !ok {
			return
		}
		s.d.late(o, r)
		s.d.noteEncoder(r, o.step)
	}
	o.came = true
	s.last, s.lastAt = tok.fields, time.Now()
	s.d.site.Log.Warn().Str("device", s.d.name).Str("command", o.id).Str("code", printable(tok.fields[0], 8)).Msg("late result")
}

// late tells whoever waits what became of a command that was given up as lost.
// An answer that is one letter away from success settles nothing.
func (d *Driver) late(o *orphan, r result) {
	note := "the lock system reported success later"
	if r.code != "" {
		note = "the lock system reported " + r.code + " later: " + d.dialect.codeOf(o.step.command, r.code).hint
	}
	d.memory.late(o.id, note)
	if d.site.Late != nil && !d.dialect.couldBeSuccess(o.step.command, r.code) {
		d.site.Late(o.id, r.code == "", note)
	}
}

// stillBusy tells from an encoder-busy answer that an earlier command, given up
// as lost, is still being worked on: its result will come.
func (s *session) stillBusy() bool {
	if !time.Now().Before(s.suspect) {
		return false
	}
	s.d.orphan = &orphan{until: s.suspect, firm: true}
	s.suspect = time.Time{}
	return true
}
