package inspiresim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sort"
	"sync"
	"time"
)

// chainLog is the event log of one chain. Records stand in the order of
// sending and are numbered by a sequence that, unlike the offset, never goes
// back; a record is never changed once it is in, only replaced.
type chainLog struct {
	name string

	mu         sync.Mutex
	offset     uint64 // of the next event
	generation int
	base       int // sequence number of records[0]
	records    []*record
	wake       chan struct{}

	lastSent   uint64 // offset last sent to anybody
	lastSentAt time.Time
}

// record is one event with its offset.
type record struct {
	offset     uint64
	generation int // of the counter
	at         time.Time
	unique     string
	event      Event
	// echo marks a repetition: those who are connected get it, a replay does not.
	echo bool

	prepared    []byte // the payload, encoded
	preparedFor string // key of the form it is encoded in
}

func newChainLog(name string) *chainLog {
	return &chainLog{name: name, offset: 1, wake: make(chan struct{})}
}

// change runs with the log locked and wakes the subscriptions.
func (l *chainLog) change(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
	close(l.wake)
	l.wake = make(chan struct{})
}

// publish appends events, each with the next offset, and returns the last one.
func (l *chainLog) publish(at time.Time, events ...Event) (last uint64) {
	l.change(func() {
		for _, e := range events {
			last = l.add(at, e).offset
		}
	})
	return last
}

// add appends one event; the caller is inside change.
func (l *chainLog) add(at time.Time, e Event) *record {
	if e.Timestamp == "" {
		e.Timestamp = at.UTC().Format("2006-01-02 15:04:05.000")
	}
	r := &record{offset: l.offset, generation: l.generation, at: at, unique: l.unique(l.offset), event: e}
	l.records = append(l.records, r)
	l.offset++
	return r
}

func (l *chainLog) unique(offset uint64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%d", l.name, l.generation, offset))
	return hex.EncodeToString(sum[:16])
}

// repeat appends echoes of the records with offsets first to last.
func (l *chainLog) repeat(first, last uint64, times int) {
	l.change(func() {
		var again []*record
		for _, r := range l.records {
			if !r.echo && r.offset >= first && r.offset <= last {
				echo := *r
				echo.echo = true
				again = append(again, &echo)
			}
		}
		for range times {
			l.records = append(l.records, again...)
		}
	})
}

// rewrite gives an offset other content, and sends that.
func (l *chainLog) rewrite(offset uint64, e Event) (found bool) {
	l.change(func() {
		for i, r := range l.records {
			if r.offset != offset || r.echo {
				continue
			}
			if e.Timestamp == "" {
				e.Timestamp = r.event.Timestamp
			}
			l.records[i] = &record{offset: offset, generation: l.generation, at: r.at, unique: l.unique(offset) + "-2", event: e}
			echo := *l.records[i]
			echo.echo = true
			l.records = append(l.records, &echo)
			found = true
			return
		}
	})
	return found
}

// reset forgets all events and counts from 1 again.
func (l *chainLog) reset() {
	l.change(func() {
		l.base += len(l.records)
		l.records = nil
		l.offset = 1
		l.generation++
		l.lastSent, l.lastSentAt = 0, time.Time{}
	})
}

// skip leaves n offsets out.
func (l *chainLog) skip(n uint64) { l.change(func() { l.offset += n }) }

// jump sets the offset of the next event, which must not go back.
func (l *chainLog) jump(to uint64) {
	l.change(func() { l.offset = max(l.offset, to) })
}

// read returns up to limit records from a sequence number on, and the number
// to go on with; with none, wake is closed at the next change.
func (l *chainLog) read(from, limit int) (records []*record, next int, wake <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from = max(from, l.base)
	end := min(from+limit, l.base+len(l.records))
	records = append(records, l.records[from-l.base:end-l.base]...)
	return records, end, l.wake
}

// beginning is where a subscription starts.
type beginning struct {
	next, live    int // sequence numbers: of the first record, and of the first that is news
	floor         uint64
	generation    int  // in which no offset below floor is sent
	tooOld, ahead bool // the position is before what is kept, or after what there is
}

// begin finds where a subscription starts.
func (l *chainLog) begin(r *request, f *Replay, now time.Time) beginning {
	l.mu.Lock()
	defer l.mu.Unlock()
	head := l.base + len(l.records)
	oldest := l.oldest(f, now)
	b := beginning{next: head, live: head, generation: l.generation}
	at, exclusive := r.from.at, f.Exclusive
	switch {
	case r.highest:
		b.next = max(oldest, head-1)
		return b
	case r.from.raw != "":
	case f.NoOffset == NoOffsetFull:
		b.next = oldest
		return b
	case f.NoOffset == NoOffsetCursor && !l.lastSentAt.IsZero() && now.Sub(l.lastSentAt) <= f.CursorFor:
		at, exclusive = l.lastSent, true
	default:
		return b
	}
	b.floor = at
	if exclusive {
		b.floor++
	}
	start := l.base + sort.Search(len(l.records), func(i int) bool { return l.firstAt(i) >= b.floor })
	b.next = max(start, oldest)
	b.tooOld = start < oldest && at > 0
	b.ahead = at >= l.offset
	return b
}

// firstAt is the offset at index i for searching: echoes, which go back, count
// as what comes after them in the order of offsets.
func (l *chainLog) firstAt(i int) uint64 {
	for ; i < len(l.records); i++ {
		if !l.records[i].echo {
			return l.records[i].offset
		}
	}
	return l.offset
}

// oldest is the sequence number of the oldest record that can be replayed.
func (l *chainLog) oldest(f *Replay, now time.Time) int {
	first := 0
	if f.KeepEvents > 0 {
		for i, kept := len(l.records)-1, 0; i >= 0; i-- {
			if l.records[i].echo {
				continue
			}
			if kept++; kept > f.KeepEvents {
				first = i + 1
				break
			}
		}
	}
	if f.Keep > 0 {
		first = max(first, sort.Search(len(l.records), func(i int) bool { return now.Sub(l.records[i].at) <= f.Keep }))
	}
	return l.base + first
}

func (l *chainLog) noteSent(offset uint64, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lastSent, l.lastSentAt = offset, at
}
