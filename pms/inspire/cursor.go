package inspire

import (
	"fmt"
	"hash/fnv"
	"net/url"
	"strconv"
	"strings"
)

// cursor is a place in the stream. As text it is Notice.Offset: epoch, offset,
// hash of the event and identity of the stream, such as 2:17634:9f3c…:51ab….
// The hash tells, after a restart, the same event sent again from another one
// that got the same number; the identity keeps a changed chain code from
// inheriting the place.
type cursor struct {
	epoch    int
	offset   string // "" = none yet in this epoch
	hash     uint64
	identity string
}

func (c cursor) String() string {
	if c.offset == "" && c.epoch <= 1 {
		return ""
	}
	b := make([]byte, 0, 64)
	b = append(strconv.AppendInt(b, int64(c.epoch), 10), ':')
	b = append(append(b, c.offset...), ':')
	b = append(appendHash(b, c.hash), ':')
	return string(append(b, c.identity...))
}

// appendHash writes a hash as 16 hexadecimal digits.
func appendHash(b []byte, hash uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, digits[hash>>shift&15])
	}
	return b
}

// parseCursor reads the text back. The offset stands between fixed parts, so
// it may be any text.
func parseCursor(text string) (cursor, error) {
	bad := fmt.Errorf("stored offset %.80q is not of this link; remove it to start anew", text)
	epoch, rest, ok := strings.Cut(text, ":")
	if !ok {
		return cursor{}, bad
	}
	i := strings.LastIndexByte(rest, ':')
	if i < 0 {
		return cursor{}, bad
	}
	rest, identity := rest[:i], rest[i+1:]
	i = strings.LastIndexByte(rest, ':')
	if i < 0 {
		return cursor{}, bad
	}
	e, err := strconv.Atoi(epoch)
	if err != nil || e < 0 {
		return cursor{}, bad
	}
	hash, err := strconv.ParseUint(rest[i+1:], 16, 64)
	if err != nil {
		return cursor{}, bad
	}
	return cursor{epoch: e, offset: rest[:i], hash: hash, identity: identity}, nil
}

// streamIdentity names the counter that offsets belong to.
func streamIdentity(c *Config) string {
	host := c.StreamURL
	if u, err := url.Parse(c.StreamURL); err == nil {
		host = u.Host
	}
	h := fnv.New32a()
	fmt.Fprintf(h, "%s\x00%s\x00%s\x00%s", c.Dialect, host, c.EnterpriseID, c.ChainCode)
	return fmt.Sprintf("%08x", h.Sum32())
}

// ringSize is how many recent events are remembered to recognise repetitions.
const ringSize = 1024

type seenEvent struct {
	offset, unique string
	hash           uint64
}

// ring holds the most recent events in the order of processing.
type ring struct {
	events   []seenEvent
	next     int
	byOffset map[string]uint64
	byUnique map[string]int
	floor    string // every event of a higher offset that was handed over is in here
}

func newRing() *ring {
	return &ring{byOffset: map[string]uint64{}, byUnique: map[string]int{}}
}

func (r *ring) add(e seenEvent) {
	if len(r.events) == 0 && r.floor == "" {
		r.floor = e.offset
	}
	if len(r.events) < ringSize {
		r.events = append(r.events, e)
	} else {
		r.forget(r.events[r.next])
		if below(r.floor, r.events[r.next].offset) {
			r.floor = r.events[r.next].offset
		}
		r.events[r.next] = e
		r.next = (r.next + 1) % ringSize
	}
	r.byOffset[e.offset] = e.hash
	if e.unique != "" {
		r.byUnique[e.unique]++
	}
}

func (r *ring) forget(e seenEvent) {
	if r.byOffset[e.offset] == e.hash {
		delete(r.byOffset, e.offset)
	}
	if e.unique == "" {
		return
	}
	if r.byUnique[e.unique]--; r.byUnique[e.unique] <= 0 {
		delete(r.byUnique, e.unique)
	}
}

// ordered lists the events, oldest first.
func (r *ring) ordered() []seenEvent {
	return append(append(make([]seenEvent, 0, len(r.events)), r.events[r.next:]...), r.events[:r.next]...)
}

// reachesBack reports whether the ring holds all that was handed over from
// the offset on: then an offset that is not in it was never seen.
func (r *ring) reachesBack(offset string) bool { return below(r.floor, offset) }

// place is where the stream stands and what was seen last.
type place struct {
	cursor
	ring *ring
}

// standing is what an event is to the place.
type standing int

const (
	standingNew standing = iota
	standingDuplicate
	standingOld   // from before the place, and not among what is remembered
	standingEpoch // the server's counter began again
)

// judge says what an event is. The order of the tests matters: an offset below
// the place alone is no reason to drop anything.
func (p *place) judge(ev *event) standing {
	if ev.unique != "" && p.ring.byUnique[ev.unique] > 0 {
		return standingDuplicate
	}
	if hash, ok := p.ring.byOffset[ev.offset]; ok {
		if hash == ev.hash {
			return standingDuplicate
		}
		return standingEpoch
	}
	if p.offset == "" || !below(ev.offset, p.offset) {
		return standingNew
	}
	switch {
	case farBelow(ev.offset, p.offset):
		return standingEpoch
	case p.ring.reachesBack(ev.offset):
		return standingNew // late, but never seen
	}
	return standingOld
}

// farBelow: under a tenth of the place, or at the very start of a count.
func farBelow(offset, place string) bool {
	return below(trimZeros(offset)+"0", place) || below(offset, "2")
}

// advance notes an event as handed over. The place itself never goes back
// within an epoch.
func (p *place) advance(ev *event, how standing) {
	switch how {
	case standingOld:
		return
	case standingEpoch:
		p.newEpoch()
	}
	if p.offset == "" || !below(ev.offset, p.offset) {
		p.offset, p.hash = ev.offset, ev.hash
	}
	p.ring.add(seenEvent{offset: ev.offset, unique: ev.unique, hash: ev.hash})
}

// newEpoch starts a new count of offsets.
func (p *place) newEpoch() {
	p.epoch++
	p.offset, p.hash = "", 0
	p.ring = newRing()
}

// resumeAt puts the place at a cursor. What was handed over after it and not
// processed must not count as seen.
func (p *place) resumeAt(c cursor) {
	if c.epoch == 0 {
		c.epoch = 1
	}
	kept := newRing()
	found := false
	if p.ring != nil && p.epoch == c.epoch && c.offset != "" {
		kept.floor = p.ring.floor
		for _, e := range p.ring.ordered() {
			kept.add(e)
			if e.offset == c.offset && e.hash == c.hash {
				found = true
				break
			}
		}
	}
	if !found {
		kept = newRing()
		if c.offset != "" {
			kept.add(seenEvent{offset: c.offset, hash: c.hash})
		}
	}
	p.cursor, p.ring = c, kept
}
