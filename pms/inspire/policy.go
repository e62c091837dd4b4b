package inspire

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// history is what earlier endings of this process teach about the next wait.
// A healthy stream wipes it out.
type history struct {
	failures   int            // in a row, of any kind
	bySignal   map[string]int // in a row of that kind
	parked     int            // times parked in a row
	kicks      int            // streams in a row that the server ended early
	bigOffset  string         // the offset at which a message was too big
	quickEnd   bool           // the last stream was completed at once and without a word
	drops      int            // connections in a row that failed, for the cookie jar
	handshakes int            // times the handshake was given more time

	triedProtocols map[string]bool
	triedQueries   map[string]bool
}

func newHistory() *history {
	return &history{bySignal: map[string]int{}, triedProtocols: map[string]bool{}, triedQueries: map[string]bool{}}
}

// verdict is what follows from an ending.
type verdict struct {
	row        *row
	wait       time.Duration
	parked     bool
	freshToken bool
	alarm      string // code, "" if nobody is told
	kickWar    bool
	fallback   fallback
	// firm waits are the server's wish: they are written down, so that a restart
	// does not cut them short.
	firm bool
}

const alarmKickWar = "pms-kick-war"

// judge applies the table to one ending. It is a pure function of its
// arguments but for the history, which it brings up to date; chance is a
// source of numbers in [0,1).
func (h *history) judge(e *ending, w *Waits, offset string, chance func() float64) verdict {
	r := classify(e, h.quickEnd)
	h.quickEnd = e.complete && e.quick
	if r.signal == "close 1009" && h.bigOffset != offset {
		h.bigOffset, h.bySignal[r.signal] = offset, 0
	}
	h.failures++
	h.bySignal[r.signal]++
	n := h.bySignal[r.signal]

	v := verdict{row: r, freshToken: r.freshToken, fallback: r.fallback, firm: e.status != 0 || e.stage >= atAck}
	v.wait = h.waitFor(r, e, w, chance)
	if r.alarm > 0 && n >= r.alarm {
		v.alarm = r.code
	}
	if r.longerHandshake {
		h.handshakes = min(h.handshakes+1, 2)
	}
	if h.kicked(e, r, w) {
		v.kickWar, v.wait = true, max(v.wait, w.BackoffMax)
	}
	if r.park > 0 && n >= r.park {
		v.parked, v.firm = true, true
		v.wait = w.ParkMax
		if !r.longPark {
			v.wait = min(w.ParkMin<<min(h.parked, 10), w.ParkMax)
		}
		h.parked++
	}
	return v
}

// kicked counts streams that the server ended soon after they had begun, for
// no fault that the table has an answer for.
func (h *history) kicked(e *ending, r *row, w *Waits) bool {
	switch {
	case !e.subscribed || e.lasted >= w.Kick:
		h.kicks = 0
		return false
	case r.park > 0 || e.opError || r.code == alarmProtocol || r.signal == "dead":
		return false
	}
	h.kicks++
	return h.kicks > 3
}

func (h *history) waitFor(r *row, e *ending, w *Waits, chance func() float64) time.Duration {
	part := func(d time.Duration) time.Duration { return time.Duration(chance() * float64(d)) }
	var d time.Duration
	switch r.wait {
	case waitGap:
		d = w.Gap
	case waitBackoff:
		d = part(doubled(w.BackoffMin, h.failures, w.BackoffMax))
	case waitBug:
		d = w.BugBackoff + part(doubled(w.BugBackoff, h.bySignal[r.signal]-1, w.BackoffMax))
	case waitLock:
		d = w.Lock + part(w.LockJitter)
	case waitLimit:
		d = w.Limit
	case waitAway:
		d = w.Gap + part(w.AwayJitter)
	case waitServer:
		d = w.ServerTimeout
	}
	if e.stage >= atAck {
		d = max(d, w.Gap) // the server counts from the end of the last connection
	}
	return max(d, min(e.retryAfter, time.Hour))
}

// doubled is base doubled n-1 times, at most limit; 0 for n < 1.
func doubled(base time.Duration, n int, limit time.Duration) time.Duration {
	if n < 1 {
		return 0
	}
	d := base
	for range n - 1 {
		if d >= limit {
			break
		}
		d *= 2
	}
	return min(d, limit)
}

// healthy forgets all failures.
func (h *history) healthy() { *h = *newHistory() }

// chance is the source of jitter.
func chance() float64 { return rand.Float64() }

// nextSubprotocol picks the next one to try after a refusal: each once.
func (h *history) nextSubprotocol(d *dialect, refused string) (string, bool) {
	h.triedProtocols[refused] = true
	for _, p := range d.subprotocols {
		if !h.triedProtocols[p] {
			return p, true
		}
	}
	clear(h.triedProtocols)
	return "", false
}

// attempt is how a subscription is asked for.
type attempt struct {
	selection  string
	offsetType string
	noOffset   bool
}

// nextQuery picks what to change after the server rejected a subscription:
// the long selection for the documented one, then the type of the offset,
// then, if the same query has worked before, no offset at all.
func (h *history) nextQuery(was attempt, e *ending, offset string, worked bool) (attempt, bool) {
	try := func(name string, next attempt) (attempt, bool) {
		if h.triedQueries[name] {
			return was, false
		}
		h.triedQueries[name] = true
		return next, true
	}
	sent := offset != "" && !was.noOffset
	if sent && e.named == "offset" {
		if next, ok := try("type", was.otherType()); ok {
			return next, true
		}
	}
	if was.selection == selectLong {
		if next, ok := try("selection", attempt{selectShort, was.offsetType, was.noOffset}); ok {
			return next, true
		}
	}
	if sent && !worked {
		if next, ok := try("type", was.otherType()); ok {
			return next, true
		}
	}
	if sent && worked {
		if next, ok := try("none", attempt{was.selection, was.offsetType, true}); ok {
			return next, true
		}
	}
	clear(h.triedQueries)
	return was, false
}

func (a attempt) otherType() attempt {
	if a.offsetType == "number" {
		a.offsetType = "string"
	} else {
		a.offsetType = "number"
	}
	return a
}

// explain words an ending for the status page and the caller's log.
func explain(v *verdict, e *ending) error {
	text := v.row.signal
	if e.status != 0 && (v.row.signal == "http 5xx" || v.row.signal == "http other") {
		text = fmt.Sprintf("http %d", e.status)
	}
	if e.code != 0 && (v.row.signal == "close 4xxx" || v.row.signal == "close other") {
		text = fmt.Sprintf("close %d", e.code)
	}
	if e.detail != "" {
		return fmt.Errorf("%s (%s): %s", text, e.detail, v.row.means)
	}
	return fmt.Errorf("%s: %s", text, v.row.means)
}
