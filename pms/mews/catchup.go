package mews

import (
	"context"
	"fmt"
	"maps"
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
	mark, h, everybody := f.mark, f.house, f.everybody.Swap(false)
	return func(ctx context.Context) func() {
		m, err := f.readMissed(ctx, h, mark, everybody)
		return func() {
			f.reading = false
			if err != nil {
				f.trouble(ctx, err)
				f.notBefore = f.now().Add(f.waits.BackoffMax)
				f.behind = true
				if everybody {
					f.everybody.Store(true)
				}
				return
			}
			f.took(m.stays)
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
	away := m.at.Sub(mark.stays)
	m.windowed = !mark.stays.IsZero() && away < longest && away > -f.waits.Overlap
	switch {
	case !mark.stays.IsZero() && away >= longest:
		f.board.Raise(alarmGap, fmt.Sprintf("the link was down for %d days; everybody in house is read anew", int(away.Hours()/24)))
	case !mark.stays.IsZero() && !m.windowed:
		f.board.Raise(alarmOffset, "the stored place is ahead of Mews's clock; everybody in house is read anew")
	}
	r := &stayReading{house: h}
	m.stays = r
	if m.windowed {
		changed, err := f.readStays(ctx, h, query{filter: f.since(mark.stays, m.at)}, f.seen.new)
		if err != nil {
			return nil, err
		}
		r.add(changed)
		edited, err := f.readEdited(ctx, r.house, f.since(mark.guests, m.at), r.lacks)
		if err != nil {
			return nil, err
		}
		r.add(edited)
	}
	if !m.windowed || everybody {
		all, err := f.readEverybody(ctx, r.house, r.lacks)
		if err != nil {
			return nil, err
		}
		r.add(all)
	}
	// The rooms that were read a moment ago need not be read again.
	if m.windowed && f.now().Sub(h.read) > f.waits.Overlap {
		resources, err := f.readResources(ctx, f.since(mark.rooms, m.at))
		if err != nil {
			return nil, err
		}
		m.resources = resources
	} else if m.windowed {
		m.resources = h.changedSince(mark.rooms.Add(-f.waits.Overlap))
	}
	return m, nil
}

// since is the window from a watermark, less the overlap, to now by Mews's clock.
// Its end is not in it, so it lies ahead. A watermark can lie ahead as well, when
// Mews's clock was set back, or too far back for one window.
func (f *follower) since(mark, at time.Time) fields {
	from := at
	if mark.Before(at) {
		from = latest(mark, at.Add(-longest))
	}
	return fields{"UpdatedUtc": span(from.Add(-f.waits.Overlap), at.Add(time.Minute))}
}

// readEverybody reads who is in house, and what became of those whom the
// ledger holds in house and Mews does not. Companions come and go without a
// trace in their reservation, so guests are read even if that is the same.
func (f *follower) readEverybody(ctx context.Context, h *house, guests need) (*stayReading, error) {
	r, err := f.readStays(ctx, h, inHouse(), guests)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for i := range r.rows {
		found[id(r.rows[i].ID)] = true
	}
	// The ledger may be older than this link, and hold other ids; one of them
	// spoils a whole request.
	gone := slices.DeleteFunc(slices.Clone(f.deps.InHouse()), func(key string) bool { return found[id(key)] || !isID(id(key)) })
	if len(gone) == 0 {
		return r, nil
	}
	rest, err := f.readStays(ctx, r.house, byIDs(gone), always)
	if err != nil {
		return nil, err
	}
	r.add(rest)
	return r, nil
}

// took takes over what a read found beside its rows. The house may have changed
// since the read began, so only what was new then is put into it.
func (f *follower) took(r *stayReading) {
	f.went()
	f.house = f.house.with(f.Source, r.rooms)
}

// add puts another reading behind this one.
func (r *stayReading) add(other *stayReading) {
	r.house = other.house
	r.rooms = append(r.rooms, other.rooms...)
	at := make(map[string]int, len(r.rows))
	for i := range r.rows {
		at[id(r.rows[i].ID)] = i
	}
	for _, row := range other.rows {
		if i, twice := at[id(row.ID)]; !twice {
			r.rows = append(r.rows, row)
		} else if !row.UpdatedUtc.Before(r.rows[i].UpdatedUtc.Time) {
			r.rows[i] = row
		}
	}
	r.bad, r.badGuests = append(r.bad, other.bad...), append(r.badGuests, other.badGuests...)
	if r.parties == nil {
		r.parties = map[string]party{}
	}
	maps.Copy(r.parties, other.parties)
}

// lacks reports whether the guests of a reservation have not been read.
func (r *stayReading) lacks(row *reservationRow) bool {
	_, read := r.parties[id(row.ID)]
	return !read
}

// readEdited reads the stays of guests whose profile was edited: names and
// languages change without an event.
func (f *follower) readEdited(ctx context.Context, h *house, window fields, guests need) (*stayReading, error) {
	var edited []string
	filter := fields{"Extent": fields{"Customers": true, "Addresses": false}, "UpdatedUtc": window["UpdatedUtc"]}
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
		owned, err := f.readStays(ctx, r.house, query{filter: fields{"AccountIds": part, "States": []string{started}}}, guests)
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
	accompanied, err := f.readStays(ctx, r.house, byIDs(rest), guests)
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
		r, err := f.readStays(ctx, h, query{filter: f.since(mark.stays, at)}, f.seen.new)
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
		r, err := f.readEdited(ctx, h, f.since(mark.guests, at), always)
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
	f.took(r)
	if d == dutyStays {
		f.missedEvents(r)
	}
	f.hand(f.stayNotices(r, false))
	f.advance(mark)
	if !f.open && !f.stopped { // what came by a poll is news as well
		f.stopped = !f.yield([]pms.Notice{}, nil)
	}
}
