package inspire

import (
	"context"
	"errors"
	"time"

	"github.com/gorilla/websocket"

	"edgeagent/pms"
)

// outcome is how a connection attempt ended, seen from the caller.
type outcome int

const (
	outcomeBroken   outcome = iota // with an error
	outcomePlanned                 // by ourselves, to connect anew
	outcomeShutdown                // because ctx is done
	outcomeStopped                 // because the caller does not want more
)

// connect makes one attempt: wait, token, upgrade, stream. The error is nil
// for an ending that was planned.
func (s *Source) connect(ctx context.Context, yield func([]pms.Notice, error) bool) (outcome, error) {
	if !s.awaitTurn(ctx) {
		return outcomeShutdown, nil
	}
	s.board.State(pms.LinkConnecting, time.Time{})
	creds, err := s.credentials()
	if err != nil {
		return s.failed(ctx, err)
	}
	if !s.token.enough(s.now(), s.waits.RotateLead) {
		if s.token, err = s.fetchToken(ctx, creds); err != nil {
			return s.failed(ctx, err)
		}
	}
	protocol := s.chooseProtocol()
	conn, err := s.upgrade(ctx, creds, protocol)
	if err != nil {
		return s.failed(ctx, err)
	}
	return s.stream(ctx, yield, conn, creds, protocol)
}

// stream runs one open connection to its end.
func (s *Source) stream(ctx context.Context, yield func([]pms.Notice, error) bool, conn *websocket.Conn, creds credentials, protocol string) (outcome, error) {
	s.connected = true
	s.mem.Open = true
	if err := s.save(); err != nil {
		conn.Close()
		return outcomeBroken, err
	}
	st := newStream(ctx, s, newSession(s, conn, creds, s.token), yield, protocol)
	out, end := st.run()
	st.audit("pms stream ended")
	s.mem.Open = false
	if st.live() {
		st.noteLive(s.board.LastHeard())
	}
	if out == outcomeBroken {
		return outcomeBroken, s.ended(&end, st)
	}
	s.past.drops = 0
	s.hold(s.waits.Gap)
	s.mem.LastClose = "ours"
	return out, s.save()
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// awaitTurn waits until the server wants us again; false when ctx is done first.
func (s *Source) awaitTurn(ctx context.Context) bool {
	wait := s.pendingWait()
	if wait <= 0 {
		return ctx.Err() == nil
	}
	state := pms.LinkWaiting
	if s.parked || !s.connected && s.mem.Parked {
		state = pms.LinkParked
		if s.mem.Problem != "" {
			s.board.Problem(s.mem.Problem)
		}
	}
	s.board.State(state, s.now().Add(wait))
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// pendingWait is how long to stay away. In a process that has not been
// connected yet the memory knows; if a stream was left open, its end is
// unknown, and it counts as having been just now.
func (s *Source) pendingWait() time.Duration {
	now := s.now()
	if !s.notBefore.IsZero() {
		return s.notBefore.Sub(now)
	}
	if !s.known {
		if s.place.offset == "" {
			return 0 // the very first start
		}
		return s.waits.Gap
	}
	wait := s.mem.remaining(now)
	if s.mem.Open {
		wait = max(wait, s.waits.Gap)
	}
	return wait
}

// hold notes a wait, in this process and in the memory.
func (s *Source) hold(wait time.Duration) {
	now := s.now()
	s.notBefore = now.Add(wait)
	s.mem.setWait(now, wait)
	s.mem.Parked, s.mem.Problem, s.parked = false, "", false
	s.board.State(pms.LinkWaiting, s.notBefore)
}

// failed judges an attempt that did not get as far as a stream.
func (s *Source) failed(ctx context.Context, err error) (outcome, error) {
	if ctx.Err() != nil {
		return outcomeShutdown, nil
	}
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{ending{stage: atToken, signal: "settings", detail: err.Error()}}
	}
	return outcomeBroken, s.ended(&f.ending, nil)
}

// ended applies the table of ends: wait, fallback, alarm. st is nil if there
// was no stream.
func (s *Source) ended(e *ending, st *stream) error {
	v := s.past.judge(e, &s.waits, s.place.offset, chance)
	err := explain(&v, e)
	if v.freshToken {
		s.token = nil
	}
	if s.past.drops++; s.past.drops >= maxDrops {
		s.past.drops = 0
		s.net.jar.drop()
	}
	if s.fallBack(&v, e, st) {
		v.parked, v.alarm = false, ""
		v.wait = s.waits.Gap
		if e.stage < atAck {
			v.wait = s.waits.BackoffMin
		}
	}
	s.hold(v.wait)
	s.mem.LastClose = v.row.signal
	s.board.Problem(err.Error())
	if v.alarm != "" {
		s.board.Raise(v.alarm, err.Error())
	}
	if v.kickWar {
		s.board.Raise(alarmKickWar, "the server keeps ending the stream soon after it began: another client probably uses this key and chain; stop other agents and test tools")
	}
	if v.parked {
		s.parked, s.mem.Parked, s.mem.Problem = true, true, err.Error()
		s.board.State(pms.LinkParked, s.notBefore)
	}
	if v.firm {
		if err := s.save(); err != nil {
			return err
		}
	}
	return err
}

// fallBack looks for something else to try before giving up; true if the next
// attempt will differ.
func (s *Source) fallBack(v *verdict, e *ending, st *stream) bool {
	if st != nil && st.probing {
		s.mem.Probed = s.now() // it does not take part in the real subscription's fallbacks
		return true
	}
	if st != nil && s.trialFailed(e, st) {
		s.past.triedQueries["selection"] = true
		s.attempt = &attempt{selectShort, st.try.offsetType, false}
		s.log.Info().Msg("pms does not take the extended selection; falling back to the documented one")
		return true
	}
	switch v.fallback {
	case fallbackSubprotocol:
		used := s.chooseProtocol()
		next, ok := s.past.nextSubprotocol(s.dialect, used)
		s.protocol = nil
		if ok {
			s.protocol = &next
		} else {
			s.mem.Subprotocol = learned{}
		}
		return ok
	case fallbackQuery:
		if st == nil {
			return false
		}
		next, ok := s.past.nextQuery(st.try, e, st.offset, s.mem.Worked)
		s.attempt = nil
		if ok {
			s.attempt = &next
			s.log.Info().Str("selection", next.selection).Str("offset_type", next.offsetType).Bool("without_offset", next.noOffset).
				Msg("pms rejects the subscription; trying it another way")
		}
		return ok
	}
	return false
}

// trialFailed reports whether this was a trial of the long selection, which
// Destinity does not document, that the server did not like in any way.
func (s *Source) trialFailed(e *ending, st *stream) bool {
	if s.dialect.fullSelection || st.try.selection != selectLong || st.worked || !e.subscribed {
		return false
	}
	return e.opError || e.complete || e.code >= 4000 || e.code == websocket.ClosePolicyViolation || e.code == websocket.CloseInternalServerErr
}

// chooseProtocol is the subprotocol to offer.
func (s *Source) chooseProtocol() string {
	if s.protocol != nil {
		return *s.protocol
	}
	if p, ok := s.mem.Subprotocol.get(s.now(), s.waits.Learned); ok {
		return p
	}
	return s.dialect.subprotocols[0]
}

// chooseAttempt is how to subscribe. The long selection is tried only where
// events must tell the hotel, and only once the documented query has worked.
func (s *Source) chooseAttempt() attempt {
	if s.attempt != nil {
		return *s.attempt
	}
	now := s.now()
	a := attempt{selection: selectShort, offsetType: s.cfg.FromOffsetType}
	if s.dialect.fullSelection || s.wantsLong() && s.mem.Worked {
		a.selection = selectLong
	}
	if sel, ok := s.mem.Selection.get(now, s.waits.Learned); ok {
		a.selection = sel
	}
	if t, ok := s.mem.OffsetType.get(now, s.waits.Learned); ok {
		a.offsetType = t
	}
	return a
}

func (s *Source) wantsLong() bool { return s.cfg.ChainScope == "shared" }
