package mews

import (
	"testing"
	"time"

	"edgeagent/hwsim/mewssim"
	"edgeagent/pms"
)

// Whoever asks for a key to an ordinary room has it alone.
func TestKeysToSharedRooms(t *testing.T) {
	t.Parallel()
	r := newRig(t, config(func(c *Config) { c.Locks = map[string]string{"L-17": "102"} }))
	stay := r.arrive("Guest", "101")
	r.run().live()
	for _, tt := range []struct {
		lock, shared string
		told         bool
	}{{"101", "N", true}, {"L-17", "N", true}, {"D1", "", false}, {"D1-1", "", false}, {"999", "", false}} {
		n := r.await("command", ofCommand(r.key(stay, mewssim.KeyOrder{Locks: []string{tt.lock}})))
		f, told := n.Get(pms.FieldShared)
		if f.New != tt.shared || told != tt.told || n.Refuse != "" {
			t.Errorf("%s: %+v", tt.lock, n)
		}
	}
	var unread *house
	if unread.ordinary("101") {
		t.Error("a house that nobody has read has ordinary rooms")
	}
}

// Nobody stands at the desk for as long as a command counts.
func TestKeyWait(t *testing.T) {
	t.Parallel()
	r := newRig(t, config(func(c *Config) { c.KeyWait = 20 * time.Second }))
	printer := r.sim.AddDevice(mewssim.Printer, "Printer", "")
	check(t, r.sim.Link(printer))
	stay := r.arrive("Guest", "101")
	r.run().live()
	n := r.await("command", ofCommand(r.key(stay, mewssim.KeyOrder{Created: r.sim.Now().Add(-time.Minute)})))
	if n.Expires.Sub(n.Received) != 20*time.Second || n.Refuse != "" {
		t.Errorf("notice %+v", n)
	}
	if keys := r.told(pms.KeyRequested); len(keys) != 1 || !keys[0].Expires.Equal(n.Expires) {
		t.Errorf("events %+v", keys)
	}
	n = r.await("command", ofCommand(must(r.sim.Print(printer, 1, "application/pdf", nil))(t)))
	if n.Expires.Sub(n.NotBefore) != 5*time.Minute {
		t.Errorf("notice %+v", n)
	}
}
