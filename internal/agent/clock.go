package agent

import (
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Clock says whether the wall clock can be believed. Gateways have no clock
// battery: after a power cut they wake up in the past until NTP answers.
type Clock struct {
	floor   atomic.Int64 // Unix seconds
	trusted atomic.Bool
}

// NewClock makes a clock that is distrusted while it shows a time before the
// binary was built.
func NewClock() *Clock {
	c := &Clock{}
	c.floor.Store(buildTime().Unix())
	return c
}

// SeenAt adds a time that has certainly passed, such as the last one in the store.
func (c *Clock) SeenAt(t time.Time) { c.floor.Store(max(c.floor.Load(), t.Unix())) }

// Trusted reports whether the clock can be believed. Once it could, it stays so.
func (c *Clock) Trusted() bool {
	if c.trusted.Load() {
		return true
	}
	ok := time.Now().Unix() >= c.floor.Load() || synchronised()
	if ok {
		c.trusted.Store(true)
	}
	return ok
}

// timesyncd is what systemd-timesyncd makes once a time server has answered.
const timesyncd = "/run/systemd/timesync/synchronized"

// synchronised asks whether NTP has set the clock: systemd's time service, and
// the kernel (adjtimex(2), STA_UNSYNC), which the sandbox of the unit keeps us from.
func synchronised() bool {
	if _, err := os.Stat(timesyncd); err == nil {
		return true
	}
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return err == nil && state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
}

func buildTime() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Time{}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			t, err := time.Parse(time.RFC3339, s.Value)
			if err == nil {
				return t
			}
		}
	}
	return time.Time{}
}
