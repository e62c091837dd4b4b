package pn532

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/pn532sim"
)

// soakShard is how many requests one reader and its chip are soaked with.
const soakShard = 100

// soakTally is what a soak has come to.
type soakTally struct {
	mu                                                                    sync.Mutex
	requests, oks, unknowns, spoilt, notMade, falseOKs, told, notAs, hung int
}

func (s *soakTally) String() string {
	return fmt.Sprintf("%d requests, %d oks, %d unknowns, %d spoilt, %d not made, %d false oks, %d doors opened by a card reported failed, %d cards that were not as reported, %d hang-ups",
		s.requests, s.oks, s.unknowns, s.spoilt, s.notMade, s.falseOKs, s.told, s.notAs, s.hung)
}

// count judges one request by its card.
func (s *soakTally) count(err error, lie string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	f, _ := errors.AsType[*Failure](err)
	switch {
	case err == nil:
		s.oks++
	case errors.Is(err, drivers.ErrUnknown):
		s.unknowns++
	case f != nil && f.Spoilt:
		s.spoilt++
	default:
		s.notMade++
	}
	switch lie {
	case falseOK:
		s.falseOKs++
	case failedOpen:
		s.told++
	case notAsSaid:
		s.notAs++
	}
}

// TestSoak makes keys on bad lines and asks the doors. SOAK_KEYCARD says how
// many on all buses together, see make soak-keycard.
func TestSoak(t *testing.T) {
	requests, size := 60, 12
	if text := os.Getenv("SOAK_KEYCARD"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < len(suiteBuses) {
			t.Fatalf("SOAK_KEYCARD=%s is no number of requests", text)
		}
		requests, size = n, soakShard
	}
	goroutines, files := runtime.NumGoroutine(), soakFiles(t)
	tallies := map[string]*soakTally{}
	for _, bus := range suiteBuses {
		tallies[bus] = &soakTally{}
	}
	soakAll(t, requests, size, tallies)
	var sum soakTally
	for _, bus := range suiteBuses {
		s := tallies[bus]
		t.Logf("%s: %s", bus, s)
		sum.requests, sum.oks, sum.unknowns, sum.spoilt = sum.requests+s.requests, sum.oks+s.oks, sum.unknowns+s.unknowns, sum.spoilt+s.spoilt
		sum.notMade, sum.falseOKs, sum.told, sum.notAs, sum.hung = sum.notMade+s.notMade, sum.falseOKs+s.falseOKs, sum.told+s.told, sum.notAs+s.notAs, sum.hung+s.hung
	}
	t.Logf("pn532: %s", &sum)
	if sum.falseOKs+sum.told+sum.notAs > 0 {
		t.Error("what must not be has been")
	}
	if sum.requests != requests || sum.oks < sum.requests/2 {
		t.Error("too little came through")
	}
	leaked := func() (int, int) { return runtime.NumGoroutine() - goroutines, soakFiles(t) - files }
	for range 500 { // what was closed needs a moment to end
		if g, f := leaked(); g <= 0 && f <= 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	g, f := leaked()
	t.Logf("%d goroutines and %d descriptors leaked", max(0, g), max(0, f))
	if g > 0 || f > 0 {
		t.Error("something has leaked")
	}
}

func soakFiles(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// soakAll shares the requests out among the buses, in pieces. The pseudo-
// terminals, which mostly wait, are soaked side by side.
func soakAll(t *testing.T, requests, size int, tallies map[string]*soakTally) {
	var terminals sync.WaitGroup
	defer terminals.Wait()
	slots := make(chan struct{}, 12)
	for i, bus := range suiteBuses {
		share := requests / len(suiteBuses)
		if i == 0 {
			share += requests % len(suiteBuses)
		}
		for seed := uint64(1); share > 0; seed++ {
			n := min(size, share)
			share -= n
			if bus == "HSU" {
				terminals.Go(func() {
					slots <- struct{}{}
					defer func() { <-slots }()
					soak(newStation(t, bus, seed), n, tallies[bus])
				})
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", bus, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { soak(newStation(t, bus, seed), n, tallies[bus]) })
			})
		}
	}
}

// soakFaults are what goes wrong beside damage: ACKs and answers are lost, late
// and sent twice, the chip restarts and hangs, the adapter comes loose.
func (s *station) soakFaults() {
	for _, fault := range []pn532sim.Fault{
		{Silent: true}, {DropAck: true}, {TwoAcks: true}, {AckLast: true}, {Drop: true}, {Dup: true}, {DuringNext: true},
		{Late: 700 * time.Millisecond}, {Late: 700 * time.Millisecond, LateIdle: true}, {Cut: 7},
	} {
		s.chip.Chance(0.001, fault)
	}
	s.chip.Chance(0.0002, pn532sim.Fault{Reset: pn532sim.AfterWork})
	s.chip.Chance(0.0002, pn532sim.Fault{Stuck: pn532sim.AfterWork})
	s.chip.Chance(0.0005, pn532sim.Fault{HangUp: true, DownFor: 50 * time.Millisecond})
	s.line.SetDamage(0.02, 0.02)
}

// soak makes keys on new cards, on a guest's old keys, and erases some.
func soak(s *station, requests int, tally *soakTally) {
	random := rand.New(rand.NewPCG(s.seed, 4))
	kinds := []pn532sim.Kind{pn532sim.NTAG213, pn532sim.Classic1K, pn532sim.NTAG216, pn532sim.Classic4K}
	old := Credential{Kind: Guest, Rooms: []string{"101", "sauna"}, Until: time.Now().Add(24 * time.Hour), Generation: 3}
	s.soakFaults()
	for i := range requests {
		kind := kinds[random.IntN(len(kinds))]
		uid := slices.Clone(map[bool][]byte{true: ntagUID, false: classicUID}[kind == pn532sim.NTAG213 || kind == pn532sim.NTAG216])
		uid[len(uid)-1], uid[len(uid)-2] = byte(i), byte(i>>8)
		card, before, wanted := pn532sim.NewCard(kind, uid, pn532sim.Traits{}), uint32(0), uint32(9)
		if random.IntN(2) == 0 {
			card, before = holding(kind, uid, "seaview", old), 3
		}
		do := func() error { return s.encode(roomKey(9, "101")) }
		if before > 0 && random.IntN(4) == 0 {
			wanted = 0
			do = func() error { _, err := s.reader.Erase(s.t.Context(), How{}); return err }
		}
		s.chip.Take()
		s.chip.Present(card)
		var err error
		lie := ""
		for range 5 { // what did not happen is tried again, as a lane does
			err = do()
			lie = lieAbout(card, err, before, wanted, 0)
			if _, down := errors.AsType[*drivers.LinkDown](err); !down || lie != "" {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		tally.count(err, lie)
		if lie != "" {
			s.t.Logf("%s, seed %d, request %d, %s: %s: opens for %d, not %d, before %d: %v", s.bus, s.seed, i, card, lie, generation(card), wanted, before, err)
		}
	}
	s.chip.ClearFaults()
	s.line.SetDamage(0, 0)
	tally.mu.Lock()
	tally.hung += s.hangUps()
	tally.mu.Unlock()
	_ = s.reader.Close()
	_ = s.chip.Close()
}

// hangUps is how often the adapter came loose.
func (s *station) hangUps() (n int) {
	for _, l := range s.chip.Transcript() {
		if l.Note == "unplugged" {
			n++
		}
	}
	return n
}
