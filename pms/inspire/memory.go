package inspire

import (
	"encoding/json"
	"fmt"
	"time"

	"edgeagent/pms"
)

// clockFloor is older than any release of this program: a clock before it was
// never set.
var clockFloor = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// remembered is what a link must know across restarts beside its offset.
type remembered struct {
	Identity string `json:"identity"`
	// Clock is the wall clock at the last save; a clock before it is wrong.
	Clock time.Time `json:"clock,omitzero"`
	// Open is true while a stream may be open: found so at start, the last one
	// ended without our noticing.
	Open bool `json:"open,omitempty"`
	// From, For and Trusted are the wait before the next connection, and whether
	// the clock was believable when it was written down.
	From    time.Time     `json:"wait_from,omitzero"`
	For     time.Duration `json:"wait_for,omitempty"`
	Trusted bool          `json:"clock_trusted,omitempty"`
	Parked  bool          `json:"parked,omitempty"`
	Problem string        `json:"problem,omitempty"`
	// LastClose names how the last stream ended, as in the table of ends.
	LastClose string `json:"last_close,omitempty"`
	// LastLive is the last instant at which the link was live.
	LastLive time.Time `json:"last_live,omitzero"`
	// The fallbacks that worked.
	Subprotocol learned `json:"subprotocol,omitzero"`
	Selection   learned `json:"selection,omitzero"`
	OffsetType  learned `json:"offset_type,omitzero"`
	// Worked: a subscription with the documented query has worked before.
	Worked bool `json:"worked,omitempty"`
	// LastNotice and Longest are the time of the last event and the longest
	// silence between two, to know a suspicious one; Probed is when we last looked.
	LastNotice time.Time     `json:"last_notice,omitzero"`
	Longest    time.Duration `json:"longest_silence,omitempty"`
	Probed     time.Time     `json:"probed,omitzero"`
	// Reset says that after this cursor the server's counter began again.
	Reset string `json:"reset,omitempty"`
}

// learned is a fallback that worked, and when.
type learned struct {
	Value string    `json:"value"`
	At    time.Time `json:"at"`
}

// get returns what was learned while it is still good.
func (l learned) get(now time.Time, good time.Duration) (string, bool) {
	age := now.Sub(l.At)
	return l.Value, !l.At.IsZero() && age < good && age > -good
}

// loadMemory reads what the link remembers. Text that cannot be read counts as
// none: it costs a wait, never an event.
func loadMemory(m pms.Memory, identity string) (remembered, bool, error) {
	var r remembered
	if m == nil {
		return remembered{Identity: identity}, false, nil
	}
	data, err := m.Load()
	if err != nil {
		return r, false, fmt.Errorf("memory of the pms link: %w", err)
	}
	if len(data) == 0 {
		return remembered{Identity: identity}, false, nil
	}
	if json.Unmarshal(data, &r) != nil {
		return remembered{Identity: identity, Open: true}, true, nil
	}
	if r.Identity != identity {
		// Another server or chain: of the old one only the wait is worth keeping.
		r = remembered{Identity: identity, Clock: r.Clock, Open: r.Open, From: r.From, For: r.For, Trusted: r.Trusted}
	}
	return r, true, nil
}

// clockTrusted reports whether the wall clock can be right.
func (r *remembered) clockTrusted(now time.Time) bool {
	return now.After(clockFloor) && !now.Before(r.Clock)
}

// remaining is how much of the written wait is left. If the clock was or is
// not to be believed, all of it is.
func (r *remembered) remaining(now time.Time) time.Duration {
	if r.For <= 0 {
		return 0
	}
	passed := now.Sub(r.From)
	if !r.Trusted || !r.clockTrusted(now) || passed < 0 {
		return r.For
	}
	return max(0, r.For-passed)
}

// setWait writes down that nothing may be tried for so long.
func (r *remembered) setWait(now time.Time, wait time.Duration) {
	r.Trusted = r.clockTrusted(now)
	r.From, r.For = now, wait
}

// save writes everything down.
func (s *Source) save() error {
	if s.deps.Memory == nil {
		return nil
	}
	now := s.now()
	if now.After(s.mem.Clock) {
		s.mem.Clock = now
	}
	data, err := json.Marshal(&s.mem)
	if err != nil {
		return fmt.Errorf("memory of the pms link: %w", err)
	}
	if err := s.deps.Memory.Save(data); err != nil {
		return fmt.Errorf("memory of the pms link: %w", err)
	}
	return nil
}
