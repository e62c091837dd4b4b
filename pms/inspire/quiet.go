package inspire

import (
	"time"
)

const quietText = "no event for far longer than this hotel's usual silence; check in the PMS whether the interface is still enabled"

// probe looks, from the very first event the server keeps, whether its counter
// went back. A counter that restarted accepts our offset and then says nothing
// until it has caught up, which looks like a quiet hotel.
type probe struct {
	place   cursor
	highest string
	other   bool // an offset that we know now names another event
}

// quietLimit is the silence beyond which this hotel is suspiciously quiet.
func (s *Source) quietLimit() time.Duration {
	return max(s.waits.Quiet, 3*s.mem.Longest)
}

// suspiciouslyQuiet reports whether the link was live for too long without an
// event, and the last look at it is as long ago.
func (st *stream) suspiciouslyQuiet(now time.Time) bool {
	m, limit := &st.mem, st.quietLimit()
	if st.place.offset == "" || m.LastNotice.IsZero() || !st.clockGood || !m.Worked {
		return false
	}
	return m.LastLive.Sub(m.LastNotice) > limit && now.Sub(m.Probed) > limit
}

// planQuiet sets when silence becomes suspicious.
func (st *stream) planQuiet(now time.Time) {
	if !st.clockGood || st.mem.LastNotice.IsZero() {
		return
	}
	st.due[dutyQuiet] = latest(now, st.mem.LastNotice.Add(st.quietLimit()))
}

// noteSilence learns from the silence that an event ends.
func (st *stream) noteSilence(at time.Time) {
	m := &st.mem
	if st.looking {
		return
	}
	if st.phase == phaseLive && st.clockGood && !m.LastNotice.IsZero() {
		if silence := at.Sub(m.LastNotice); silence > m.Longest && silence <= st.quietLimit() {
			m.Longest = silence
		}
	}
	m.LastNotice = at
	if !st.due[dutyQuiet].IsZero() || st.clockGood {
		st.due[dutyQuiet] = at.Add(st.quietLimit())
	}
	st.board.Clear(alarmQuiet)
}

// observe looks at an event of the probe; nothing of it is handed over.
func (st *stream) observe(ev *event) {
	if hash, known := st.place.ring.byOffset[ev.offset]; known && hash != ev.hash {
		st.probe.other = true
	}
	if st.probe.highest == "" || below(st.probe.highest, ev.offset) {
		st.probe.highest = ev.offset
	}
}

// concludeProbe ends the probe. No event at all proves nothing.
func (st *stream) concludeProbe(now time.Time) {
	st.mem.Probed = now
	back := st.probe.other || below(st.probe.highest, st.probe.place.offset)
	if back {
		st.mem.Reset = st.probe.place.String()
		st.place.newEpoch()
		st.fromZero = true
		st.epochAlarm(st.probe.place.offset, st.probe.highest)
	}
	st.log.Info().Str("offset", st.probe.place.offset).Str("highest", st.probe.highest).Bool("counter_restarted", back).
		Msg("pms link was suspiciously quiet; looked whether the server's counter went back")
	st.drain(outcomePlanned, st.waits.Drain)
}
