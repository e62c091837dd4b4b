package inspire

import (
	"fmt"
	"strconv"
	"time"

	"edgeagent/pms"
)

// event turns what arrived into a notice, unless it has been handed over before.
func (st *stream) event(it *item) {
	if st.subscribed.IsZero() {
		return // before the subscription nothing can be meant for us
	}
	ev := &it.event
	st.counts.events++
	st.board.HeardEvent(it.at)
	st.last = it.at
	if st.probing {
		st.observe(ev)
		return
	}
	st.noteSilence(it.at)
	how := st.place.judge(ev)
	if how == standingDuplicate {
		st.counts.duplicates++
		return
	}
	stamp, stamped := parseStamp(ev.stamp, st.deps.Zone)
	ahead := stamped && stamp.After(it.at.Add(st.waits.ClockTolerance))
	if stamped && !ahead && st.phase == phaseReplay && st.clockGood && !stamp.Before(st.subscribed.Add(-st.waits.ClockTolerance)) {
		st.caughtUp(it.at)
		if st.stopped {
			return
		}
	}
	st.look(ev, how)
	st.place.advance(ev, how)
	if how == standingEpoch {
		st.fromZero = false
	}
	n := st.notice(it, how)
	switch {
	case !stamped:
		n.NotBefore = st.earliest(it.at)
	case ahead && st.phase == phaseReplay:
		// Our clock is behind, as after a power cut: how long ago this was, nobody knows.
	case stamp.After(it.at):
		n.NotBefore = it.at // the PMS's clock is ahead; it cannot have been later than now
	default:
		n.NotBefore = stamp
	}
	st.append(n)
	st.noteWorked()
}

// append adds to the group, making room for a burst at once.
func (st *stream) append(n pms.Notice) {
	if st.batch == nil && st.phase == phaseReplay {
		st.batch = make([]pms.Notice, 0, 64)
	}
	st.batch = append(st.batch, n)
}

// earliest is when an event without a time of its own can have happened.
func (st *stream) earliest(arrived time.Time) time.Time {
	if st.phase == phaseReplay || !st.reachLive {
		return st.wasLive
	}
	return arrived
}

// look raises the alarms that an event's place in the stream calls for.
func (st *stream) look(ev *event, how standing) {
	if st.first {
		st.first = false
		switch {
		case st.try.noOffset && st.place.offset != "":
			st.board.Raise(alarmGap, fmt.Sprintf("the server refused to resume after offset %s and went on at %s: events between may be lost; compare the rooms with the PMS", st.place.offset, ev.offset))
		case st.offset != "" && below(st.place.offset, ev.offset):
			// Offsets need not step by one, so this is for the log only.
			st.log.Info().Str("offset", st.place.offset).Str("first", ev.offset).Msg("pms replay begins after our offset")
		}
	}
	switch how {
	case standingEpoch:
		st.epochAlarm(st.place.offset, ev.offset)
	case standingOld:
		st.counts.old++
		st.board.Raise(alarmOldReplay, fmt.Sprintf("the server replays events from before our offset %s (such as %s); they move nothing", st.place.offset, ev.offset))
	}
}

func (st *stream) epochAlarm(ours, theirs string) {
	st.counts.epochs++
	st.board.Raise(alarmEpoch, fmt.Sprintf("the server's event counter began again (ours was %s, theirs is %s): events may be lost; compare the rooms with the PMS", ours, theirs))
	st.log.Warn().Str("offset", ours).Str("theirs", theirs).Msg("pms event counter began again; new epoch")
}

// notice words an event. The place has been advanced already.
func (st *stream) notice(it *item, how standing) pms.Notice {
	ev := &it.event
	n := pms.Notice{
		ID:       st.noticeID(ev.offset),
		Source:   st.name,
		Offset:   st.place.String(),
		Kind:     ev.name.kind,
		Name:     ev.name.label,
		Fields:   ev.fields,
		Unmapped: ev.unmapped,
		Received: it.at,
		Replayed: st.phase == phaseReplay || !st.reachLive || how == standingOld,
		Observe:  how == standingOld,
		Raw:      ev.raw,
	}
	if n.Kind == pms.KindUnknown {
		n.Unmapped = append(n.Unmapped, n.Name)
	}
	switch {
	case ev.name.profile:
		n.GuestID = ev.primaryKey
	case ev.name.stay:
		n.Reservation = ev.primaryKey
	}
	if n.Reservation == "" {
		n.Reservation = n.Value(pms.FieldReservation)
	}
	if n.GuestID == "" {
		n.GuestID = n.Value(pms.FieldGuestID)
	}
	switch st.guard.check(ev) {
	case otherHotel:
		// Its offset counts, its guests are none of our business.
		st.counts.others++
		n.Observe = true
		n.Fields, n.Unmapped, n.Raw, n.Reservation, n.GuestID = nil, nil, nil, "", ""
	case unclearHotel:
		n.Observe = true
		st.board.MonitorOnly(st.guard.reason(st.cfg.ChainCode))
	}
	if n.Observe {
		st.counts.observed++
	}
	st.counts.handed++
	return n
}

func (st *stream) noticeID(offset string) string {
	return st.name + "/" + strconv.Itoa(st.place.epoch) + "/" + offset
}

// undecodable passes a frame on that nobody could read, at the place where
// the stream stands.
func (st *stream) undecodable(it *item) {
	if st.subscribed.IsZero() || st.probing {
		return
	}
	st.counts.undecodable++
	st.last = it.at
	st.log.Warn().Str("why", it.text).Int("bytes", it.size).Str("after_offset", st.place.offset).Msg("pms frame cannot be decoded; it goes into quarantine")
	st.append(pms.Notice{
		ID:        st.noticeID(st.place.offset) + "!" + fmt.Sprintf("%016x", it.hash),
		Source:    st.name,
		Offset:    st.place.String(),
		Kind:      pms.KindUndecodable,
		Name:      it.text,
		NotBefore: st.earliest(it.at),
		Received:  it.at,
		Replayed:  st.phase == phaseReplay || !st.reachLive,
		Raw:       it.raw,
	})
}

// counts are the figures of one stream, for the audit log.
type counts struct {
	events, handed, duplicates, old, others, observed, undecodable, epochs int
}

// audit writes the figures down, without anything personal.
func (st *stream) audit(message string) {
	c := st.counts
	if st.subscribed.IsZero() || message == "pms delivery" && c.events == 0 {
		return
	}
	st.log.Info().Str("chain", st.cfg.ChainCode).Str("offset", st.place.offset).Int("epoch", st.place.epoch).
		Int("events", c.events).Int("handed_over", c.handed).Int("duplicates", c.duplicates).Int("old", c.old).
		Int("other_hotels", c.others).Int("observed", c.observed).Int("undecodable", c.undecodable).Msg(message)
}
