package keycard

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// peer is a small lock system of any dialect, without judgement of what it is
// told: it makes whatever card is wanted, at once.
type peer struct {
	dialect *dialect
	work    time.Duration // the encoder's own
	bit     time.Duration // of a paced line, else 0

	mu      sync.Mutex
	line    io.ReadWriteCloser // the newest
	busy    bool
	confirm chan byte
	wg      sync.WaitGroup
	closed  chan struct{}
}

func newPeer(protocol string, work time.Duration) *peer {
	return &peer{dialect: protocols[protocol], work: work, confirm: make(chan byte, 16), closed: make(chan struct{})}
}

// listen serves one connection after another; the address is for the driver.
func (p *peer) listen(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.serve(c) })
		}
	})
	p.wg.Go(func() {
		<-p.closed
		_ = l.Close()
	})
	return l.Addr().String()
}

func (p *peer) close() {
	close(p.closed)
	p.hangUp()
	p.wg.Wait()
}

func (p *peer) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.line != nil {
		_ = p.line.Close()
		p.line = nil
	}
}

func (p *peer) serve(line io.ReadWriteCloser) {
	p.mu.Lock()
	p.line = line
	p.mu.Unlock()
	defer line.Close()
	parse := &parser{form: p.dialect.form, acceptWildcard: true}
	buf := make([]byte, 512)
	for {
		n, err := line.Read(buf)
		if err != nil {
			return
		}
		p.take(n)
		for _, b := range buf[:n] {
			if tok, ok := parse.feed(b); ok {
				p.hear(tok)
			}
		}
	}
}

// take lets the time pass that n bytes need on a paced line. Sleeping overshoots
// by a part of a millisecond, which at 115200 baud is several bytes.
func (p *peer) take(n int) {
	end := time.Now().Add(time.Duration(n) * 10 * p.bit)
	time.Sleep(time.Until(end) - time.Millisecond)
	for p.bit > 0 && time.Now().Before(end) {
		continue
	}
}

func (p *peer) say(b ...byte) {
	p.take(len(b))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.line != nil {
		_, _ = p.line.Write(b)
	}
}

func (p *peer) isBusy(set bool) (was bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was = p.busy
	p.busy = p.busy || set
	return was
}

func (p *peer) hear(tok token) {
	switch {
	case tok.is(enq) && p.isBusy(false), tok.kind == kindDamaged:
		p.say(nak)
	case tok.is(enq):
		p.say(ack)
	case tok.kind == kindControl:
		select {
		case p.confirm <- tok.b:
		default:
		}
	case tok.kind == kindFrame && p.isBusy(true):
		p.say(nak)
	case tok.kind == kindFrame:
		p.say(ack)
		p.wg.Go(func() { p.carryOut(tok.fields) })
	}
}

// carryOut makes the card and answers.
func (p *peer) carryOut(fields []string) {
	time.Sleep(p.work)
	answer := []string{fields[0], fields[1%len(fields)]}
	if p.dialect.answer != nil {
		answer = []string{vingUs + fields[0][:2] + vingDone}
	}
	out, _ := p.dialect.form.appendFrame(nil, answer...)
	p.mu.Lock()
	p.busy = false
	p.mu.Unlock()
	p.say(out...)
	if !p.dialect.confirms {
		return
	}
	for range 2 { // a result that is not confirmed is sent again
		select {
		case b := <-p.confirm:
			if b == ack {
				return
			}
		case <-time.After(20 * time.Millisecond):
		case <-p.closed:
			return
		}
		p.say(out...)
	}
}
