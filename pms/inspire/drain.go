package inspire

import (
	"context"
	"errors"
	"time"

	"edgeagent/pms"
)

// drain ends the stream the way that keeps the server from locking the chain:
// complete, then wait for late events, which are real, then close.
func (st *stream) drain(goal outcome, grace time.Duration) {
	now := st.now()
	if st.phase == phaseDraining {
		// Already under way; a shutdown shortens it.
		st.goal = goal
		if at := now.Add(grace); at.Before(st.due[dutyGrace]) {
			st.due[dutyGrace] = at
		}
		return
	}
	st.goal = goal
	if st.phase == phaseGreeting {
		st.finished = true
		return
	}
	st.phase = phaseDraining
	st.due = [duties]time.Time{dutyGrace: now.Add(grace)}
	st.board.State(pms.LinkDraining, time.Time{})
	st.farewell()
}

// farewell ends the operation. If it cannot be sent, there is nobody to say it to.
func (st *stream) farewell() {
	if st.subscribed.IsZero() {
		return
	}
	kind := "complete"
	if st.n.legacy {
		kind = "stop"
	}
	_ = st.n.sendJSON(map[string]string{"id": st.n.id, "type": kind})
}

// planRotation sets when the stream is renewed: before its token expires, at
// another moment at each gateway.
func (st *stream) planRotation(now time.Time) {
	if st.cfg.Rotate == "never" {
		return
	}
	t := st.n.token
	lead := min(st.waits.RotateLead, t.lifetime/4)
	lead += time.Duration(chance() * float64(min(st.waits.RotateJitter, t.lifetime/8)))
	lead = max(lead, min(st.dialect.rotateFloor, t.lifetime/8))
	st.due[dutyRotate] = now.Add(max(t.left(now)-lead, t.lifetime/8))
}

// fetchRenewal asks for the next token while the old stream goes on, so that
// an outage of the token server takes nothing down.
func (st *stream) fetchRenewal() {
	if st.renewing != nil || st.phase == phaseDraining {
		return
	}
	s, result := st.Source, st.renewed
	ctx, cancel := context.WithCancel(st.ctx)
	st.renewing = cancel
	go func() {
		creds, err := s.credentials()
		var t *token
		if err == nil {
			t, err = s.fetchToken(ctx, creds)
		}
		result <- renewal{t, err}
	}()
}

// endRenewal leaves no token call behind.
func (st *stream) endRenewal() {
	if st.renewing == nil {
		return
	}
	st.renewing()
	if r := <-st.renewed; r.err == nil {
		st.token = r.token
	}
}

func (st *stream) renew(r renewal) {
	st.renewing()
	st.renewing = nil
	if st.phase == phaseDraining {
		if r.err == nil {
			st.token = r.token
		}
		return
	}
	if r.err == nil {
		st.token = r.token
		st.log.Info().Msg("pms stream is renewed before its token expires")
		st.drain(outcomePlanned, st.waits.Drain)
		return
	}
	wait := st.waits.BackoffMax / 4
	var f *failure
	if errors.As(r.err, &f) && f.status >= 400 && f.status < 500 && f.status != 429 {
		wait = st.waits.ParkMin
		st.board.Raise(alarmRefused, "the running stream goes on, but a new token is refused: "+rowFor(tokenSignal(f.status)).means)
	}
	if st.ctx.Err() == nil && !errors.Is(r.err, context.Canceled) {
		st.log.Warn().Err(r.err).Msg("pms token cannot be renewed yet; the running stream is kept")
	}
	st.due[dutyRotate] = st.now().Add(wait)
}
