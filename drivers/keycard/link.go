package keycard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// How a wait on the link can end without a token. Any other error is the link's own.
var (
	errTimeout = errors.New("no answer in time")
	errHalted  = errors.New("the driver is stopped")
)

// writeLimit is how long a frame may take to leave. Frames are far smaller than
// the kernel's buffer: a write that blocks means that the line does not drain.
const writeLimit = 2 * time.Second

// link cuts what a stream carries into tokens and waits for them with deadlines.
// One goroutine uses it; a second one only reads and hands over.
type link struct {
	stream stream
	trace  *trace
	gap    time.Duration // t_byte
	halt   <-chan struct{}

	in   chan []byte   // what was read; closed with the stream
	quit chan struct{} // nobody listens any more
	fail error         // why in was closed

	pending []byte
	parser  parser
	since   time.Time // when the unfinished frame began
	latest  time.Time // its latest byte

	strip bool
	echo  []byte // our own bytes that have not come back yet
	sent  []string
	seen  evidence
}

// evidence is what tells a wrong setting when answers make no sense.
type evidence struct {
	tokens, noise, high, parity, echoes int
}

func newLink(s stream, cfg Config, t *trace, halt <-chan struct{}) *link {
	l := &link{
		stream: s, trace: t, gap: cfg.Timers.Byte, halt: halt, strip: cfg.StripEcho,
		in: make(chan []byte), quit: make(chan struct{}),
		parser: parser{form: cfg.dialectOf().form, acceptWildcard: *cfg.AcceptWildcardLRC},
	}
	go l.pump()
	return l
}

// pump reads until the stream ends. It never holds more than one piece.
func (l *link) pump() {
	defer close(l.in)
	for {
		piece := make([]byte, 512)
		n, err := l.stream.Read(piece)
		if n > 0 {
			select {
			case l.in <- piece[:n]:
			case <-l.quit:
				return
			}
		}
		if err != nil {
			l.fail = err
			return
		}
	}
}

// close releases the stream and waits for the pump.
func (l *link) close() {
	close(l.quit)
	_ = l.stream.Close() // the link is given up, whatever it says
	for range l.in {
		continue
	}
}

// write sends bytes; fields are the frame's, for telling its echo. A frame that
// could not be written whole cannot have been taken.
func (l *link) write(b []byte, fields []string) error {
	if len(fields) > 0 {
		l.sent = fields
	}
	l.trace.sent(b, fields)
	if l.strip {
		l.echo = append(l.echo, b...)
	}
	if err := l.stream.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	if _, err := l.stream.Write(b); err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	return nil
}

// next gives the next token. It ends with errTimeout at the deadline, except
// inside a frame, which is let finish as long as its bytes keep coming; with the
// context's cause; with errHalted; or with the link's own error.
func (l *link) next(ctx context.Context, deadline time.Time) (token, error) {
	for {
		if tok, ok := l.parse(); ok {
			return tok, nil
		}
		until := deadline
		if l.parser.open() {
			until = l.latest.Add(l.gap)
			if limit := l.since.Add(10 * l.gap); limit.Before(until) {
				until = limit
			}
		}
		err := l.fill(ctx, until)
		if errors.Is(err, errTimeout) && l.parser.open() {
			stray, size := l.parser.state == atStrayCheck, len(l.parser.body)
			l.parser.reset()
			if !stray {
				tok := token{kind: kindTruncated, size: size}
				l.trace.received(tok)
				return tok, nil
			}
			continue
		}
		if err != nil {
			return token{}, err
		}
	}
}

// fill waits for the next piece.
func (l *link) fill(ctx context.Context, until time.Time) error {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case piece, ok := <-l.in:
		return l.take(piece, ok)
	case <-timer.C:
		return l.lastLook(until)
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-l.halt:
		return errHalted
	}
}

// lastLook prefers what came in time, but was looked at late, over the deadline;
// a stream that never pauses cannot stretch it by more than one gap.
func (l *link) lastLook(until time.Time) error {
	if time.Since(until) > l.gap {
		return errTimeout
	}
	select {
	case piece, ok := <-l.in:
		return l.take(piece, ok)
	default:
		return errTimeout
	}
}

// take accepts what the pump handed over.
func (l *link) take(piece []byte, ok bool) error {
	if !ok {
		if errors.Is(l.fail, io.EOF) {
			return errors.New("the line was cut: adapter unplugged, or connection closed by the lock system")
		}
		return fmt.Errorf("the line was cut: %w", reason(l.fail))
	}
	l.pending = piece
	l.latest = time.Now()
	return nil
}

// parse gives a token of what has been read, if there is a whole one.
func (l *link) parse() (token, bool) {
	for len(l.pending) > 0 {
		b := l.pending[0]
		l.pending = l.pending[1:]
		if l.isEcho(b) {
			continue
		}
		before := l.parser.open()
		tok, ok := l.parser.feed(b)
		if l.parser.open() && (!before || ok) {
			l.since = l.latest
		}
		if ok {
			l.note(tok)
			return tok, true
		}
	}
	return token{}, false
}

// isEcho reports whether the byte is the next one of our own. When another
// comes, there is no echo at the moment.
func (l *link) isEcho(b byte) bool {
	if len(l.echo) == 0 {
		return false
	}
	if b != l.echo[0] {
		l.echo = nil
		return false
	}
	l.echo = l.echo[1:]
	return true
}

func (l *link) note(tok token) {
	l.trace.received(tok)
	l.seen.tokens++
	switch {
	case tok.is(enq), l.isOwn(tok):
		l.seen.echoes++
	case tok.kind == kindNoise:
		l.seen.noise++
		if tok.b == ack|0x80 || tok.b == nak|0x80 {
			l.seen.parity++
		}
		if tok.b >= 0x80 {
			l.seen.high++
		}
	case tok.kind != kindControl && tok.kind != kindFrame:
		l.seen.noise++
	}
}

// isOwn reports whether a token is the frame that we sent last.
func (l *link) isOwn(tok token) bool {
	return tok.kind == kindFrame && len(l.sent) > 0 && sameFields(tok.fields, l.sent)
}

// drain drops what has already arrived, telling heard of each token.
func (l *link) drain(heard func(token)) {
	for {
		if tok, ok := l.parse(); ok {
			heard(tok)
			continue
		}
		select {
		case piece, ok := <-l.in:
			if l.take(piece, ok) != nil {
				return // the next wait reports it
			}
		default:
			return
		}
	}
}

// silence says why nothing sensible came, from what did come.
func (l *link) silence() error {
	switch seen := l.seen; {
	case seen.parity > 0 && seen.parity*2 >= seen.noise:
		return errors.New("answers have bit 7 set: the other side uses a parity bit, set it to 8 data bits, no parity")
	case seen.echoes > 0 && seen.noise == 0:
		return errors.New("our own bytes come back and nothing else: a loop plug, or an adapter with echo and nothing behind it")
	case seen.noise > 0:
		return fmt.Errorf("answers are unreadable: check speed and stop bits (%d bytes of noise, %d with bit 7 set)", seen.noise, seen.high)
	}
	return errors.New("no answer: check that the lock system runs, its PMS channel and the cable")
}
