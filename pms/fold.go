package pms

import (
	"slices"
	"strconv"
	"time"
)

// displacedFor is how long a guest whose room was given away may take to turn
// up elsewhere before we assume that he has left.
const displacedFor = 30 * time.Minute

// Fold works out what a notice means for the stays of the ledger. It is pure:
// the ledger stays as it is until Apply.
//
// It first finds out whom the notice is about and what that stay should be
// like afterwards, then what follows for others in the room, and tells the
// difference as events. A notice that makes no difference comes to nothing, so
// replays are harmless.
func (l *Ledger) Fold(n Notice, now time.Time) Change {
	if n.Kind == KindUndecodable {
		return Change{}
	}
	if n.Observe || n.Refuse != "" {
		return Change{Unmapped: n.Unmapped}
	}
	f := fold{l: l, n: n, now: now}
	f.at = n.NotBefore
	if f.at.IsZero() {
		f.at = now
	}
	f.said = f.at
	f.timed = !n.NotBefore.IsZero() && !n.NotBefore.Equal(n.Received)
	f.fresh = f.isFresh()
	f.who = readWho(&f.n)
	m, told := meaningOf(&f.n)
	f.told = told
	f.act(m)
	if n.CommandID == "" { // what follows from a device command is its answer; this is not
		f.settleDisplaced()
	}
	return f.change(m)
}

// fold is one notice being folded.
type fold struct {
	l   *Ledger
	n   Notice
	now time.Time
	// at is when it happened, at the earliest, and said when the PMS said so;
	// they differ where a snapshot tells of an earlier check-in. timed says that
	// the PMS gave the time.
	at, said     time.Time
	timed, fresh bool
	who          who
	// about is the stay of a snapshot, as it was known.
	about *Stay
	// told says that the notice only tells how things are, so nothing of it is news.
	told bool
	// edits are the stays that change, news the events that no difference of stays explains.
	edits []edit
	news  []Event
}

// edit is one stay before and after.
type edit struct {
	old  *Stay // nil: not known before
	next Stay
	// assumed: the check-out is our conclusion. reinstated: a check-out was taken back,
	// or the loss of the room.
	assumed, reinstated bool
	// from is the booking that this stay continues, if the PMS split it.
	from *Stay
	// reason is what was odd, for people.
	reason string
}

// isFresh reports whether what happened is news. A replay after a short break is
// news as well: its notices cannot be older than the break. Only a replay of
// which nobody knows the age is not. A time ahead of our clock says that our
// clock is behind (a gateway without a battery wakes up in the past), so it says
// nothing about the age. A key request says itself until when it is news.
func (f *fold) isFresh() bool {
	if f.n.Kind == KindKeyRequest && !f.n.Expires.IsZero() {
		return !f.now.After(f.n.Expires)
	}
	age := f.now.Sub(f.at)
	return age <= f.l.opt.Freshness && !(f.n.Replayed && (f.n.NotBefore.IsZero() || age < 0))
}

func (f *fold) act(m meaning) {
	switch m {
	case meansNothing:
		return
	case meansProfile:
		f.profile()
		return
	case meansMessage:
		f.message()
		return
	case meansServices:
		f.services()
		return
	case meansRoomStatus, meansOutOfOrder:
		f.roomNews(m)
		return
	case meansKeyRequest:
		f.keyRequest()
		return
	case meansPrice:
		f.price()
		return
	case meansState:
		f.stayState()
		return
	}
	if f.heard() {
		return
	}
	s, several := f.find(m)
	if several {
		f.ambiguous(m)
		return
	}
	switch m {
	case meansCheckIn:
		f.checkIn(s)
	case meansCheckInUndo:
		f.leave(s, StatusExpected)
	case meansCheckOut:
		f.checkOut(s)
	case meansCheckOutUndo:
		f.checkOutUndo(s)
	case meansCancel:
		f.leave(s, StatusCancelled)
	case meansCancelUndo:
		f.cancelUndo(s)
	case meansMove, meansUpdate:
		f.update(s, m)
	}
}

// older reports whether the notice is about a time before mark. Times that are
// not the PMS's own say when we heard of something, and settle nothing: there
// the order of arrival counts.
func (f *fold) older(mark time.Time, timed bool) bool {
	return f.timed && timed && f.said.Before(mark)
}

// edit notes what a stay is like afterwards.
func (f *fold) edit(e edit) {
	snapshot := f.n.Kind == KindStayState
	switch {
	case snapshot && e.old != nil && (e.old != f.about || e.assumed):
		// It only follows from another guest's snapshot; his own may be older and still right.
	case snapshot && !f.n.Version.IsZero():
		e.next.Version = f.n.Version
		e.next.Changed, e.next.Timed = f.said, f.timed // back, if our clock was put back
	case e.old == nil || f.said.After(e.next.Changed) || !f.timed || !e.next.Timed:
		e.next.Changed = f.said
		// A time in a replay may be only the last moment at which the link was
		// live; a snapshot has its own.
		e.next.Timed = f.timed && (!f.n.Replayed || snapshot)
	}
	e.next.Notice = f.n.ID
	f.edits = append(f.edits, e)
}

// change gathers what came of the notice.
func (f *fold) change(m meaning) Change {
	c := Change{Unmapped: f.n.Unmapped}
	if m == meansNothing && f.n.Kind == KindUnknown && f.n.Name != "" && !slices.Contains(c.Unmapped, f.n.Name) {
		c.Unmapped = append(slices.Clone(c.Unmapped), f.n.Name)
	}
	if len(f.edits) == 0 && len(f.news) == 0 {
		return c
	}
	c.Stays = make([]Stay, len(f.edits))
	for i := range f.edits {
		c.Stays[i] = f.edits[i].next
	}
	c.Events = f.tell()
	for i := range c.Events {
		e := &c.Events[i]
		e.ID = f.n.ID + "#" + strconv.Itoa(i+1)
		e.Source, e.CommandID, e.At = f.n.Source, f.n.CommandID, f.at
		e.Expires, e.KeysByCommand = f.n.Expires, f.n.KeysByCommand
		if e.Source == "" {
			e.Source = e.Stay.Source
		}
		e.Fresh = f.fresh && !f.told
	}
	return c
}

// settleDisplaced checks out, by assumption, guests whose room was given away
// and who have not turned up anywhere else.
func (f *fold) settleDisplaced() {
	for _, s := range f.l.displaced {
		if f.now.Sub(s.DisplacedAt) < displacedFor || f.edited(s) != nil {
			continue
		}
		next := f.departed(s)
		next.Since = f.said
		f.edit(edit{old: s, next: next, assumed: true})
	}
}

// edited returns the edit of a stay, nil if there is none.
func (f *fold) edited(s *Stay) *edit {
	for i := range f.edits {
		if f.edits[i].old == s {
			return &f.edits[i]
		}
	}
	return nil
}
