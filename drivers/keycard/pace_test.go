package keycard

import (
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"edgeagent/drivers"
)

// ownWork is what a quick encoder needs for a card by itself.
const ownWork = 200 * time.Millisecond

// counted is a line that counts the bytes of both directions.
type counted struct {
	io.ReadWriteCloser
	bytes atomic.Int64 // of one request: the bench has nothing else on the line meanwhile
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.ReadWriteCloser.Read(b)
	c.bytes.Add(int64(n))
	return n, err
}

func (c *counted) Write(b []byte) (int, error) {
	c.bytes.Add(int64(len(b)))
	return c.ReadWriteCloser.Write(b)
}

// rawTerminal opens a pseudo-terminal that echoes nothing. The slave is to be
// kept open while a driver comes and goes; closing it ends a read of the master.
func rawTerminal(t testing.TB) (master, slave *os.File) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS2)
	if err == nil {
		raw.Iflag, raw.Oflag, raw.Lflag = 0, 0, 0
		err = unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS2, raw)
	}
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// BenchmarkRequest measures a key from the request to its receipt, as a multiple
// of the least possible time: each byte takes ten bits of the line, each message
// waits for the one before, and the encoder needs its own time. The median tells
// of the machine as well, the best of the driver alone; x-line leaves the
// encoder's own time out.
func BenchmarkRequest(b *testing.B) {
	for _, name := range []string{"salto", "onity", "vingcard"} {
		for _, baud := range []int{9600, 115200} {
			b.Run(fmt.Sprintf("%s/%d", name, baud), func(b *testing.B) { benchRequest(b, name, baud) })
		}
	}
}

func benchRequest(b *testing.B, name string, baud int) {
	master, slave := rawTerminal(b)
	p := newPeer(name, ownWork)
	p.bit = time.Second / time.Duration(baud)
	line := &counted{ReadWriteCloser: master}
	p.wg.Go(func() { p.serve(line) })
	// An earlier process is not waited for, and nothing repeats a result here.
	cfg := Config{Port: slave.Name(), Baud: baud, Encoder: "1", WantUID: true, Timers: Timers{Late: time.Millisecond, Settle: time.Millisecond, Duplicate: time.Nanosecond, Keepalive: time.Hour}}
	dialects[name](&cfg)
	d, err := Open("desk", cfg, testSite())
	if err != nil {
		b.Fatal(err)
	}
	for d.State().Condition != drivers.Online {
		time.Sleep(time.Millisecond)
	}
	var over []time.Duration
	var onLine time.Duration // the same for every request
	for i := 0; b.Loop(); i++ {
		time.Sleep(askFresh + 50*time.Millisecond) // so that the lock system must be asked, as at a desk
		line.bytes.Store(0)
		began := time.Now()
		_, err := d.Do(b.Context(), drivers.Command{ID: fmt.Sprint(i), Action: actionEncode,
			Params: map[string]string{"room": "101", "until": departure.Format(time.RFC3339)}})
		took := time.Since(began)
		if err != nil {
			b.Fatal(err)
		}
		sent := line.bytes.Load()
		if protocols[name].confirms {
			sent-- // our ACK of the result is not waited for
		}
		onLine = time.Duration(sent) * 10 * p.bit
		over = append(over, took-onLine-ownWork)
	}
	slices.Sort(over)
	times := func(over, least time.Duration) float64 { return float64(least+over) / float64(least) }
	b.ReportMetric(times(over[len(over)/2], onLine+ownWork), "x-least")
	b.ReportMetric(times(over[0], onLine+ownWork), "x-least-at-best")
	b.ReportMetric(times(over[0], onLine), "x-line-at-best")
	b.ReportMetric(over[0].Seconds()*1000, "ms-over-at-best")
	b.ReportMetric(0, "ns/op") // it is the pause between the requests
	_, _ = d.Halt(), slave.Close()
	p.close()
}
