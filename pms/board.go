package pms

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// noteLife is how long an alarm about something that has passed is shown.
const noteLife = 24 * time.Hour

// Board is where a source writes how its link stands, and where the status
// page reads it. Its methods can be called from anywhere.
type Board struct {
	now     func() time.Time
	passing []string
	last    atomic.Int64 // Unix nanoseconds of when anything was last heard
	event   atomic.Int64 // of the last event
	mu      sync.Mutex
	link    Link
	doubted string // a doubt that the next word of the PMS removes
}

// NewBoard makes the board of a link that waits. The alarms named are about
// something that has happened, and are shown for a day; the others stand until
// they are cleared.
func NewBoard(now func() time.Time, passing ...string) *Board {
	return &Board{now: now, passing: passing, link: Link{State: LinkWaiting, Since: now()}}
}

// Heard notes that the PMS said something, HeardEvent that it was an event.
func (b *Board) Heard(t time.Time) { b.last.Store(t.UnixNano()) }

// HeardEvent notes an event.
func (b *Board) HeardEvent(t time.Time) { b.event.Store(t.UnixNano()) }

// LastHeard is when the PMS last said anything; zero for never.
func (b *Board) LastHeard() time.Time { return fromNano(b.last.Load()) }

func fromNano(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}

// State moves the link to a state; next is when it tries again, if it waits.
func (b *Board) State(state LinkState, next time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.link.State != state {
		b.link.State, b.link.Since = state, b.now()
	}
	b.link.NextTry = next
	if state == LinkLive {
		b.link.Problem = ""
	}
}

// Problem says what is wrong and what to do.
func (b *Board) Problem(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.link.Problem = text
}

// MonitorOnly says why no notice of the link moves anything, "" if they do.
func (b *Board) MonitorOnly(why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.link.MonitorOnly = why
}

// Doubt is shown where no problem is; "" takes it back.
func (b *Board) Doubt(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.doubted = text
}

// Raise shows an alarm; one that stands already keeps its time.
func (b *Board) Raise(code, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.link.Alarms {
		if b.link.Alarms[i].Code == code {
			b.link.Alarms[i].Text = text
			return
		}
	}
	b.link.Alarms = append(b.link.Alarms, Alarm{Code: code, Text: text, Since: b.now()})
}

// Clear takes alarms down.
func (b *Board) Clear(codes ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.link.Alarms = slices.DeleteFunc(b.link.Alarms, func(a Alarm) bool { return slices.Contains(codes, a.Code) })
}

// View is a copy for somebody else.
func (b *Board) View() Link {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.link.Alarms = slices.DeleteFunc(b.link.Alarms, func(a Alarm) bool {
		return slices.Contains(b.passing, a.Code) && now.Sub(a.Since) > noteLife
	})
	link := b.link
	link.Alarms = slices.Clone(b.link.Alarms)
	link.Last, link.LastNotice = fromNano(b.last.Load()), fromNano(b.event.Load())
	if link.Problem == "" {
		link.Problem = b.doubted
	}
	return link
}
