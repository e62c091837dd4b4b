package inspiresim

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

func (d *Desk) updated() []Element {
	now := d.time()
	return []Element{d.element("UPDATE DATE", "", now.Format(time.DateOnly)), d.element("UPDATE TIME", "", now.Format(time.TimeOnly))}
}

// reservation words an event of the module RESERVATION.
func (d *Desk) reservation(name, oldStatus, newStatus string, before, after Stay) Event {
	elements := d.compare(
		append([]value{{"RESERVATION STATUS", oldStatus}}, d.values(before)...),
		append([]value{{"RESERVATION STATUS", newStatus}}, d.values(after)...))
	for i := range max(len(before.Accompanying), len(after.Accompanying)) {
		e := d.element("ACCOMPANYING GUEST", at(before.Accompanying, i), at(after.Accompanying, i))
		e.Sequence = i + 1
		elements = append(elements, e)
	}
	return d.short("RESERVATION", name, after.Reservation, d.HotelID, elements...)
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

// value is an element's name and what it holds.
type value struct{ name, text string }

func person(s Stay) []value {
	return []value{{"NAME", s.Last}, {"FIRST NAME", s.First}, {"TITLE", s.Title}, {"LANGUAGE", s.Language}, {"VIP STATUS", s.VIP}}
}

func (d *Desk) values(s Stay) []value {
	out := append([]value{
		{"ROOM", s.Room}, {"ROOM TYPE", s.RoomType},
		{"ARRIVAL DATE", d.date(s.Arrival)}, {"DEPARTURE DATE", d.date(s.Departure)}, {"CHECKOUT TIME", d.clock(s.Departure)},
		{"BLOCK CODE", s.Block}, {"ADULTS", number(s.Adults)}, {"CHILDREN", number(s.Children)},
	}, person(s)...)
	if !d.NoIdentity {
		out = append(out, value{"CONFIRMATION NO", s.Confirmation}, value{"RESV NAME ID", s.Reservation}, value{"GUEST NAME ID", s.GuestID})
	}
	if d.Resort {
		out = append(out, value{"RESORT", d.HotelID})
	}
	return out
}

// compare lays the values before and after, in the same order, side by side.
func (d *Desk) compare(before, after []value) []Element {
	var out []Element
	for i := range after {
		name, was, is := after[i].name, before[i].text, after[i].text
		// What says which stay it is comes always: it is configured so.
		key := slices.Contains([]string{"CONFIRMATION NO", "RESV NAME ID", "GUEST NAME ID", "RESORT", "ROOM"}, name)
		if was == "" && is == "" || d.OnlyChanged && was == is && !key {
			continue
		}
		out = append(out, d.element(name, was, is))
	}
	return out
}

func (d *Desk) element(name, before, after string) Element {
	if name == "ROOM" && d.RoomElement != "" {
		return Element{Name: d.RoomElement, Old: before, New: after}
	}
	return Element{Name: name, Old: before, New: after}
}

// short puts an event together.
func (d *Desk) short(module, name, key, hotel string, elements ...Element) Event {
	e := Event{Module: module, Name: name, PrimaryKey: key, HotelID: hotel}
	if d.Now != nil {
		e.Timestamp = d.stamp(d.time())
	}
	for _, el := range elements {
		if slices.Contains(d.Omit, el.Name) {
			continue
		}
		if d.Style == StylePascal {
			el.Name = pascalCase(el.Name)
		}
		e.Detail = append(e.Detail, el)
	}
	if d.Style == StylePascal {
		e.Module, e.Name = pascalCase(module), pascalEvent(name)
	}
	return e
}

// pascalEvent names events after the pattern of GuestCheckedIn.
func pascalEvent(name string) string {
	switch name {
	case "NEW RESERVATION":
		return "ReservationCreated"
	case "UPDATE RESERVATION":
		return "ReservationUpdated"
	case "CHECK IN":
		return "GuestCheckedIn"
	case "CHECK OUT":
		return "GuestCheckedOut"
	case "CANCEL":
		return "ReservationCancelled"
	case "UPDATE ROOM STATUS":
		return "RoomStatusChanged"
	}
	return pascalCase(name)
}

func (d *Desk) zone() *time.Location {
	if d.Zone == nil {
		return time.UTC
	}
	return d.Zone
}

func (d *Desk) time() time.Time {
	if d.Now == nil {
		return time.Now().In(d.zone())
	}
	return d.Now().In(d.zone())
}

func (d *Desk) stamp(t time.Time) string {
	if d.Time == TimeMonths {
		return strings.ToUpper(t.Format("02-Jan-06 03.04.05.000000 PM"))
	}
	return t.Format("2006-01-02 15:04:05.000")
}

func (d *Desk) date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(d.zone()).Format(time.DateOnly)
}

func (d *Desk) clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(d.zone()).Format("15:04")
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
