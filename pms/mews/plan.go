package mews

import (
	"math/rand/v2"
	"time"
)

// duty is something that falls due by the clock.
type duty int

const (
	dutyCommands duty = iota // ask which device commands wait
	dutyStays
	dutyRooms
	dutyGuests
	dutyHouse
	dutyNight  // open the socket anew, and compare who is in house
	dutySpoilt // read all that has changed, for what nobody could read
	duties
)

func (f *follower) isDue(d duty, now time.Time) bool {
	return !f.due[d].IsZero() && !now.Before(f.due[d])
}

// untilDue is how long nothing falls due.
func (f *follower) untilDue() time.Duration {
	now := f.now()
	next := now.Add(time.Hour)
	sooner := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	for d, at := range f.due {
		switch duty(d) {
		case dutyCommands:
			if !f.asking {
				sooner(at)
			}
		case dutyNight:
			sooner(at)
		default:
			if !f.reading {
				sooner(latest(at, f.orNever(at)))
			}
		}
	}
	if !f.reading {
		at := f.nextHint()
		sooner(latest(at, f.orNever(at)))
		if f.behind {
			sooner(f.notBefore)
		}
		if len(f.strange) > 0 {
			sooner(latest(f.notBefore, f.roomsAfter))
		}
	}
	return max(next.Sub(now), 0)
}

// orNever is when reads may go on, for a read that is due at all.
func (f *follower) orNever(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return f.notBefore
}

// every is how often something is polled as things stand.
func (f *follower) every(d duty) time.Duration {
	w := &f.waits
	up, down := w.Commands, w.CommandsDown
	if len(f.desk.held()) > 0 { // it may be cancelled, and no event say so
		up = min(up, down)
	}
	switch d {
	case dutyStays:
		up, down = w.Stays, w.StaysDown
	case dutyRooms:
		up, down = w.Rooms, w.RoomsDown
	case dutyGuests:
		up, down = w.Guests, w.GuestsDown
	case dutyHouse:
		return w.House
	}
	if f.open {
		return up
	}
	return down
}

// plan sets when something falls due, a little off so that polls of one start
// do not fall together for ever.
func (f *follower) plan(d duty, now time.Time, in time.Duration) {
	f.due[d] = now.Add(in - in/20 + rand.N(in/10+1))
}

// planNight sets when the socket is opened anew: at the given local hour, some
// minutes later at one gateway than at another.
func (f *follower) planNight(now time.Time) {
	at, err := time.Parse("15:04", f.cfg.ReconnectAt)
	if err != nil {
		f.due[dutyNight] = time.Time{} // never
		return
	}
	local := now.In(f.deps.Zone)
	next := time.Date(local.Year(), local.Month(), local.Day(), at.Hour(), at.Minute(), 0, 0, f.deps.Zone)
	if !next.After(now) {
		next = next.AddDate(0, 0, 1)
	}
	f.due[dutyNight] = next.Add(rand.N(10 * time.Minute))
}
