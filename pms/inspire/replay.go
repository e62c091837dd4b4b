package inspire

import (
	"time"

	"edgeagent/pms"
)

// settle ends the replay if nothing has come for the settle time and the
// server has answered at all since the subscription.
func (st *stream) settle(now time.Time) {
	if st.phase != phaseReplay {
		return
	}
	if st.last.IsZero() && st.board.LastHeard().After(st.subscribed) {
		st.last = st.board.LastHeard()
	}
	from := st.last
	if from.IsZero() { // silent: a server that answers no ping either gets the time of an ack
		from = st.subscribed.Add(max(0, st.waits.Ack-st.waits.Settle))
	}
	if at := from.Add(st.waits.Settle); now.Before(at) || !st.n.in.empty() {
		st.due[dutySettle] = latest(at, now.Add(st.waits.Settle/10))
		if st.last.IsZero() {
			st.due[dutySettle] = now.Add(st.waits.Settle / 4) // look again soon whether it has spoken
		}
		return
	}
	if !st.confirmedQuiet(now) {
		st.due[dutySettle] = now.Add(st.waits.Settle / 10)
		return
	}
	st.caughtUp(now)
}

// confirmedQuiet reports whether the silence after an event is the server's: a
// line that stands still is as silent, with the rest of the replay in it. So it
// asks, and what was sent before the answer arrives before it. A server that
// answers no ping gets the time of an ack.
func (st *stream) confirmedQuiet(now time.Time) bool {
	if st.counts.events == 0 {
		return true
	}
	if st.asked.Before(st.last) {
		st.asked = now
		st.n.ping()
		return false
	}
	return st.board.LastHeard().After(st.asked) || !now.Before(st.asked.Add(st.waits.Ack))
}

// caughtUp ends the replay: from here on events are news.
func (st *stream) caughtUp(now time.Time) {
	st.flush()
	if st.stopped || st.phase != phaseReplay {
		return
	}
	st.due[dutySettle], st.due[dutyCatchUp] = time.Time{}, time.Time{}
	if st.probing {
		st.concludeProbe(now)
		return
	}
	st.noteWorked()
	if st.onTrial(now) && !st.looking {
		// Not live yet: what came meanwhile did not tell its hotel.
		st.log.Info().Msg("pms link reconnects once to ask for the hotel of each event")
		st.drain(outcomePlanned, st.waits.Drain)
		return
	}
	st.phase, st.reachLive = phaseLive, true
	st.noteLive(now)
	st.board.State(pms.LinkLive, time.Time{})
	st.log.Info().Str("chain", st.cfg.ChainCode).Str("offset", st.place.offset).Dur("took", now.Sub(st.subscribed)).Msg("pms stream is live")
	if st.hand([]pms.Notice{}); st.stopped {
		return
	}
	st.saveLive(now)
}

// onTrial reports whether the documented query was only asked to see that the
// link works, before the one that names the hotel of each event.
func (st *stream) onTrial(now time.Time) bool {
	if !st.wantsLong() || st.dialect.fullSelection || st.try.selection != selectShort {
		return false
	}
	_, known := st.mem.Selection.get(now, st.waits.Learned)
	return !known
}

// noteWorked remembers how the subscription was asked for, now that it has
// been taken.
func (st *stream) noteWorked() {
	if st.worked || st.probing {
		return
	}
	st.worked = true
	now := st.now()
	if st.protocol != st.dialect.subprotocols[0] {
		st.mem.Subprotocol = learned{st.protocol, now}
	}
	if st.try.selection == selectLong && st.wantsLong() && !st.dialect.fullSelection || st.past.triedQueries["selection"] {
		if _, known := st.mem.Selection.get(now, st.waits.Learned); !known || st.mem.Selection.Value != st.try.selection {
			st.mem.Selection = learned{st.try.selection, now}
		}
	}
	if st.try.offsetType != st.cfg.FromOffsetType && st.offset != "" {
		if _, known := st.mem.OffsetType.get(now, st.waits.Learned); !known {
			st.mem.OffsetType = learned{st.try.offsetType, now}
		}
	}
	st.mem.Worked = true
	st.attempt, st.Source.protocol = nil, nil
}

// noteLive notes an instant at which nothing was missing.
func (st *stream) noteLive(t time.Time) {
	if !st.looking {
		st.mem.LastLive = latest(st.mem.LastLive, t)
	}
}

// saveLive writes down that the link is live, so that a replay after a power
// cut knows since when events can be missing.
func (st *stream) saveLive(now time.Time) {
	if st.phase == phaseLive {
		st.noteLive(now)
	}
	st.due[dutySave] = now.Add(st.waits.LiveSave)
	if err := st.save(); err != nil {
		st.log.Error().Err(err).Msg("pms link cannot write its memory")
	}
}
