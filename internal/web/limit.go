package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// How often somebody may try to log in: a few slips at once, then patience. Nobody
// is ever shut out for longer than it takes one try to come back.
const (
	triesEach    = 5
	eachComes    = 12 * time.Second
	triesAll     = 20
	allComes     = 3 * time.Second
	maxNetworks  = 512
	knownForever = 30 * 24 * time.Hour
)

// bucket holds tries, which come back with time.
type bucket struct {
	left int
	at   time.Time // since when the next one has been on its way
	// known is when somebody last logged in from there.
	known time.Time
}

// fill puts back what has come back.
func (b *bucket) fill(now time.Time, most int, every time.Duration) {
	back := int(now.Sub(b.at) / every)
	if b.left+back >= most {
		b.left, b.at = most, now
		return
	}
	b.left, b.at = b.left+back, b.at.Add(time.Duration(back)*every)
}

// limiter slows down who guesses: from one network, and from all together. Where
// somebody has logged in before, the flood from elsewhere does not count.
type limiter struct {
	mu  sync.Mutex
	all bucket
	by  map[netip.Prefix]*bucket
}

// try takes a try, or says how long to wait for one.
func (l *limiter) try(from netip.Prefix) (wait time.Duration) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.of(from, now)
	b.fill(now, triesEach, eachComes)
	l.all.fill(now, triesAll, allComes)
	if b.left == 0 {
		return eachComes - now.Sub(b.at)
	}
	if !b.known.IsZero() && now.Sub(b.known) < knownForever {
		b.left--
		return 0
	}
	if l.all.left == 0 {
		return allComes - now.Sub(l.all.at)
	}
	b.left--
	l.all.left--
	return 0
}

// refusal takes a try, or says in the answer's head and in words how long to wait.
func (l *limiter) refusal(w http.ResponseWriter, from netip.Prefix) string {
	wait := l.try(from)
	if wait <= 0 {
		return ""
	}
	seconds := int(wait/time.Second) + 1
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	return fmt.Sprintf("too many tries; wait %d seconds", seconds)
}

// succeeded gives the tries back.
func (l *limiter) succeeded(from netip.Prefix) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.of(from, now)
	b.left, b.at, b.known = triesEach, now, now
}

// of is the bucket of a network. When there are too many, one makes room that
// nobody has tried from for longest, and that nobody has logged in from. l.mu is held.
func (l *limiter) of(from netip.Prefix, now time.Time) *bucket {
	if b := l.by[from]; b != nil {
		return b
	}
	if l.by == nil {
		l.by, l.all = map[netip.Prefix]*bucket{}, bucket{left: triesAll, at: now}
	}
	if len(l.by) >= maxNetworks {
		var oldest netip.Prefix
		for prefix, b := range l.by {
			o := l.by[oldest]
			if o == nil || b.known.Before(o.known) || b.known.Equal(o.known) && b.at.Before(o.at) {
				oldest = prefix
			}
		}
		delete(l.by, oldest)
	}
	b := &bucket{left: triesEach, at: now}
	l.by[from] = b
	return b
}

// network is where a request comes from: an address, of IPv6 the 64 bits that one
// household gets.
func network(remote string) netip.Prefix {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{} // a Unix socket, or a test
	}
	addr, bits := at.Addr().Unmap().WithZone(""), 32
	if addr.Is6() {
		bits = 64
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}
