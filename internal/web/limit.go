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
	maxSources   = 512
	knownForever = 30 * 24 * time.Hour
	maxName      = 64 // bytes of a name that tell it from others
)

// bucket holds tries, which come back with time.
type bucket struct {
	left int
	at   time.Time // since when the next one has been on its way
	// known is when the name last logged in from there.
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

// source is whose tries are counted together: those of a name from a network where
// it has logged in before; and those of all other names there, with the name "".
type source struct {
	from netip.Prefix
	name string
}

// limiter slows down who guesses: from one network, and from all together. Where
// a name has logged in before, its tries are its own: neither the flood from
// elsewhere nor the guesses at other names count. And what it gets right gives
// nobody else tries.
type limiter struct {
	mu  sync.Mutex
	all bucket
	by  map[source]*bucket
}

// refusal takes a try, or says in the answer's head and in words how long to wait.
func (l *limiter) refusal(w http.ResponseWriter, from netip.Prefix, name string) string {
	wait := l.try(from, name)
	if wait <= 0 {
		return ""
	}
	seconds := int(wait/time.Second) + 1
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	return fmt.Sprintf("too many tries; wait %d seconds", seconds)
}

// try takes a try, or says how long to wait for one.
func (l *limiter) try(from netip.Prefix, name string) (wait time.Duration) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b, own := l.known(from, name, now)
	if !own {
		b = l.of(source{from: from}, now)
	}
	b.fill(now, triesEach, eachComes)
	l.all.fill(now, triesAll, allComes)
	switch {
	case b.left == 0:
		return eachComes - now.Sub(b.at)
	case !own && l.all.left == 0:
		return allComes - now.Sub(l.all.at)
	case !own:
		l.all.left--
	}
	b.left--
	return 0
}

// succeeded gives a name its tries back; among strangers, the one that it took.
func (l *limiter) succeeded(from netip.Prefix, name string) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, own := l.known(from, name, now); !own {
		l.of(source{from: from}, now).left++ // fill knows how many are too many
		l.all.left++
	}
	b := l.of(source{from, cut(name)}, now)
	b.left, b.at, b.known = triesEach, now, now
}

// known is the bucket of a name that has logged in from there. l.mu is held.
func (l *limiter) known(from netip.Prefix, name string, now time.Time) (*bucket, bool) {
	b := l.by[source{from, cut(name)}]
	return b, b != nil && now.Sub(b.known) < knownForever
}

func cut(name string) string { return name[:min(len(name), maxName)] }

// of is the bucket of a source. When there are too many, one makes room that
// nobody has tried from for longest, and that nobody has logged in from. l.mu is held.
func (l *limiter) of(from source, now time.Time) *bucket {
	if b := l.by[from]; b != nil {
		return b
	}
	if l.by == nil {
		l.by, l.all = map[source]*bucket{}, bucket{left: triesAll, at: now}
	}
	if len(l.by) >= maxSources {
		var oldest source
		for s, b := range l.by {
			o := l.by[oldest]
			if o == nil || b.known.Before(o.known) || b.known.Equal(o.known) && b.at.Before(o.at) {
				oldest = s
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
