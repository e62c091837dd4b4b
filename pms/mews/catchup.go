package mews

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"edgeagent/pms"
)

// started is the state of a reservation whose guest is in house.
const started = "Started"

// missed is all that a catching up reads.
type missed struct {
	stays     *stayReading
	resources []resourceRow
	at        time.Time // Mews's clock before the first request
	windowed  bool      // the stays are those of a window, not all in house
}

// catchingUp reads what happened while nobody listened: what changed since the
// watermark or, at the first start and after months, who is in house. The
// socket is open by then, so nothing falls between.
func (f *follower) catchingUp() func(context.Context) func() {
	mark, h, everybody := f.mark, f.house, f.everybody
	f.everybody = false
	return func(ctx context.Context) func() {
		m, err := f.readMissed(ctx, h, mark, everybody)
		return func() {
			f.reading = false
			if err != nil {
				f.trouble(ctx, err)
				f.behind = true
				f.everybody = f.everybody || everybody
				return
			}
			f.house = m.stays.house
			f.hand(f.stayNotices(m.stays, true))
			f.hand(f.resourceNotices(m.resources, true))
			f.advance(watermark{m.at, m.at, m.at})
			now := f.now()
			for _, d := range []duty{dutyStays, dutyRooms, dutyGuests} {
				f.plan(d, now, f.every(d))
			}
			f.caughtUp()
		}
	}
}

func (f *follower) readMissed(ctx context.Context, h *house, mark watermark, everybody bool) (*missed, error) {
	m := &missed{at: f.clock.server()}
	to := m.at.Add(time.Minute) // the end of a window is not in it
	away := m.at.Sub(mark.stays)
	m.windowed = !mark.stays.IsZero() && away < longest && away > -time.Hour
	switch {
	case !mark.stays.IsZero() && away >= longest:
		f.board.Raise(alarmGap, fmt.Sprintf("the link was down for %d days; everybody in house is read anew", int(away.Hours()/24)))
	case !mark.stays.IsZero() && away <= -time.Hour:
		f.board.Raise(alarmOffset, "the stored place is ahead of Mews's clock; everybody in house is read anew")
	}
	r := &stayReading{house: h}
	m.stays = r
	if m.windowed {
		changed, err := f.readStays(ctx, h, updated(mark.stays.Add(-f.waits.Overlap), to), f.seen.new)
		if err != nil {
			return nil, err
		}
		r.add(changed)
		edited, err := f.readEdited(ctx, r.house, mark.guests.Add(-f.waits.Overlap), to)
		if err != nil {
			return nil, err
		}
		r.add(edited)
	}
	if !m.windowed || everybody {
		all, err := f.readEverybody(ctx, r.house)
		if err != nil {
			return nil, err
		}
		r.add(all)
	}
	// The rooms that were read a moment ago need not be read again.
	if since := mark.rooms; m.windowed && f.now().Sub(h.read) > f.waits.Overlap {
		resources, err := f.readResources(ctx, fields{"UpdatedUtc": span(since.Add(-f.waits.Overlap), to)})
		if err != nil {
			return nil, err
		}
		m.resources = resources
	} else if m.windowed {
		m.resources = h.changedSince(since.Add(-f.waits.Overlap))
	}
	return m, nil
}

// readEverybody reads who is in house, and what became of those whom the
// ledger holds in house and Mews does not.
func (f *follower) readEverybody(ctx context.Context, h *house) (*stayReading, error) {
	r, err := f.readStays(ctx, h, inHouse(), f.seen.new)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for i := range r.rows {
		found[id(r.rows[i].ID)] = true
	}
	gone := slices.DeleteFunc(slices.Clone(f.deps.InHouse()), func(key string) bool { return found[id(key)] })
	if len(gone) == 0 {
		return r, nil
	}
	rest, err := f.readStays(ctx, r.house, byIDs(gone), always)
	if statusOf(err) == http.StatusBadRequest {
		// One of them is no id of Mews; the ledger may be older than this link.
		f.log.Warn().Err(err).Int("reservations", len(gone)).Msg("mews does not know who the ledger holds in house")
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	r.add(rest)
	return r, nil
}

// add puts another reading behind this one.
func (r *stayReading) add(other *stayReading) {
	r.house = other.house
	r.rows = append(r.rows, other.rows...)
	r.bad = append(r.bad, other.bad...)
	if r.parties == nil {
		r.parties = map[string]party{}
	}
	for key, p := range other.parties {
		r.parties[key] = p
	}
}

// readEdited reads the stays of guests whose profile was edited: names and
// languages change without an event.
func (f *follower) readEdited(ctx context.Context, h *house, from, to time.Time) (*stayReading, error) {
	var edited []string
	filter := fields{"Extent": fields{"Customers": true, "Addresses": false}, "UpdatedUtc": span(from, to)}
	err := list(ctx, f.api, reading, "customers/getAll", filter, 0, func(p *struct {
		Customers rows[customerRow]
		Cursor    string
	}) (int, string) {
		for _, c := range p.Customers.good {
			edited = append(edited, c.ID)
		}
		return p.Customers.len(), p.Cursor
	})
	if forbidden(err) {
		err = nil // then edits of names are not found, and the page says so
	}
	if err != nil || len(edited) == 0 {
		return &stayReading{house: h}, err
	}
	reservations := map[string]bool{}
	extent := fields{"Extent": fields{"Customers": false, "Reservations": false, "ReservationGroups": false}}
	err = listByIDs(ctx, f.api, reading, "companionships/getAll", "CustomerIds", edited, extent, false, func(p *struct {
		Companionships rows[companionshipRow]
		Cursor         string
	}) (int, string) {
		for _, c := range p.Companionships.good {
			if c.ReservationID != "" {
				reservations[id(c.ReservationID)] = true
			}
		}
		return p.Companionships.len(), p.Cursor
	})
	if err != nil && !forbidden(err) {
		return nil, err
	}
	r := &stayReading{house: h}
	for _, part := range chunks(edited) {
		owned, err := f.readStays(ctx, r.house, query{filter: fields{"AccountIds": part, "States": []string{started}}}, always)
		if err != nil {
			return nil, err
		}
		for i := range owned.rows {
			delete(reservations, id(owned.rows[i].ID))
		}
		r.add(owned)
	}
	var rest []string
	for key := range reservations {
		rest = append(rest, key)
	}
	if len(rest) == 0 {
		return r, nil
	}
	accompanied, err := f.readStays(ctx, r.house, byIDs(rest), always)
	if err != nil {
		return nil, err
	}
	r.add(accompanied)
	return r, nil
}

// pollingStays reads the reservations that changed since the last time, for
// events that never came.
func (f *follower) pollingStays() func(context.Context) func() {
	f.due[dutyStays] = time.Time{}
	mark, h := f.mark, f.house
	return func(ctx context.Context) func() {
		at := f.clock.server()
		r, err := f.readStays(ctx, h, updated(mark.stays.Add(-f.waits.Overlap), at.Add(time.Minute)), f.seen.new)
		return func() {
			f.polledStays(ctx, dutyStays, r, err, watermark{stays: at})
		}
	}
}

// pollingGuests reads the stays of edited profiles.
func (f *follower) pollingGuests() func(context.Context) func() {
	f.due[dutyGuests] = time.Time{}
	mark, h := f.mark, f.house
	return func(ctx context.Context) func() {
		at := f.clock.server()
		r, err := f.readEdited(ctx, h, mark.guests.Add(-f.waits.Overlap), at.Add(time.Minute))
		return func() {
			f.polledStays(ctx, dutyGuests, r, err, watermark{guests: at})
		}
	}
}

func (f *follower) polledStays(ctx context.Context, d duty, r *stayReading, err error, mark watermark) {
	f.reading = false
	f.plan(d, f.now(), f.every(d))
	if err != nil {
		f.trouble(ctx, err)
		return
	}
	f.house = r.house
	if d == dutyStays {
		f.missedEvents(r)
	}
	f.hand(f.stayNotices(r, false))
	f.advance(mark)
	if !f.open && !f.stopped { // what came by a poll is news as well
		f.stopped = !f.yield([]pms.Notice{}, nil)
	}
}

// missedEvents looks whether a poll found what no event told, while the socket
// was open: then Mews sends none.
func (f *follower) missedEvents(r *stayReading) {
	if !f.open {
		return
	}
	untold := 0
	for i := range r.rows {
		row := &r.rows[i]
		if f.house.stays[id(row.ServiceID)] && f.seen.new(row) && f.seen.untold(row, f.openedAt.Add(f.waits.Overlap)) {
			untold++
		}
	}
	switch {
	case f.in.counts().stays > 0:
		f.board.Clear(alarmNoEvents)
	case untold > 0:
		f.board.Raise(alarmNoEvents, "reservations change, and no event says so: ask Mews support to send Reservation events to this integration by WebSocket; until then changes are found by polls, minutes later")
	}
	if untold > 0 {
		f.log.Warn().Int("reservations", untold).Msg("a poll found what no event had told")
	}
}
