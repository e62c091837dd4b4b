package keycard

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"
)

// bench is a driver and the other end of its line, in a synctest bubble: a test
// plays the lock system, byte by byte.
type bench struct {
	t     *testing.T
	d     *Driver
	form  *framing
	mu    sync.Mutex
	line  net.Conn // of the newest connection
	got   chan string
	dials atomic.Int32
	// auto answers each ENQ by itself with this byte, 0 for not.
	auto atomic.Uint32
	// dead makes dialling fail.
	dead atomic.Bool
	// echo sends everything back.
	echo atomic.Bool
}

func testSite() drivers.Site {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return drivers.Site{Property: "test", Zone: zone}
}

func newBench(t *testing.T, change func(*Config)) *bench {
	t.Helper()
	return newBenchWith(t, change, testSite(), ack, false)
}

func newBenchWith(t *testing.T, change func(*Config), site drivers.Site, auto uint32, echo bool) *bench {
	t.Helper()
	cfg := Config{Port: "/dev/serial/by-id/x", Encoder: "1"}
	if change != nil {
		change(&cfg)
	}
	b := &bench{t: t, form: cfg.dialectOf().form, got: make(chan string, 100)}
	b.auto.Store(auto)
	b.echo.Store(echo)
	var err error
	b.d, err = open("desk", cfg, site, b.dial)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = b.d.Halt()
		b.cut()
	})
	return b
}

func (b *bench) dial(context.Context, Config) (stream, error) {
	b.dials.Add(1)
	if b.dead.Load() {
		return nil, errors.New("/dev/serial/by-id/x: no such adapter")
	}
	ours, theirs := net.Pipe()
	b.mu.Lock()
	b.line = theirs
	b.mu.Unlock()
	go b.listen(theirs)
	return ours, nil
}

// listen cuts what the driver sends into words: ENQ, ACK, NAK, or fields.
func (b *bench) listen(c net.Conn) {
	p := &parser{form: b.form}
	buf := make([]byte, 256)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if b.echo.Load() {
			_, _ = c.Write(buf[:n])
		}
		for _, x := range buf[:n] {
			tok, ok := p.feed(x)
			switch auto := b.auto.Load(); {
			case !ok:
			case tok.is(enq) && auto != 0:
				_, _ = c.Write([]byte{byte(auto)})
			case tok.kind == kindControl:
				b.got <- string(controlKind(tok.b))
			default:
				b.got <- strings.Join(tok.fields, "|")
			}
		}
	}
}

// expect waits for a word of the driver that begins so.
func (b *bench) expect(want string) {
	b.t.Helper()
	select {
	case got := <-b.got:
		if !strings.HasPrefix(got, want) {
			b.t.Fatalf("the driver sent %s, want %s", got, want)
		}
	case <-time.After(10 * time.Minute):
		b.t.Fatalf("the driver sent nothing, want %s; state %+v", want, b.d.State())
	}
}

// quiet checks that the driver says nothing more for a while.
func (b *bench) quiet(wait time.Duration) {
	b.t.Helper()
	select {
	case got := <-b.got:
		b.t.Fatalf("the driver sent %s, want nothing", got)
	case <-time.After(wait):
	}
}

// say sends bytes: single ones for control bytes, text for frames.
func (b *bench) say(words ...any) {
	b.t.Helper()
	var out []byte
	for _, word := range words {
		switch word := word.(type) {
		case string:
			out = append(out, framed(b.form, word)...)
		case int:
			out = append(out, byte(word))
		case []byte:
			out = append(out, word...)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := b.line.Write(out); err != nil {
		b.t.Error(err)
	}
}

func mustFrame(fields string) []byte { return framed(&standardFraming, fields) }

func framed(form *framing, fields string) []byte {
	out, err := form.appendFrame(nil, strings.Split(fields, "|")...)
	if err != nil {
		panic(err)
	}
	return out
}

func (b *bench) cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.line != nil {
		_ = b.line.Close()
	}
}

// ready brings the link to rest, all suspicion gone, and ENQ answered by itself.
func (b *bench) ready() {
	b.t.Helper()
	b.auto.Store(ack)
	time.Sleep(3 * time.Minute)
	synctest.Wait()
	b.is(drivers.Online)
}

func (b *bench) is(want drivers.Condition) {
	b.t.Helper()
	if st := b.d.State(); st.Condition != want {
		b.t.Fatalf("state is %+v, want %s", st, want)
	}
}

// promise is a Do under way.
type promise struct {
	t       *testing.T
	done    chan struct{}
	receipt drivers.Receipt
	err     error
	steps   []drivers.Step
}

func (b *bench) do(ctx context.Context, cmd drivers.Command) *promise {
	p := &promise{t: b.t, done: make(chan struct{})}
	cmd.Progress = func(step drivers.Step) { p.steps = append(p.steps, step) }
	go func() {
		defer close(p.done)
		p.receipt, p.err = b.d.Do(ctx, cmd)
	}()
	return p
}

func (p *promise) wait() *promise {
	<-p.done
	return p
}

// fails waits and checks the kind of error and a part of its text.
func (p *promise) fails(kind error, text string) {
	p.t.Helper()
	p.wait()
	switch {
	case p.err == nil:
		p.t.Fatalf("no error, want %q", text)
	case kind != nil && !errors.Is(p.err, kind):
		p.t.Fatalf("got %v, want it to be %v", p.err, kind)
	case kind == nil && (errors.Is(p.err, drivers.ErrRefused) || errors.Is(p.err, drivers.ErrUnknown)):
		p.t.Fatalf("got %v, want an error after which it is tried again", p.err)
	case !strings.Contains(p.err.Error(), text):
		p.t.Fatalf("got %q, want it to say %q", p.err, text)
	}
}

func (p *promise) succeeds() {
	p.t.Helper()
	if p.wait(); p.err != nil {
		p.t.Fatal(p.err)
	}
}

// encode is a command for so many cards of room 101; departure is far away in
// the time of a bubble.
func encode(id, copies string) drivers.Command {
	return drivers.Command{ID: id, Action: actionEncode, Params: map[string]string{
		"room": "101", "until": "2026-07-17T11:00:00+02:00", "copies": copies}}
}
