package inspire

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"edgeagent/pms"
)

// Alarms about something that has happened, shown for a day.
const (
	alarmGap       = "pms-gap"
	alarmEpoch     = "pms-new-epoch"
	alarmOldReplay = "pms-old-replay"
	alarmQuiet     = "pms-quiet"
	alarmCursor    = "pms-cursor"
	noteLife       = 24 * time.Hour
)

var passing = [...]string{alarmGap, alarmEpoch, alarmOldReplay, alarmCursor}

// standing alarms end with the next healthy stream.
var standingAlarms = [...]string{
	alarmRefused, alarmProtocol, alarmTooBig, alarmLate, alarmLocked, alarmUnknown, alarmNetwork, alarmKickWar, alarmSettings,
}

func newBoard(now func() time.Time) *board {
	return &board{now: now, link: pms.Link{State: pms.LinkWaiting, Since: now()}}
}

// board is what the status page sees of the link. All methods can be called
// from anywhere.
type board struct {
	now     func() time.Time
	last    atomic.Int64 // Unix nanoseconds of the last frame
	event   atomic.Int64 // of the last event
	mu      sync.Mutex
	link    pms.Link
	doubted string // a doubt that the next frame removes
}

func (b *board) heard(t time.Time)      { b.last.Store(t.UnixNano()) }
func (b *board) heardEvent(t time.Time) { b.event.Store(t.UnixNano()) }

func (b *board) lastHeard() time.Time { return fromNano(b.last.Load()) }

func fromNano(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}

// state moves the link to a state; next is when it tries again, if it waits.
func (b *board) state(state pms.LinkState, next time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.link.State != state {
		b.link.State, b.link.Since = state, b.now()
	}
	b.link.NextTry = next
	if state == pms.LinkLive {
		b.link.Problem = ""
	}
}

func (b *board) problem(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.link.Problem = text
}

func (b *board) monitorOnly(why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.link.MonitorOnly = why
}

func (b *board) doubt(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.doubted = text
}

func (b *board) relieved() { b.doubt("") }

// raise shows an alarm; one that stands already keeps its time.
func (b *board) raise(code, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.link.Alarms {
		if b.link.Alarms[i].Code == code {
			b.link.Alarms[i].Text = text
			return
		}
	}
	b.link.Alarms = append(b.link.Alarms, pms.Alarm{Code: code, Text: text, Since: b.now()})
}

func (b *board) clear(codes ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.link.Alarms = slices.DeleteFunc(b.link.Alarms, func(a pms.Alarm) bool { return slices.Contains(codes, a.Code) })
}

// view is a copy for somebody else.
func (b *board) view() pms.Link {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.link.Alarms = slices.DeleteFunc(b.link.Alarms, func(a pms.Alarm) bool {
		return slices.Contains(passing[:], a.Code) && now.Sub(a.Since) > noteLife
	})
	link := b.link
	link.Alarms = slices.Clone(b.link.Alarms)
	link.Last, link.LastNotice = fromNano(b.last.Load()), fromNano(b.event.Load())
	if link.Problem == "" {
		link.Problem = b.doubted
	}
	return link
}
