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

// damage flips one bit of bytes now and then: what the driver reads of each
// byte, what it sends once in a message. Two in one long frame can cancel each
// other out in the check, which is eight bits, and no driver can prevent that.
func (w *watch) damage(b []byte, once bool) {
	for i := range b {
		if once {
			i = w.rng.IntN(len(b))
		}
		if w.rng.Float64() < w.rate {
			b[i] ^= 1 << w.rng.IntN(8)
		}
		if once {
			return
		}
	}
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
	w.damage(damaged, true)
	w.mu.Unlock()
	return t.stream.Write(damaged)
}

func (t tap) Read(b []byte) (int, error) {
	n, err := t.stream.Read(b)
	w := t.w
	w.mu.Lock()
	defer w.mu.Unlock()
	w.damage(b[:n], false)
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
