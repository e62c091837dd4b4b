package inspire

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"edgeagent/hwsim/inspiresim"
)

// line is a piece of network that a test can hold up, as a bad uplink does.
type line struct {
	addr string
	gate sync.RWMutex // locked: nothing comes through from the server
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	l := &line{addr: listener.Addr().String()}
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				near.Close()
				return
			}
			t.Cleanup(func() { near.Close(); far.Close() })
			go io.Copy(far, near)
			go l.carry(near, far)
		}
	}()
	return l
}

func (l *line) carry(to io.Writer, from io.Reader) {
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		l.gate.RLock()
		_, bad := to.Write(buf[:n])
		l.gate.RUnlock()
		if err != nil || bad != nil {
			return
		}
	}
}

func TestLineThatStandsStillIsNoEndOfTheReplay(t *testing.T) {
	t.Parallel()
	sim := startPMS(t, inspiresim.Options{})
	sim.Change(func(f *inspiresim.Faults) { f.Replay.Pace = 2 * time.Millisecond })
	var events []inspiresim.Event
	for i := range 300 {
		events = append(events, checkIn(fmt.Sprint(i)))
	}
	sim.PublishAll(testChain, events)
	cfg := quickConfig(sim)
	cfg.Bootstrap = "zero"
	scheme, rest, _ := strings.Cut(cfg.StreamURL, "://")
	host, path, _ := strings.Cut(rest, "/")
	uplink := newLine(t, host)
	cfg.StreamURL = scheme + "://" + uplink.addr + "/" + path
	l := newLink(t, cfg, patient).run("")
	l.waitNotices(20)
	uplink.gate.Lock()
	time.Sleep(4 * l.src.waits.Settle) // longer than the silence that ends a replay
	uplink.gate.Unlock()
	l.waitNotices(300)
	for _, n := range l.all()[:300] {
		if !n.Replayed {
			t.Fatalf("%s of the backlog is taken for news", n.ID)
		}
	}
	l.waitLive()
}
