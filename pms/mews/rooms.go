package mews

import (
	"context"
	"fmt"
	"time"

	"edgeagent/pms"
)

// readingHouse reads what seldom changes anew.
func (f *follower) readingHouse(ctx context.Context) func() {
	h, err := f.readHouse(ctx)
	return func() {
		f.reading = false
		if err != nil {
			f.trouble(ctx, err)
			f.plan(dutyHouse, f.now(), 0)
			return
		}
		f.plan(dutyHouse, f.now(), f.every(dutyHouse))
		if f.house != nil {
			f.hand(f.resourceNotices(f.house.changedIn(h), false))
		}
		f.house = h
		f.checkHouse(h)
	}
}

// checkHouse compares what Mews says of the property with the property file.
func (f *follower) checkHouse(h *house) {
	show := func(wrong bool, code, text string) {
		if wrong {
			f.board.Raise(code, text)
		} else {
			f.board.Clear(code)
		}
	}
	zone := h.enterprise.TimeZoneIdentifier
	show(zone != "" && !sameZone(h.zone, f.deps.Zone, f.clock.server()), alarmZone,
		fmt.Sprintf("Mews has the property in the time zone %s, the property file in %s: keys would end at another hour; correct property.timezone", printable(zone, 60), f.deps.Zone))
	show(h.enterprise.IsPortfolio, alarmPortfolio,
		"the access token is one for several properties, and device commands come only with a token of one property: ask Mews for such a one")
	show(len(h.stays) == 0, alarmNoEvents,
		"Mews knows no service here whose reservations are stays: write their names under services in the property file")
}

// sameZone reports whether two zones show the same hour now and half a year on.
func sameZone(a, b *time.Location, now time.Time) bool {
	if a == nil {
		return false
	}
	for _, t := range []time.Time{now, now.AddDate(0, 6, 0)} {
		_, x := t.In(a).Zone()
		_, y := t.In(b).Zone()
		if x != y {
			return false
		}
	}
	return true
}

// watchClock tells when the gateway's clock is far from Mews's.
func (f *follower) watchClock() {
	ahead := f.clock.ahead()
	if ahead.Abs() <= f.waits.ClockTolerance {
		f.board.Clear(alarmClock)
		return
	}
	word := "behind"
	if ahead < 0 {
		word = "ahead of"
	}
	f.board.Raise(alarmClock, fmt.Sprintf("the gateway's clock is %s %s Mews's; ages are told by Mews's clock, keys and screens by the gateway's: let the gateway reach a time server",
		ahead.Abs().Round(time.Minute), word))
}

// changedSince lists rooms that changed after an instant of Mews's clock.
func (h *house) changedSince(t time.Time) []resourceRow {
	var list []resourceRow
	for key, r := range h.rooms {
		if r.updated.After(t) {
			list = append(list, resourceRow{ID: key, Name: r.name, State: r.state, UpdatedUtc: instant{r.updated}})
		}
	}
	return list
}

// changedIn lists rooms whose state is another in a newer reading.
func (h *house) changedIn(newer *house) []resourceRow {
	var list []resourceRow
	for key, r := range newer.rooms {
		if old, known := h.rooms[key]; known && old.state != r.state {
			list = append(list, resourceRow{ID: key, Name: r.name, State: r.state, UpdatedUtc: instant{r.updated}})
		}
	}
	return list
}

// collectRooms takes in what events said of rooms. The state is in the event;
// one that says nothing new means that something else of the room changed, its
// name perhaps, and so does a room that nobody knows.
func (f *follower) collectRooms(states map[string]string, now time.Time) {
	if f.house == nil {
		return // it is read next, states and all
	}
	var list []resourceRow
	for key, state := range states {
		r, known := f.house.rooms[key]
		if !known || r.state == state {
			f.strange[key] = true
			continue
		}
		list = append(list, resourceRow{ID: key, Name: r.name, State: state, UpdatedUtc: instant{f.clock.server()}})
	}
	f.hand(f.resourceNotices(list, false))
}

// readingRooms reads rooms by their ids.
func (f *follower) readingRooms() func(context.Context) func() {
	var ids []string
	for key := range f.strange {
		if len(ids) < maxIDs {
			ids = append(ids, key)
			delete(f.strange, key)
		}
	}
	return func(ctx context.Context) func() {
		found, err := f.readResources(ctx, fields{"ResourceIds": ids})
		return func() {
			f.reading = false
			if err != nil {
				f.trouble(ctx, err)
				return
			}
			f.rename(found)
		}
	}
}

// rename takes rooms over as they are now, and tells of a new name: devices go
// by names.
func (f *follower) rename(found []resourceRow) {
	for _, r := range found {
		old, known := f.house.rooms[id(r.ID)]
		if name := f.roomName(r.Name); known && name != old.name {
			f.board.Raise(alarmRenamed, fmt.Sprintf("room %s is called %s in Mews now: write it under rooms in the property file, or rename the room's devices",
				printable(old.name, 40), printable(name, 40)))
		}
	}
	f.hand(f.resourceNotices(found, false))
	f.house = f.house.with(f.Source, found)
}

// pollingRooms reads the rooms that changed since the last time.
func (f *follower) pollingRooms() func(context.Context) func() {
	f.due[dutyRooms] = time.Time{}
	mark := f.mark
	return func(ctx context.Context) func() {
		at := f.clock.server()
		found, err := f.readResources(ctx, fields{"UpdatedUtc": span(mark.rooms.Add(-f.waits.Overlap), at.Add(time.Minute))})
		return func() {
			f.reading = false
			f.plan(dutyRooms, f.now(), f.every(dutyRooms))
			if err != nil {
				f.trouble(ctx, err)
				return
			}
			f.rename(found)
			f.advance(watermark{rooms: at})
		}
	}
}

// resourceNotices are housekeeping: what is new about the state of rooms.
func (f *follower) resourceNotices(list []resourceRow, replayed bool) []pms.Notice {
	var notices []pms.Notice
	now := f.now()
	for i := range list {
		r := &list[i]
		old, known := f.house.rooms[id(r.ID)]
		if !known || r.State == "" || !replayed && old.state == r.State {
			continue
		}
		kind := pms.KindRoomStatus
		if r.State == "OutOfOrder" {
			kind = pms.KindRoomOutOfOrder
		}
		name, _, _, _ := f.house.place(r.ID)
		notices = append(notices, pms.Notice{
			ID:     f.name + "/room/" + id(r.ID) + "/" + r.State + "/" + stampText(r.UpdatedUtc.Time),
			Source: f.name, Offset: f.mark.String(), Kind: kind, Name: "Resource",
			Fields:    []pms.Field{{Name: pms.FieldRoom, Old: name, New: name}, {Name: pms.FieldRoomStatus, New: r.State}},
			NotBefore: f.earlier(r.UpdatedUtc.Time, now), Received: now, Replayed: replayed,
		})
	}
	f.house = f.house.stated(list)
	return notices
}

// stated is the house with the states of some rooms as they are now.
func (h *house) stated(list []resourceRow) *house {
	if len(list) == 0 {
		return h
	}
	next := *h
	next.rooms = make(map[string]room, len(h.rooms))
	for key, r := range h.rooms {
		next.rooms[key] = r
	}
	for i := range list {
		if r, known := next.rooms[id(list[i].ID)]; known && list[i].State != "" {
			r.state, r.updated = list[i].State, latest(r.updated, list[i].UpdatedUtc.Time)
			next.rooms[id(list[i].ID)] = r
		}
	}
	return &next
}

// earlier is an instant of Mews's clock on ours, and never in the future.
func (f *follower) earlier(t, now time.Time) time.Time {
	local := f.clock.local(t)
	if local.IsZero() || local.After(now) {
		return now
	}
	return local
}
