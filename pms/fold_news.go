package pms

import "strings"

// message is a text for a guest in house.
func (f *fold) message() {
	text, title := name(f.longText(FieldMessage)), name(f.n.Value(FieldMessageTitle))
	light := name(f.n.Value(FieldMessageLight))
	lit := strings.HasSuffix(strings.ToLower(light), "on") || light == "Y"
	s := f.subject()
	if s == nil || s.Status != StatusInHouse || s.Room == "" || s.Displaced || text == "" && !lit {
		return
	}
	f.news = append(f.news, f.aboutStay(GuestMessage, s, map[string]string{"message": f.longText(FieldMessage), "message_title": title}))
}

// longText is a text that may be longer than a name, up to 4 KiB.
func (f *fold) longText(field string) string {
	text := strings.TrimSpace(f.n.Value(field))
	if len(text) > 4096 {
		text = text[:4096]
	}
	return strings.ToValidUTF8(text, "")
}

// services is what the guest or the desk wants for a room: quiet, or not.
func (f *fold) services() {
	var dnd, ok bool
	for i := range f.n.Fields {
		fl := &f.n.Fields[i]
		if fl.Name != FieldGuestService && fl.Name != FieldServices {
			continue
		}
		if v, is := parseDND(fl.New); is {
			dnd, ok = v, true
		} else if was, _ := parseDND(fl.Old); was {
			dnd, ok = false, true // the wish was taken back, or another took its place
		}
	}
	if !ok {
		return
	}
	room := f.who.room
	if s := f.findNamed(); s != nil && s.Status == StatusInHouse {
		room = s.Room
	}
	for _, s := range f.l.rooms[room] {
		if s.Source != f.who.source || s.DND == dnd || s.Displaced || f.older(s.RoomSince, s.Timed) {
			continue
		}
		next := *s
		next.DND = dnd
		f.edit(edit{old: s, next: next})
	}
}

// roomNews is housekeeping. It is about a room, and changes no stay.
func (f *fold) roomNews(m meaning) {
	room := f.who.room
	if room == "" {
		return
	}
	status, ok := f.n.Get(FieldRoomStatus)
	text := name(status.New)
	kind := RoomStatusChanged
	if m == meansOutOfOrder {
		kind = RoomOutOfOrder
		if text == "" {
			text = "OUT OF ORDER"
		}
	} else if !ok || text == "" || !status.Changed() {
		return
	}
	in := f.before(room)
	e := Event{Kind: kind, Room: room, RoomVacant: len(in) == 0, Shared: len(in) > 1, Extra: map[string]string{"room_status": text}}
	if len(in) > 0 {
		e.Stay, e.Guests = *in[0], guestsIn(in)
	}
	f.news = append(f.news, e)
}

// keyRequest is the PMS asking for a key. It is always told, since the PMS
// waits for an answer.
func (f *fold) keyRequest() {
	extra := map[string]string{}
	for _, name := range []string{FieldCopies, FieldEncoder, FieldLockEncoder, FieldKey} {
		if v := number(f.n.Value(name)); v != "" {
			extra[name] = v
		}
	}
	for _, name := range []string{FieldRooms, FieldGrants} { // cut short, a list would open other doors
		if v := f.longText(name); v != "" {
			extra[name] = v
		}
	}
	s := f.subject()
	next := f.base(s) // the request may know more than we do; it is for this key only
	if s == nil && !f.who.named() {
		next.Key = "" // whose it is we do not know, so no check-out must be told that it is another's
	}
	in := f.before(next.Room)
	f.news = append(f.news, Event{
		Kind: KeyRequested, Room: next.Room, Stay: next, Guests: next.Guests, Extra: extra,
		RoomVacant: len(in) == 0 && next.Room != "", Shared: f.keyShared(in, &next),
	})
}

// keyShared reports whether a key is for a room that others have keys of. What
// the request says decides: it comes before the news of who has left and who has
// come, and a copy made for the next guest would keep the last one's key alive.
func (f *fold) keyShared(in []*Stay, s *Stay) bool {
	switch f.who.share {
	case shareYes:
		return true
	case shareNo:
		return false
	}
	return sharedWith(in, s)
}

// price is what a room costs. It is about no stay, and changes none.
func (f *fold) price() {
	extra := map[string]string{}
	for _, name := range []string{FieldRate, FieldCategory, FieldFrom, FieldTo} {
		if v := number(f.n.Value(name)); v != "" {
			extra[name] = v
		}
	}
	f.news = append(f.news, Event{Kind: PriceUpdated, Extra: extra})
}

// subject is the stay that a request or a message is about: by its number,
// else the only one that can be meant in the room, else the main one there.
func (f *fold) subject() *Stay {
	if s := f.findNamed(); s != nil {
		return s
	}
	if f.who.named() || f.who.room == "" {
		return f.onlyStayOfGuest()
	}
	if s, several := f.pick(f.who.room, meansMessage); s != nil || !several {
		return s
	}
	if in := f.before(f.who.room); len(in) > 0 {
		return in[0]
	}
	return nil
}

// aboutStay is an event about a stay that does not change with it.
func (f *fold) aboutStay(kind EventKind, s *Stay, extra map[string]string) Event {
	in := f.before(s.Room)
	return Event{
		Kind: kind, Room: s.Room, Stay: *s, Guests: s.Guests, Extra: extra,
		RoomVacant: len(in) == 0, Shared: sharedWith(in, s),
	}
}
