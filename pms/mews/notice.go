package mews

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"sort"
	"time"

	"edgeagent/pms"
)

// stayNotices words what was read of reservations: each as it is now. Who
// leaves comes before who comes, so that a room is empty when its next guest
// moves in; otherwise what happened first comes first.
func (f *follower) stayNotices(r *stayReading, replayed bool) []pms.Notice {
	all := slices.Clone(r.rows)
	sort.SliceStable(all, func(i, j int) bool {
		a, b := &all[i], &all[j]
		return cmp.Or(boolOrder(a.State == started, b.State == started), a.UpdatedUtc.Compare(b.UpdatedUtc.Time)) < 0
	})
	var notices []pms.Notice
	for i := range all {
		row := &all[i]
		if n, ok := f.stayNotice(r, row, replayed); ok {
			notices = append(notices, n)
			f.seen.handed(row, n.Version)
		}
	}
	f.quarantine("reservation", raws(r.bad), f.now())
	f.quarantine("guest profile", raws(r.badGuests), f.now())
	return notices
}

func raws(list []json.RawMessage) [][]byte {
	texts := make([][]byte, len(list))
	for i := range list {
		texts[i] = list[i]
	}
	return texts
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// stayNotice words one reservation; ok is false for one that is no stay, or
// that has been handed over as new as this.
func (f *follower) stayNotice(r *stayReading, row *reservationRow, replayed bool) (n pms.Notice, ok bool) {
	h := f.house
	resource, known := h.rooms[id(row.AssignedResourceID)]
	chosen := len(f.cfg.Services) > 0 // then everything of them is a stay
	if !h.stays[id(row.ServiceID)] || known && !resource.sleeps && !chosen || f.seen.older(row) {
		return n, false
	}
	party, read := r.parties[id(row.ID)]
	if !f.seen.new(row) && !read {
		return n, false
	}
	now := f.now()
	// A guest who has gone takes his stamp along; what is said now is no older for that.
	changed := latest(latest(row.UpdatedUtc.Time, party.updated), f.seen.said(row))
	n = pms.Notice{
		Source: f.name, Offset: f.mark.String(), Kind: pms.KindStayState, Name: "Reservation " + printable(row.State, 20),
		Reservation: id(row.ID), NotBefore: f.earlier(changed, now), Version: changed, Received: now, Replayed: replayed,
		KeysByCommand: *f.cfg.KeysByCommand,
		Fields:        f.stayFields(h, row, now),
	}
	if row.State == started && read && !party.partial { // what is not told stays as it was
		n.Fields = append(n.Fields, f.guestFields(h, &party)...)
		if len(party.guests) > 0 {
			n.GuestID = id(party.guests[0].ID)
		}
	}
	n.ID = f.name + "/stay/" + digest(n.Reservation, changed, n.Fields)
	return n, true
}

// stayFields are what a reservation says beside its guests. Times are the
// scheduled ones: Mews writes others anew at an early check-in or check-out.
func (f *follower) stayFields(h *house, row *reservationRow, now time.Time) []pms.Field {
	name, category, shared, known := h.place(row.AssignedResourceID)
	if !known && row.AssignedResourceID != "" {
		f.log.Warn().Msg("mews assigned a room that it does not list")
	}
	from, to := row.ScheduledStartUtc.Time, row.ScheduledEndUtc.Time
	if from.IsZero() {
		from = row.StartUtc.Time
	}
	if to.IsZero() {
		to = row.EndUtc.Time
	}
	list := []pms.Field{
		{Name: pms.FieldStatus, New: row.State},
		{Name: pms.FieldRoom, New: name},
		{Name: pms.FieldRoomType, New: category},
		{Name: pms.FieldConfirmation, New: row.Number},
		{Name: pms.FieldGroup, New: id(row.BlockID)},
		{Name: pms.FieldShared, New: yesNo(shared)},
		{Name: pms.FieldArrival, New: instantText(from)},
		{Name: pms.FieldDeparture, New: instantText(to)},
	}
	if row.State == started && !row.ActualStartUtc.IsZero() {
		list = append(list, pms.Field{Name: pms.FieldCheckedIn, New: f.earlier(row.ActualStartUtc.Time, now).UTC().Format(time.RFC3339Nano)})
	}
	return list
}

func yesNo(b bool) string {
	if b {
		return "Y"
	}
	return "N"
}

func instantText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// guestFields are the people of a stay, main guest first. An empty value says
// that there is none.
func (f *follower) guestFields(h *house, p *party) []pms.Field {
	var main customerRow
	if len(p.guests) > 0 {
		main = p.guests[0]
	}
	language := main.language()
	if language == "" {
		language = h.enterprise.DefaultLanguageCode
	}
	list := []pms.Field{
		{Name: pms.FieldGuestID, New: id(main.ID)},
		{Name: pms.FieldTitle, New: titles[main.Title]},
		{Name: pms.FieldFirstName, New: main.FirstName},
		{Name: pms.FieldLastName, New: main.family()},
		{Name: pms.FieldLanguage, New: language},
		{Name: pms.FieldVIP, New: main.vip()},
	}
	for i := 1; i < len(p.guests); i++ {
		g := &p.guests[i]
		list = append(list,
			pms.Field{Name: pms.FieldAccompanying, New: g.family() + ", " + g.FirstName, Seq: i},
			pms.Field{Name: pms.FieldAccompanyingID, New: id(g.ID), Seq: i},
			pms.Field{Name: pms.FieldAccompanyingTitle, New: titles[g.Title], Seq: i})
	}
	return list
}

// digest tells what two notices say apart, for their ids: those stand in logs,
// where the reservation's own id has no business. When the guest came is left
// out: it moves with what is known of Mews's clock.
func digest(reservation string, changed time.Time, list []pms.Field) string {
	list = slices.DeleteFunc(slices.Clone(list), func(f pms.Field) bool { return f.Name == pms.FieldCheckedIn })
	text, err := json.Marshal([]any{reservation, stampText(changed), list})
	if err != nil {
		panic(err) // text always marshals
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:10])
}

// quarantine hands over what nobody could read.
func (f *follower) quarantine(what string, list [][]byte, now time.Time) {
	notices := make([]pms.Notice, 0, len(list))
	for _, raw := range list {
		sum := sha256.Sum256(raw)
		key := hex.EncodeToString(sum[:10])
		if f.odd.has(key) {
			continue // it is read again with each poll, and is one thing
		}
		f.odd.add(key)
		notices = append(notices, pms.Notice{
			ID:     f.name + "/undecodable/" + key,
			Source: f.name, Offset: f.mark.String(), Kind: pms.KindUndecodable, Name: "this " + what + " of Mews cannot be read",
			NotBefore: now, Received: now, Raw: raw[:min(len(raw), 4096)],
		})
	}
	f.hand(notices)
}
