package pms

import (
	"slices"
	"strings"
	"time"
)

// maxGuests bounds the names kept of one stay.
const maxGuests = 12

// fill takes over what the notice says about a stay itself: names, numbers,
// dates. A blank that was blank before says nothing; one that was not, clears.
func (f *fold) fill(s *Stay) {
	w := &f.who
	if w.reservation != "" && (s.Reservation == "" || s.Reservation == s.Confirmation) {
		s.Reservation = w.reservation
	}
	if w.confirmation != "" {
		if s.Reservation == "" {
			s.Reservation = w.confirmation
		}
		s.Confirmation = w.confirmation
	}
	switch w.share {
	case shareYes:
		s.Shared = true
	case shareNo:
		s.Shared = false
	}
	if f.n.Kind == KindShareLeave {
		s.Shared = false
	}
	var when times
	for i := range f.n.Fields {
		fl := &f.n.Fields[i]
		switch fl.Name {
		case FieldRoomType:
			take(&s.RoomType, fl)
		case FieldLanguage:
			take(&s.Language, fl)
		case FieldVIP:
			take(&s.VIP, fl)
		case FieldGroup:
			take(&s.Group, fl)
		case FieldGuestService:
			if dnd, ok := parseDND(fl.New); ok {
				s.DND = dnd
			}
		default:
			when.note(fl)
		}
	}
	if w.guest != "" {
		s.GuestID = w.guest
	}
	f.fillGuests(s)
	f.fillTimes(s, &when)
}

// take takes over a text that is shown or compared.
func take(to *string, f *Field) {
	if v := name(f.New); v != "" || strings.TrimSpace(f.Old) != "" {
		*to = v
	}
}

// fillGuests takes over the names. Guests is copied before it is changed: the
// ledger's own and events share it.
func (f *fold) fillGuests(s *Stay) {
	var main Guest
	if len(s.Guests) > 0 {
		main = s.Guests[0]
	}
	was := main
	f.fillName(&main)
	if s.GuestID != "" && main != (Guest{}) {
		main.ID = s.GuestID
	}
	if main != was {
		s.Guests = slices.Clone(s.Guests)
		if len(s.Guests) == 0 {
			s.Guests = make([]Guest, 1)
		}
		s.Guests[0] = main
	}
	for i := range f.n.Fields {
		if fl := &f.n.Fields[i]; fl.Name == FieldAccompanying {
			f.fillCompanion(s, fl)
		}
	}
}

func (f *fold) fillName(g *Guest) {
	for i := range f.n.Fields {
		fl := &f.n.Fields[i]
		switch fl.Name {
		case FieldTitle:
			take(&g.Title, fl)
		case FieldFirstName:
			take(&g.First, fl)
		case FieldMiddleName:
			take(&g.Middle, fl)
		case FieldLastName:
			take(&g.Last, fl)
		case FieldAltFirstName:
			take(&g.AltFirst, fl)
		case FieldAltLastName:
			take(&g.AltLast, fl)
		}
	}
}

// fillCompanion adds, renames or removes another guest of the same reservation.
func (f *fold) fillCompanion(s *Stay, fl *Field) {
	was, is := companion(fl.Old), companion(fl.New)
	for i := range f.n.Fields {
		if id := &f.n.Fields[i]; id.Name == FieldAccompanyingID && id.Seq == fl.Seq {
			is.ID, was.ID = number(id.New), number(id.Old)
		}
	}
	at := -1
	for i := 1; i < len(s.Guests); i++ {
		if g := &s.Guests[i]; sameCompanion(g, &is) || sameCompanion(g, &was) {
			at = i
			break
		}
	}
	gone := is.Last == "" && is.First == ""
	switch {
	case gone && (at < 0 || was.Last == "" && was.First == ""):
	case gone:
		s.Guests = slices.Delete(slices.Clone(s.Guests), at, at+1)
	case at >= 0:
		if is.ID == "" {
			is.ID = s.Guests[at].ID
		}
		if s.Guests[at] != is {
			s.Guests = slices.Clone(s.Guests)
			s.Guests[at] = is
		}
	case len(s.Guests) == 0:
		s.Guests = []Guest{{}, is} // the main guest's name is still to come
	case len(s.Guests) < maxGuests:
		s.Guests = append(slices.Clone(s.Guests), is)
	}
}

// companion reads "Last, First" or just a name.
func companion(text string) Guest {
	last, first, _ := strings.Cut(text, ",")
	return Guest{Last: name(last), First: name(first)}
}

func sameCompanion(a, b *Guest) bool {
	if a.ID != "" && a.ID == b.ID {
		return true
	}
	return (a.Last != "" || a.First != "") && a.Last == b.Last && a.First == b.First
}

func (f *fold) fillTimes(s *Stay, when *times) {
	opt := &f.l.opt
	in := edge{zone: opt.Zone, usual: opt.CheckIn}
	out := edge{zone: opt.Zone, usual: opt.CheckOut, later: true}
	today := time.Time{}
	if s.Status != StatusInHouse && f.n.Kind == KindCheckIn {
		today = dateOf(f.at.In(opt.Zone))
	}
	arrival, departure := when.read(in, out, s.Arrival, s.Departure, today)
	s.Arrival = arrival
	if s.Status == StatusInHouse && !departure.After(s.Since) {
		return // a guest in house cannot have left before he came
	}
	s.Departure = departure
}

// profile takes over what a guest's profile says, for all stays of that guest.
// A profile that nobody in the house has is none of ours.
func (f *fold) profile() {
	if f.who.guest == "" {
		return
	}
	for _, s := range f.l.guests[ref{f.who.source, refGuest, f.who.guest}] {
		if s.Status != StatusInHouse && s.Status != StatusExpected || f.older(s.Changed, s.Timed) {
			continue
		}
		next := *s
		at := slices.IndexFunc(s.Guests, func(g Guest) bool { return g.ID == f.who.guest })
		if s.GuestID == f.who.guest {
			f.fillProfile(&next)
			at = 0
		}
		if at >= 0 {
			g := Guest{ID: f.who.guest}
			if at < len(s.Guests) {
				g = s.Guests[at]
				g.ID = f.who.guest
			}
			f.fillName(&g)
			switch {
			case at < len(s.Guests) && s.Guests[at] != g:
				next.Guests = slices.Clone(s.Guests)
				next.Guests[at] = g
			case at >= len(s.Guests) && g != (Guest{ID: f.who.guest}):
				next.Guests = []Guest{g}
			}
		}
		if !sameStay(s, &next) {
			f.edit(edit{old: s, next: next})
		}
	}
}

// fillProfile takes over what is said of the main guest beside the name.
func (f *fold) fillProfile(s *Stay) {
	for i := range f.n.Fields {
		switch fl := &f.n.Fields[i]; fl.Name {
		case FieldLanguage:
			take(&s.Language, fl)
		case FieldVIP:
			take(&s.VIP, fl)
		}
	}
}
