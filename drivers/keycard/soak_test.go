package keycard

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/locksim"
)

func soakUntil(i int) time.Time {
	return departure.Truncate(time.Minute).Add(time.Duration(i) * time.Minute)
}

func openFiles(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// TestSoak sends requests over a bad line, and asks the doors.
func TestSoak(t *testing.T) {
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	h := newHotel(t, false, func(c *locksim.Config, _ *locksim.PortOptions) { c.FrameGap = 20 * time.Millisecond }, func(c *Config) {
		c.Timers = Timers{Ack: 50 * time.Millisecond, Busy: 200 * time.Millisecond, Result: 100 * time.Millisecond, Byte: 20 * time.Millisecond,
			Late: 150 * time.Millisecond, Keepalive: time.Second, Settle: 2 * time.Millisecond, Duplicate: 2 * time.Millisecond,
			Reopen: time.Millisecond, ReopenMax: 5 * time.Millisecond}
	})
	h.becomes(drivers.Online)
	h.port.SetCorruption(0.002, 0.02)
	h.sys.Chance(0.02, locksim.Fault{DropAck: true})
	h.sys.Chance(0.02, locksim.Fault{Drop: true})
	h.sys.Chance(0.02, locksim.Fault{Duplicate: true})
	h.sys.Chance(0.02, locksim.Fault{Late: 120 * time.Millisecond})
	rooms := []string{"101", "102"}
	errs := make([]error, 200)
	for i := range errs {
		// The end of the stay tells afterwards which request a card came from.
		_, errs[i] = h.do(fmt.Sprint("soak ", i), "encode", rooms[i%2], "until", soakUntil(i).Format(time.RFC3339))
	}
	h.sys.ClearFaults()
	h.port.SetCorruption(0, 0)
	waitFor(t, func() string {
		if _, err := h.do("last", "cancel_room", "101"); err != nil {
			return err.Error() // until what was lost on the way has been done
		}
		return ""
	})
	made := map[string]int{}
	for _, cut := range append(h.sys.Cuts("101"), h.sys.Cuts("102")...) {
		made[cut.Room+cut.Until.UTC().Format(time.RFC3339)]++
	}
	counts := map[string]int{}
	for i, err := range errs {
		n := made[rooms[i%2]+soakUntil(i).UTC().Format(time.RFC3339)]
		switch {
		case err == nil && n == 1:
			counts["ok"]++
		case errors.Is(err, drivers.ErrUnknown) && n <= 1:
			counts["unknown"]++
		case err != nil && n == 0:
			counts["not made"]++
		default:
			t.Errorf("request %d: %v, but the key was made %d times", i, err, n)
		}
	}
	t.Log(counts, "seed", h.sys.Seed())
	if counts["ok"] < 60 {
		t.Errorf("only %d requests came through", counts["ok"])
	}
	_ = h.d.Halt()
	_ = h.sys.Close()
	waitFor(t, func() string {
		if n := runtime.NumGoroutine(); n > goroutines {
			return fmt.Sprintf("%d goroutines are left over", n-goroutines)
		}
		if n := openFiles(t); n > files {
			return fmt.Sprintf("%d files are left open", n-files)
		}
		return ""
	})
}
