package mews

// missedEvents looks whether a poll found what no event told, while the socket
// was open. One that was lost alone is only noted; where none has come since,
// Mews sends none.
func (f *follower) missedEvents(r *stayReading) {
	if !f.open {
		return
	}
	since := f.openedAt.Add(f.waits.Overlap)
	untold, silent := 0, 0
	for i := range r.rows {
		row := &r.rows[i]
		if !f.house.stays[id(row.ServiceID)] || !f.seen.new(row) || !f.seen.untold(row, since) {
			continue
		}
		untold++
		if row.UpdatedUtc.After(f.lastStay) {
			silent++
		}
	}
	if silent > 0 {
		f.board.Raise(alarmNoEvents, "reservations change, and no event says so: ask Mews support to send Reservation events to this integration by WebSocket; until then changes are found by polls, minutes later")
	}
	if untold > 0 {
		f.log.Warn().Int("reservations", untold).Msg("a poll found what no event had told")
	}
}
