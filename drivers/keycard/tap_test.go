package keycard

import (
	"math/rand/v2"
	"strings"
	"sync"
)

// tap damages what passes between a driver and its line, and watches for a new
// key that is sent again after the driver has seen it accepted.
type tap struct {
	stream
	w *watch
}

type watch struct {
	rate float64 // see damage

	mu      sync.Mutex
	rng     *rand.Rand
	out, in parser
	frame   string // newest new key
	state   string // sent, asked (ENQ since), accepted, or "" once it was refused
	repeats int
}

func newWatch(form *framing, seed uint64, rate float64) *watch {
	return &watch{rate: rate, rng: rand.New(rand.NewPCG(seed, 1)), out: parser{form: form}, in: parser{form: form, acceptWildcard: true}}
}

// damage changes bytes now and then, one bit of every other and all of the rest.
func (w *watch) damage(b []byte) {
	for i := range b {
		if w.rng.Float64() < w.rate {
			w.spoil(b, i)
		}
	}
}

// damageOnce is damage that spares all but the first byte that it hits. Two in
// one long frame can cancel each other out in the check, which is eight bits:
// the lock system then does another thing than it was told, and no driver can
// prevent that.
func (w *watch) damageOnce(b []byte) {
	for i := range b {
		if w.rng.Float64() < w.rate {
			w.spoil(b, i)
			return
		}
	}
}

func (w *watch) spoil(b []byte, i int) {
	if w.rng.IntN(2) == 0 {
		b[i] ^= 1 << w.rng.IntN(8)
		return
	}
	b[i] ^= byte(1 + w.rng.IntN(255))
}

func (w *watch) set(rate float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rate = rate
}

func (t tap) Write(b []byte) (int, error) {
	w := t.w
	w.mu.Lock()
	for _, x := range b {
		tok, ok := w.out.feed(x)
		switch {
		case !ok:
		case tok.is(enq) && w.state == "sent":
			w.state = "asked"
		case tok.kind == kindFrame:
			frame := strings.Join(tok.fields, "|")
			if head := tok.fields[0]; head != "CN" && !strings.HasSuffix(head, vingUs+vingNew) {
				continue
			}
			if frame == w.frame && w.state == "accepted" {
				w.repeats++
			}
			w.frame, w.state = frame, "sent"
		}
	}
	damaged := append([]byte(nil), b...)
	w.damageOnce(damaged)
	w.mu.Unlock()
	return t.stream.Write(damaged)
}

func (t tap) Read(b []byte) (int, error) {
	n, err := t.stream.Read(b)
	w := t.w
	w.mu.Lock()
	defer w.mu.Unlock()
	w.damage(b[:n])
	for _, x := range b[:n] {
		tok, ok := w.in.feed(x)
		switch {
		case !ok:
		case tok.is(ack) && w.state == "sent":
			w.state = "accepted"
		case tok.kind == kindFrame && tok.fields[0] != "CN" && !strings.HasSuffix(tok.fields[0], vingDone):
			w.state = "" // refused: it may be tried again
		}
	}
	return n, err
}
