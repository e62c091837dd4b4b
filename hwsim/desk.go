package hwsim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"edgeagent/hwsim/inspiresim"
)

// Stay is a reservation as the hotel's desk knows it: the truth that devices
// are judged by.
type Stay struct {
	Reservation string
	Title       string
	First, Last string
	Language    string
	Room        string
	InHouse     bool
	Shared      bool
	Arrival     time.Time
	// Departure has a minute of its own, so that a card tells whose it is.
	Departure time.Time

	mews, customer string // ids in Mews, of a guest of the annex
}

// Desk is what the front desk does, told to the PMS stream at a time of choice.
type Desk struct {
	hotel *Hotel
	// age is how long ago it happened, by the PMS's clock.
	age time.Duration
}

// Desk acts now.
func (h *Hotel) Desk() Desk { return Desk{hotel: h} }

// Earlier is a desk whose deeds happened that long ago: a backlog.
func (d Desk) Earlier(age time.Duration) Desk { return Desk{d.hotel, age} }

// Stamp is the form of the PMS's timestamps: hotel-local, without zone.
const stamp = "2006-01-02 15:04:05.000"

func (d Desk) publish(s *Stay, name string, detail ...inspiresim.Element) {
	d.tell("RESERVATION", name, s.Reservation, detail)
}

// tell puts an event onto the stream, in the PMS's own words where a rehearsal
// has some.
func (d Desk) tell(module, name, key string, detail []inspiresim.Element) {
	at := time.Now().Add(-d.age)
	hotel := &d.hotel.site
	if own, ok := hotel.events[name]; ok {
		name = own
		if of, event, found := strings.Cut(own, "/"); found {
			module, name = strings.TrimSpace(of), strings.TrimSpace(event)
		}
	}
	for i := range detail {
		if own, ok := hotel.elements[detail[i].Name]; ok {
			detail[i].Name = own
		}
	}
	d.hotel.PMS.PublishAt(hotel.chain(), at, inspiresim.Event{
		Module: module, Name: name, PrimaryKey: key, HotelID: hotel.hotel,
		Timestamp: at.In(d.hotel.Zone).Format(stamp), Detail: detail,
	})
}

// Message leaves a guest a message.
func (d Desk) Message(s *Stay, text string) {
	d.publish(s, "NEW GUEST MESSAGE", same("CONFIRMATION NO", s.Reservation), same("ROOM", s.Room),
		change("MESSAGE", "", text), change("MESSAGE TITLE", "", "Reception"))
}

func same(name, value string) inspiresim.Element {
	return inspiresim.Element{Name: name, Old: value, New: value}
}

func change(name, old, new string) inspiresim.Element {
	return inspiresim.Element{Name: name, Old: old, New: new}
}

// Stay is the stay of a reservation, nil if there is none.
func (h *Hotel) Stay(reservation string) *Stay {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stays[reservation]
}

// Stays are all stays as they are now, those who have left included, in the
// order in which they were made.
func (h *Hotel) Stays() []Stay {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]Stay, 0, len(h.stays))
	for _, key := range slices.Sorted(maps.Keys(h.stays)) {
		list = append(list, *h.stays[key])
	}
	return list
}

// identity is what the PMS repeats with most events.
func (d Desk) identity(stay *Stay) []inspiresim.Element {
	d.hotel.mu.Lock()
	s := *stay
	d.hotel.mu.Unlock()
	return []inspiresim.Element{
		same("CONFIRMATION NO", s.Reservation), same("ROOM", s.Room),
		same("NAME", s.Last), same("FIRST NAME", s.First), same("TITLE", s.Title), same("LANGUAGE", s.Language),
		same("DEPARTURE DATE", s.Departure.Format(time.DateOnly)), same("CHECKOUT TIME", s.Departure.Format("15:04")),
		same("SHARE YN", yn(s.Shared)),
	}
}

func yn(b bool) string {
	if b {
		return "Y"
	}
	return "N"
}

// Guest makes a stay that has not checked in: nights from today, departing at noon or soon after.
func (h *Hotel) Guest(title, first, last, language string, nights int) *Stay {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sequence++
	now := time.Now().In(h.Zone)
	s := &Stay{
		Reservation: fmt.Sprintf("RSV%d", 240000+h.sequence), Title: title, First: first, Last: last, Language: language,
		Arrival: now, Departure: time.Date(now.Year(), now.Month(), now.Day()+nights, 12, h.sequence%60, 0, 0, h.Zone).
				Add(time.Duration(h.sequence/60) * 24 * time.Hour),
	}
	h.stays[s.Reservation] = s
	return s
}

// wants counts that a card for the stay in its room may be cut.
func (d Desk) wants(s *Stay) {
	if d.age == 0 {
		d.hotel.want(s, 1)
	}
}

// want counts cards that may be cut for a stay in its room; h.mu is held.
func (h *Hotel) want(s *Stay, cards int) {
	key := cardKey(s.Room, h.cardEnd(s.Departure))
	h.asked[key] += cards
	h.owner[key] = s
}

func cardKey(room string, until time.Time) string {
	return room + " until " + until.UTC().Format(time.RFC3339)
}

// CheckIn checks a guest into a room that is empty.
func (d Desk) CheckIn(s *Stay, room string) {
	d.hotel.mu.Lock()
	s.Room, s.InHouse = room, true
	d.wants(s)
	d.hotel.mu.Unlock()
	d.publish(s, "CHECK IN", append(d.identity(s), change("RESERVATION STATUS", "RESERVED", "CHECKED IN"))...)
}

// CheckInAsUpdate is CheckIn in the other way that PMSs tell it.
func (d Desk) CheckInAsUpdate(s *Stay, room string) {
	d.hotel.mu.Lock()
	s.Room, s.InHouse = room, true
	d.wants(s)
	d.hotel.mu.Unlock()
	d.publish(s, "UPDATE RESERVATION", append(d.identity(s), change("RESERVATION STATUS", "RESERVED", "CHECKED IN"))...)
}

// Share checks a second guest into a room where somebody is.
func (d Desk) Share(s *Stay, room string) {
	d.hotel.mu.Lock()
	s.Shared = true
	d.hotel.mu.Unlock()
	d.CheckIn(s, room)
}

// CheckOut checks a guest out.
func (d Desk) CheckOut(s *Stay) {
	d.hotel.mu.Lock()
	s.InHouse = false
	d.hotel.mu.Unlock()
	d.publish(s, "CHECK OUT", append(d.identity(s), change("RESERVATION STATUS", "CHECKED IN", "CHECKED OUT"))...)
}

// ReverseCheckOut takes a check-out back.
func (d Desk) ReverseCheckOut(s *Stay) {
	d.hotel.mu.Lock()
	s.InHouse = true
	d.wants(s)
	d.hotel.mu.Unlock()
	d.publish(s, "REVERSE CHECK OUT", append(d.identity(s), change("RESERVATION STATUS", "CHECKED OUT", "CHECKED IN"))...)
}

// ReverseCheckIn takes a check-in back.
func (d Desk) ReverseCheckIn(s *Stay) {
	d.hotel.mu.Lock()
	s.InHouse = false
	d.hotel.mu.Unlock()
	d.publish(s, "REVERSE CHECK IN", append(d.identity(s), change("RESERVATION STATUS", "CHECKED IN", "RESERVED"))...)
}

// Move moves a guest to another room.
func (d Desk) Move(s *Stay, room string) {
	d.hotel.mu.Lock()
	from := s.Room
	s.Room = room
	d.wants(s)
	d.hotel.mu.Unlock()
	detail := d.identity(s)
	detail[1] = change("ROOM", from, room)
	d.publish(s, "UPDATE RESERVATION", append(detail, same("RESERVATION STATUS", "CHECKED IN"))...)
}

// Swap exchanges the rooms of two guests: two moves, as PMSs tell it.
func (d Desk) Swap(a, b *Stay) {
	to, from := b.Room, a.Room
	d.Move(a, to)
	d.Move(b, from)
}

// Rename corrects a guest's name.
func (d Desk) Rename(s *Stay, last string) {
	d.hotel.mu.Lock()
	old := s.Last
	s.Last = last
	d.hotel.mu.Unlock()
	detail := d.identity(s)
	detail[2] = change("NAME", old, last)
	d.publish(s, "UPDATE RESERVATION", append(detail, same("RESERVATION STATUS", "CHECKED IN"))...)
}

// Stretch moves the departure by some time: an extension, or a late check-out.
func (d Desk) Stretch(s *Stay, by time.Duration) {
	d.hotel.mu.Lock()
	old := s.Departure
	s.Departure = old.Add(by)
	d.hotel.mu.Unlock()
	detail := d.identity(s)
	detail[6] = change("DEPARTURE DATE", old.Format(time.DateOnly), s.Departure.Format(time.DateOnly))
	detail[7] = change("CHECKOUT TIME", old.Format("15:04"), s.Departure.Format("15:04"))
	d.publish(s, "UPDATE RESERVATION", append(detail, same("RESERVATION STATUS", "CHECKED IN"))...)
}

// Housekeeping reports a room's status, which moves nothing here.
func (d Desk) Housekeeping(room, status string) {
	d.tell("HOUSEKEEPING", "UPDATE ROOM STATUS", room,
		[]inspiresim.Element{same("ROOM", room), change("ROOM STATUS", "DIRTY", status)})
}
