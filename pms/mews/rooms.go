package mews

import (
	"context"
	"fmt"
	"maps"
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
			if f.house != nil { // the one read before is good enough for now
				f.plan(dutyHouse, f.now(), max(f.every(dutyHouse)/24, f.waits.BackoffMax))
				return
			}
			f.notBefore = f.now().Add(f.waits.BackoffMax)
			f.plan(dutyHouse, f.now(), 0)
			return
		}
		f.went()
		f.plan(dutyHouse, f.now(), f.every(dutyHouse))
		if f.house != nil {
			h.keep(f.house)
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
	show(len(h.stays) == 0, alarmServices,
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

// keep takes over the states that an older reading has got from events since.
func (h *house) keep(older *house) {
	for key, old := range older.rooms {
		if r, known := h.rooms[key]; known && old.updated.After(r.updated) {
			r.state, r.updated = old.state, old.updated
			h.rooms[key] = r
		}
	}
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
	var list []resourceRow
	for key, state := range states {
		var r room
		known := false
		if f.house != nil { // else it is being read, and may have been read before this
			r, known = f.house.rooms[key]
		}
		if !known || r.state == state {
			f.strange[key] = true
			continue
		}
		// The stamps of rows have whole seconds; one of the same change must not count as older.
		list = append(list, resourceRow{ID: key, Name: r.name, State: state, UpdatedUtc: instant{latest(r.updated, f.clock.server().Add(-2*time.Second))}})
	}
	if len(list) == 0 {
		return
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
				f.roomsAfter = f.now().Add(f.waits.BackoffMax)
				for _, key := range ids {
					f.strange[key] = true
				}
				return
			}
			f.went()
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
		found, err := f.readResources(ctx, f.since(mark.rooms, at))
		return func() {
			f.reading = false
			f.plan(dutyRooms, f.now(), f.every(dutyRooms))
			if err != nil {
				f.trouble(ctx, err)
				return
			}
			f.went()
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
		// At the start the state is known already, and nobody has been told.
		if !known || r.State == "" || old.state == r.State && f.caught || r.UpdatedUtc.Before(old.updated) {
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
	maps.Copy(next.rooms, h.rooms)
	for i := range list {
		if r, known := next.rooms[id(list[i].ID)]; known && list[i].State != "" && !list[i].UpdatedUtc.Before(r.updated) {
			r.state, r.updated = list[i].State, latest(r.updated, list[i].UpdatedUtc.Time)
			next.rooms[id(list[i].ID)] = r
		}
	}
	return &next
}

// earlier is an instant of Mews's clock on ours, and never in the future.
func (f *follower) earlier(t, now time.Time) time.Time {
	local := f.clock.local(t)
	switch {
	case local.IsZero():
		return now
	case !local.Before(now):
		// The clocks are known to half a second. Equal to now it would be no time at all.
		return now.Add(-time.Millisecond)
	}
	return local
}
