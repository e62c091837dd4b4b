package keycard

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/locksim"
)

// soakHouse is a lock system under the soak: the other end of the line, and the
// truth about its cards.
type soakHouse struct {
	cfg   Config                                 // how a driver reaches it
	heal  func()                                 // ends all faults
	made  func(room string, until time.Time) int // cards that it has made
	close func()
}

// soakHouses are the lock systems to soak each protocol with. They misbehave
// from the start: ACKs and results are lost, late or sent twice, lines are cut.
var soakHouses = map[string]func(t *testing.T, seed uint64) soakHouse{
	"salto":    locksimHouse(locksim.SALTO),
	"onity":    locksimHouse(locksim.Onity),
	"vingcard": locksimHouse(locksim.VingCard),
}

// soakTimers are a thousandth of the usual ones, with room for a busy machine.
var soakTimers = Timers{Ack: 50 * time.Millisecond, Busy: 200 * time.Millisecond, Result: 100 * time.Millisecond, Byte: 20 * time.Millisecond,
	Late: 300 * time.Millisecond, Keepalive: time.Second, Settle: 2 * time.Millisecond, Duplicate: 20 * time.Millisecond,
	Reopen: time.Millisecond, ReopenMax: 5 * time.Millisecond}

func locksimHouse(family locksim.Family) func(t *testing.T, seed uint64) soakHouse {
	return func(t *testing.T, seed uint64) soakHouse {
		sys := locksim.New(locksim.Config{Zone: testSite().Zone, Seed: seed, Rooms: []string{"101", "102"}, Encoders: []string{"1"},
			AckTime: 1, WorkTime: 8 * time.Millisecond, CardWait: 50 * time.Millisecond, FrameGap: 20 * time.Millisecond, AckWait: 20 * time.Millisecond})
		h := soakHouse{cfg: Config{Encoder: "1", Port: filepath.Join(t.TempDir(), "usb-encoder"), Timers: soakTimers}}
		dialects[string(family)](&h.cfg)
		if h.cfg.dialectOf().confirms {
			h.cfg.Timers.Duplicate = 150 * time.Millisecond // a result that was not confirmed comes again
		}
		if _, err := sys.OpenPTY(h.cfg.Port, locksim.PortOptions{Family: family}); err != nil {
			t.Fatal(err)
		}
		for _, fault := range []locksim.Fault{{DropAck: true}, {Drop: true}, {Duplicate: true}, {Late: 120 * time.Millisecond},
			{Late: 120 * time.Millisecond, LateIdle: true}, {DuringNext: true}, {NakThenAck: true}, {Enquiry: true, NakThenAck: true}} {
			sys.Chance(0.01, fault)
		}
		// A plug that is loose for a moment, before the ACK and behind it.
		for _, when := range []locksim.Moment{locksim.BeforeAck, locksim.BehindAck} {
			sys.Chance(0.005, locksim.Fault{Line: locksim.CablePulled, When: when, DownFor: 30 * time.Millisecond})
		}
		sys.Chance(0.005, locksim.Fault{HangUp: true, DownFor: 5 * time.Millisecond})
		h.heal = sys.ClearFaults
		h.made = func(room string, until time.Time) (n int) {
			for _, cut := range sys.Cuts(room) {
				if cut.Until.Equal(until) {
					n++
				}
			}
			return n
		}
		h.close = func() { _ = sys.Close() }
		return h
	}
}

// soakTally is what a soak has come to.
type soakTally struct {
	mu                                                                  sync.Mutex
	requests, oks, unknowns, notMade, falseOKs, cutTwice, told, repeats int
}

func (s *soakTally) String() string {
	return fmt.Sprintf("%d requests, %d oks, %d unknowns, %d not made, %d false oks, %d made although reported failed, %d cut twice, %d new keys repeated after an ACK",
		s.requests, s.oks, s.unknowns, s.notMade, s.falseOKs, s.told, s.cutTwice, s.repeats)
}

// count judges one request by what the lock system has made.
func (s *soakTally) count(err error, made int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if made > 1 {
		s.cutTwice++
	}
	switch {
	case err == nil:
		if s.oks++; made == 0 {
			s.falseOKs++
		}
	case errors.Is(err, drivers.ErrUnknown):
		s.unknowns++
	default:
		if s.notMade++; made > 0 {
			s.told++
		}
	}
}

// TestSoak sends requests of every dialect over bad lines, and asks the lock
// system what it has made. SOAK_KEYCARD says how many, see make soak-keycard.
func TestSoak(t *testing.T) {
	requests, shards := 160, 8
	if text := os.Getenv("SOAK_KEYCARD"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < shards {
			t.Fatalf("SOAK_KEYCARD=%s is no number of requests", text)
		}
		requests, shards = n, 16
	}
	for _, name := range []string{"salto", "onity", "vingcard"} {
		t.Run(name, func(t *testing.T) {
			goroutines, files := runtime.NumGoroutine(), openFiles(t)
			var tally soakTally
			var wg sync.WaitGroup
			for shard := range shards {
				h := soakHouses[name](t, uint64(shard+1))
				wg.Go(func() { soak(t, h, uint64(shard+1), requests/shards, &tally) })
			}
			wg.Wait()
			t.Log(&tally)
			if tally.falseOKs+tally.cutTwice+tally.repeats > 0 {
				t.Error("what must not be has been")
			}
			// Damage in two places can turn a result into an error code that passes the check.
			if tally.told > tally.requests/1000 || tally.oks < tally.requests/2 {
				t.Error("too much was told wrong, or too little came through")
			}
			waitFor(t, func() string {
				if g, f := runtime.NumGoroutine()-goroutines, openFiles(t)-files; g > 0 || f > 0 {
					return fmt.Sprintf("%d goroutines and %d descriptors leaked", g, f)
				}
				return ""
			})
			t.Log("0 goroutines and 0 descriptors leaked")
		})
	}
}

func soakUntil(i int) time.Time {
	return departure.Truncate(time.Hour).Add(time.Duration(i) * time.Hour)
}

// soak runs one driver against one lock system.
func soak(t *testing.T, h soakHouse, seed uint64, requests int, tally *soakTally) {
	w := newWatch(h.cfg.dialectOf().form, seed, 0.02)
	d, err := open("desk", h.cfg, testSite(), func(ctx context.Context, cfg Config) (stream, error) {
		s, err := dial(ctx, cfg)
		if err != nil {
			return nil, err
		}
		return tap{s, w}, nil
	})
	if err != nil {
		t.Error(err)
		return
	}
	do := func(id, room string, until time.Time) (err error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for range 20 { // what did not happen is tried again, as a lane does
			_, err = d.Do(ctx, drivers.Command{ID: id, Action: actionEncode,
				Params: map[string]string{"room": room, "until": until.Format(time.RFC3339)}})
			if err == nil || errors.Is(err, drivers.ErrUnknown) || errors.Is(err, drivers.ErrRefused) {
				return err
			}
			time.Sleep(5 * time.Millisecond)
		}
		return err
	}
	rooms := []string{"101", "102"}
	errs := make([]error, requests)
	for i := range errs {
		// The end of the stay tells afterwards which request a card came from.
		errs[i] = do(fmt.Sprint("soak ", i), rooms[i%2], soakUntil(i))
	}
	h.heal()
	w.set(0)
	// Once a last one has been made, all that was lost on the way has been done.
	for i := range 50 {
		if err = do(fmt.Sprint("last ", i), "101", soakUntil(requests+i)); err == nil {
			break
		}
	}
	if err != nil {
		t.Errorf("the line does not heal: %v", err)
	}
	for i, err := range errs {
		n := h.made(rooms[i%2], soakUntil(i))
		tally.count(err, n)
		if n > 1 || err == nil && n == 0 || err != nil && n > 0 && !errors.Is(err, drivers.ErrUnknown) {
			t.Logf("seed %d, request %d: %v, but the key was made %d times", seed, i, err, n)
		}
	}
	_ = d.Halt()
	h.close()
	tally.mu.Lock()
	defer tally.mu.Unlock()
	tally.repeats += w.repeats
}

func openFiles(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}
