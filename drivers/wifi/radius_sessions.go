package wifi

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"time"

	"edgeagent/drivers"
	"edgeagent/drivers/wifi/dynauth"
)

// What runs at the NAS: RFC 5176 for the sessions that radacct knows.

// nas is what a NAS can be asked.
type nas interface {
	Disconnect(ctx context.Context, s dynauth.Session) error
	SetTimeout(ctx context.Context, s dynauth.Session, seconds uint32) error
}

// noSession reports a refusal that says that there is no such session.
func noSession(err error) bool {
	var refusal *dynauth.NAK
	return errors.As(err, &refusal) && refusal.Cause.Class() == dynauth.Gone
}

// unknown reports that a NAS does not find a session: it is gone, or the NAS has
// another name for it. Error-Cause 201, which counts as gone too, leaves no doubt.
func unknown(err error) bool {
	var refusal *dynauth.NAK
	return errors.As(err, &refusal) && refusal.Cause == 503
}

// mute reports a NAS that would not answer the next request either.
func mute(err error) bool {
	var line net.Error
	return errors.Is(err, dynauth.ErrSilent) || errors.Is(err, dynauth.ErrForged) || errors.Is(err, dynauth.ErrClosed) || errors.As(err, &line)
}

// disconnect ends the sessions of a user and says how many it ended. One that
// cannot be ended does not keep the others.
func (r *radius) disconnect(ctx context.Context, user string) (int, error) {
	open, err := r.store.sessions(ctx, user)
	if err != nil {
		return 0, err
	}
	ended := 0
	var wrong []error
	silent := map[string]bool{}
	for _, s := range open {
		n, ok := r.nasOf(s)
		switch {
		case !ok && s.stale:
			continue
		case !ok:
			wrong = append(wrong, fmt.Errorf("%w: radacct has a session at the NAS %s, which radius.nas does not list", drivers.ErrRefused, s.nasIP))
			continue
		case silent[n.Address]:
			continue
		}
		err := r.order(ctx, n, s, nas.Disconnect)
		switch {
		case err == nil && !s.stale:
			// Its Accounting-Stop closes the row.
			ended++
			continue
		case unknown(err) && r.fresh(ctx, s):
			// A NAS that has just reported on it does not know it by the names that
			// we have: to call it gone would leave the guest online.
			wrong = append(wrong, fmt.Errorf("the NAS %s knows no session by the names that radacct has, and reported on it less than %v ago: %s", n.Address, 2*r.set.Interim, err.Error())) // not wrapped: it is to be tried again
			continue
		case err == nil, noSession(err):
			if err := r.store.end(ctx, s, r.now()); err != nil {
				return ended, err
			}
			continue
		case ctx.Err() != nil:
			return ended, ctx.Err()
		}
		silent[n.Address] = mute(err)
		wrong = append(wrong, fmt.Errorf("end a session at the NAS %s: %w", n.Address, err))
	}
	return ended, worst(wrong)
}

// worst joins errors for a lane: it is only in vain to try again if it is for
// all of them.
func worst(all []error) error {
	var again []error
	for _, err := range all {
		if !errors.Is(err, drivers.ErrRefused) {
			again = append(again, err)
		}
	}
	if len(again) > 0 {
		return errors.Join(again...)
	}
	return errors.Join(all...)
}

// stretch tells the running sessions of a user that they end at another time.
// One that is not told of a later end ends at its old time, and its device logs
// in anew: that is worth a word on the status page, not a failed command. One
// that is not told of an earlier end is what the sweep is for. Rows that we have
// closed are asked about too: their sessions may run.
func (r *radius) stretch(ctx context.Context, user string, until time.Time, shorter bool) error {
	open, err := r.store.sessions(ctx, user)
	if err != nil {
		return err
	}
	trouble := ""
	silent := map[string]bool{}
	for _, s := range open {
		n, ok := r.nasOf(s)
		if !ok || silent[n.Address] || !*n.CoA && !shorter {
			continue
		}
		err := r.tell(ctx, n, s, until, shorter)
		switch {
		case err == nil, noSession(err) && !(unknown(err) && r.fresh(ctx, s)):
		case ctx.Err() != nil:
			return ctx.Err()
		case shorter:
			silent[n.Address] = mute(err)
			trouble = fmt.Sprintf("the NAS %s was not told of an earlier departure: %v; the session is cut after it", n.Address, err)
		default:
			silent[n.Address] = mute(err)
			trouble = fmt.Sprintf("the NAS %s was not told of a changed departure (CoA): %v; the device logs in again when its session ends", n.Address, err)
		}
	}
	r.trouble.Store(&trouble)
	return nil
}

// tell gives a session another end. Where that does not work, an earlier end is
// reached by ending the session: the device logs in again, and gets the right one.
func (r *radius) tell(ctx context.Context, n RadiusNAS, s acctSession, until time.Time, shorter bool) error {
	if *n.CoA {
		from := r.now()
		if n.SessionTimeout == "start" && !s.started.IsZero() && s.started.Before(from) {
			from = s.started
		}
		left := uint32(min(max(until.Sub(from)/time.Second, 1), math.MaxInt32))
		err := r.order(ctx, n, s, func(line nas, ctx context.Context, s dynauth.Session) error { return line.SetTimeout(ctx, s, left) })
		if err == nil || !shorter || ctx.Err() != nil {
			return err
		}
	}
	return r.order(ctx, n, s, nas.Disconnect)
}

// nasOf finds the NAS of a session by the address that radacct has.
func (r *radius) nasOf(s acctSession) (RadiusNAS, bool) {
	for _, n := range r.set.NAS {
		if a, b := addr(n.NASIP), addr(s.nasIP); a.IsValid() && a == b {
			return n, true
		}
	}
	return RadiusNAS{}, false
}

// order asks a NAS something about a session, by everything that is known of
// it. One name that the NAS has otherwise is enough for it to find nothing: then
// it is asked again by the one that it made itself.
func (r *radius) order(ctx context.Context, n RadiusNAS, s acctSession, what func(nas, context.Context, dynauth.Session) error) error {
	ask := func(named dynauth.Session) error {
		return r.send(ctx, n, func(ctx context.Context, line nas) error { return what(line, ctx, named) })
	}
	named := dynauth.Session{
		User: s.user, AcctSessionID: s.acctSessionID, CallingStationID: s.calling,
		NASIP: addr(n.NASIP), NASIdentifier: n.Identifier, FramedIP: addr(s.framedIP),
	}
	err := ask(named)
	if unknown(err) && s.acctSessionID != "" && !s.stale {
		err = ask(dynauth.Session{AcctSessionID: s.acctSessionID, NASIP: named.NASIP, NASIdentifier: n.Identifier})
	}
	return err
}

// fresh reports whether a row is open and its NAS has spoken of the session so
// lately, by the database's clock, that it should still know it.
func (r *radius) fresh(ctx context.Context, s acctSession) bool {
	if s.stale || s.heard().IsZero() {
		return false
	}
	now, err := r.store.clock(ctx)
	return err != nil || now.Sub(s.heard()).Abs() < 2*r.set.Interim
}

// send asks a NAS something. A refusal that only a person can change is final.
func (r *radius) send(ctx context.Context, n RadiusNAS, ask func(context.Context, nas) error) error {
	secret, err := r.secretFile("radius.nas.secret_file", n.SecretFile)
	if err != nil {
		// It is this NAS that cannot be asked; the lane goes on.
		return errors.New(err.Error())
	}
	err = ask(ctx, dynauth.NAS{Address: n.Address, Source: addr(n.Source), Secret: []byte(secret), Waits: r.waits, Now: r.now})
	var refusal *dynauth.NAK
	if errors.As(err, &refusal) && refusal.Cause.Class() == dynauth.Setup {
		return fmt.Errorf("%w: %w", drivers.ErrRefused, err)
	}
	return err
}
