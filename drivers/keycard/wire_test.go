package keycard

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/locksim"
)

// The wire tests play now: a stay until tomorrow.
var (
	today     = time.Now()
	departure = today.Add(24 * time.Hour)
	afterStay = departure.Add(time.Hour)
)

// hotel is a simulated lock system, and a driver on one of its ports.
type hotel struct {
	t    *testing.T
	sys  *locksim.System
	port *locksim.Port
	d    *Driver
}

func newHotel(t *testing.T, overTCP bool, sim func(*locksim.Config, *locksim.PortOptions), change func(*Config)) *hotel {
	t.Helper()
	lock := locksim.Config{Zone: testSite().Zone, Seed: 7, Rooms: []string{"101", "102", "Suite 103"}, Encoders: []string{"1", "2"},
		AckTime: 1, WorkTime: time.Millisecond, CardWait: 50 * time.Millisecond, FrameGap: 200 * time.Millisecond}
	var line locksim.PortOptions
	if sim != nil {
		sim(&lock, &line)
	}
	h := &hotel{t: t, sys: locksim.New(lock)}
	t.Cleanup(func() { _ = h.sys.Close() })
	cfg := Config{Encoder: "1", Rooms: map[string]string{"103": "Suite 103"}, Timers: Timers{
		Ack: 500 * time.Millisecond, Busy: time.Second, Result: 600 * time.Millisecond, Byte: 100 * time.Millisecond, Late: 300 * time.Millisecond,
		Keepalive: 100 * time.Millisecond, Settle: 10 * time.Millisecond, Duplicate: 20 * time.Millisecond,
		Reopen: 10 * time.Millisecond, ReopenMax: 50 * time.Millisecond}}
	var err error
	if overTCP {
		h.port, err = h.sys.ListenTCP("127.0.0.1:0", line)
		cfg.Address = h.port.Name()
	} else {
		cfg.Port = filepath.Join(t.TempDir(), "usb-encoder")
		h.port, err = h.sys.OpenPTY(cfg.Port, line)
	}
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&cfg)
	}
	if h.d, err = Open("desk", cfg, testSite()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.d.Halt() })
	return h
}

func (h *hotel) do(id, action, room string, more ...string) (drivers.Receipt, error) {
	h.t.Helper()
	params := map[string]string{"room": room, "until": departure.Format(time.RFC3339)}
	for i := 0; i < len(more); i += 2 {
		params[more[i]] = more[i+1]
	}
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	return h.d.Do(ctx, drivers.Command{ID: id, Action: action, Params: params})
}

// becomes waits until the driver stands so.
func (h *hotel) becomes(want drivers.Condition) {
	h.t.Helper()
	waitFor(h.t, func() string {
		if st := h.d.State(); st.Condition != want {
			return fmt.Sprintf("state is %+v, want %s", st, want)
		}
		return ""
	})
}

// sure waits until no result of an earlier process can be suspected.
func (h *hotel) sure() {
	h.t.Helper()
	h.becomes(drivers.Online)
	time.Sleep(h.d.cfg.Timers.Late)
	h.becomes(drivers.Online)
}

// waitFor waits until cond has no complaint.
func waitFor(t *testing.T, cond func() string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		complaint := cond()
		if complaint == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatal(complaint)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func TestDayAtTheDesk(t *testing.T) {
	for name, tcp := range map[string]bool{"serial line": false, "TCP": true} {
		t.Run(name, func(t *testing.T) {
			h := newHotel(t, tcp, nil, func(c *Config) { c.WantUID = true })
			h.sure()
			first, err := h.do("a", "encode", "101", "copies", "2", "rooms", "103")
			if err != nil {
				t.Fatal(err)
			}
			for _, uid := range []string{first.Values["uid_1"], first.Values["uid_2"]} {
				for _, room := range []string{"101", "Suite 103"} {
					if !h.sys.OpensDoor(uid, room, today.Add(time.Minute)) || h.sys.OpensDoor(uid, room, afterStay) {
						t.Errorf("card %s does not open %s just during the stay", uid, room)
					}
				}
				if h.sys.OpensDoor(uid, "102", today.Add(time.Minute)) {
					t.Errorf("card %s opens another room", uid)
				}
			}
			h.sys.Operator("1", locksim.Presentation{UID: first.Values["uid_2"]})
			read, err := h.do("r", "read", "")
			if err != nil || read.Values["rooms"] != "101,Suite 103" || read.Values["copy"] != "1" || read.Values["card_kind"] != "guest" {
				t.Errorf("read: %+v, %v", read, err)
			}
			second, err := h.do("b", "encode", "101")
			if err != nil {
				t.Fatal(err)
			}
			if h.sys.OpensDoor(first.Values["uid_1"], "101", today.Add(time.Minute)) {
				t.Error("the card of the guest before still opens")
			}
			if _, err := h.do("c", "cancel_room", "101"); err != nil {
				t.Fatal(err)
			}
			if h.sys.OpensDoor(second.Values["uid_1"], "101", today.Add(time.Minute)) {
				t.Error("the card opens after check-out")
			}
			if _, err := h.do("d", "encode", "101", "key", "duplicate"); !errors.Is(err, drivers.ErrRefused) || !strings.Contains(err.Error(), "(code EA)") {
				t.Errorf("duplicate for an empty room: %v", err)
			}
			if _, err := h.do("e", "encode", "999"); !errors.Is(err, drivers.ErrRefused) || !strings.Contains(err.Error(), "(code TD)") {
				t.Errorf("unknown room: %v", err)
			}
			h.sys.Operator("1", locksim.Presentation{Never: true})
			if _, err := h.do("f", "encode", "102"); !errors.Is(err, drivers.ErrRefused) || !strings.Contains(err.Error(), "no card was presented") {
				t.Errorf("no card: %v", err)
			}
			if err := h.d.Probe(t.Context()); err != nil {
				t.Error(err)
			}
			h.becomes(drivers.Online)
		})
	}
}

func TestFaults(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault locksim.Fault
		cuts  int   // new keys in the lock system in the end
		want  error // nil: success
	}{
		{"ACK late", locksim.Fault{AckDelay: 50 * time.Millisecond}, 1, nil},
		{"ACK dropped", locksim.Fault{DropAck: true}, 1, nil},
		{"ACK twice", locksim.Fault{DoubleAck: true}, 1, nil},
		{"NAK, then ACK", locksim.Fault{Naks: 2}, 1, nil},
		{"NAK on the heels of which ACK comes", locksim.Fault{Enquiry: true, NakThenAck: true}, 1, nil},
		{"NAK to the key, on the heels of which ACK comes", locksim.Fault{NakThenAck: true}, 1, nil},
		{"no reaction", locksim.Fault{Silent: true}, 0, drivers.ErrUnknown},
		{"wildcard", locksim.Fault{WildcardLRC: true}, 1, nil},
		{"no separator at the end", locksim.Fault{NoTrailingSep: true}, 1, nil},
		{"in one write", locksim.Fault{Coalesce: true}, 1, nil},
		{"dribbling", locksim.Fault{Dribble: 20 * time.Millisecond}, 1, nil},
		{"twice", locksim.Fault{Duplicate: true}, 1, nil},
		{"noise before", locksim.Fault{Spurious: []byte{0x00, 0xFF, 0x41}}, 1, nil},
		{"damaged", locksim.Fault{BadLRC: true}, 1, drivers.ErrUnknown},
		{"dropped", locksim.Fault{Drop: true}, 1, drivers.ErrUnknown},
		{"without its end", locksim.Fault{Truncate: locksim.NoETX}, 1, drivers.ErrUnknown},
		{"without its check byte", locksim.Fault{Truncate: locksim.NoCheck}, 1, drivers.ErrUnknown},
		{"for another encoder", locksim.Fault{OtherEncoder: "2"}, 1, drivers.ErrUnknown},
		{"for another command", locksim.Fault{OtherCommand: "CC"}, 1, drivers.ErrUnknown},
		{"late", locksim.Fault{Late: 750 * time.Millisecond}, 1, drivers.ErrUnknown},
		{"crash before the work", locksim.Fault{Crash: locksim.CrashBeforeWork}, 0, drivers.ErrUnknown},
		{"crash after the work", locksim.Fault{Crash: locksim.CrashAfterWork}, 1, drivers.ErrUnknown},
		{"unplugged", locksim.Fault{HangUp: true}, -1, drivers.ErrUnknown},
		{"error after the work", locksim.Fault{CodeAfterWork: true, Code: "EG", Text: "KEY FAIL"}, 1, drivers.ErrRefused},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			// An encoder that is seen to be at work, or a late result leaves doubt.
			h := newHotel(t, false, func(c *locksim.Config, _ *locksim.PortOptions) { c.WorkTime = 20 * time.Millisecond }, nil)
			h.sure()
			h.sys.Next(tc.fault)
			if tc.fault.HangUp {
				hold := h.sys.HoldAfterAck()
				defer hold.Release()
				h.sys.ClearFaults()
				go func() {
					<-hold.Reached
					_ = h.port.Unplug()
				}()
			}
			_, err := h.do("a", "encode", "101")
			if tc.want == nil && err != nil || !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if tc.cuts < 0 {
				return
			}
			if room, _ := h.sys.Room("101"); room.NewKeys != tc.cuts {
				t.Errorf("%d new keys, want %d", room.NewKeys, tc.cuts)
			}
			// Whatever happened, the next guest gets the truth.
			var again error
			waitFor(t, func() string {
				if _, again = h.do("b", "encode", "102"); again != nil {
					return again.Error()
				}
				return ""
			})
			if room, _ := h.sys.Room("102"); room.NewKeys != 1 {
				t.Errorf("next guest: %d new keys, want 1", room.NewKeys)
			}
		})
	}
}

func TestUnplugAndBack(t *testing.T) {
	h := newHotel(t, false, nil, nil)
	h.becomes(drivers.Online)
	if err := h.port.Unplug(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() string {
		if got := h.d.State().Reason; !strings.Contains(got, "usb-encoder: no such adapter: is it plugged in? `ls /dev/serial/by-id` shows") {
			return fmt.Sprintf("the reason is %q", got)
		}
		return ""
	})
	_, err := h.do("a", "encode", "101")
	if _, ok := errors.AsType[*drivers.LinkDown](err); !ok {
		t.Errorf("got %v, want LinkDown", err)
	}
	if err := h.d.Probe(t.Context()); err == nil {
		t.Error("a missing adapter answers a probe")
	}
	if err := h.port.Plug(); err != nil { // behind the same name, another device
		t.Fatal(err)
	}
	h.becomes(drivers.Online)
	if _, err := h.do("a", "encode", "101"); err != nil {
		t.Error(err)
	}
	h.port.PullCable()
	h.becomes(drivers.Offline)
	h.port.PlugCable()
	h.becomes(drivers.Online)
}

func TestWrongLine(t *testing.T) {
	for _, tc := range []struct {
		name   string
		sim    func(*locksim.Config, *locksim.PortOptions)
		change func(*Config)
		set    func(*locksim.Port)
		want   string // "" for a line that works
	}{
		{name: "speed", sim: func(_ *locksim.Config, o *locksim.PortOptions) { o.Baud = 9600 },
			change: func(c *Config) { c.Baud = 19200; c.Timers.Ack = 100 * time.Millisecond }, want: "answers are unreadable: check speed"},
		{name: "speed as set", sim: func(_ *locksim.Config, o *locksim.PortOptions) { o.Baud, o.TwoStop = 19200, true },
			change: func(c *Config) { c.Baud, c.StopBits = 19200, 2 }},
		{name: "loop plug", change: func(c *Config) { c.Timers.Ack = 50 * time.Millisecond },
			set: func(p *locksim.Port) { p.SetLoopBack(true) }, want: "our own bytes come back and nothing else"},
		{name: "echo", set: func(p *locksim.Port) { p.SetEcho(true) }, want: "set strip_echo: true"},
		{name: "echo stripped", change: func(c *Config) { c.StripEcho = true }, set: func(p *locksim.Port) { p.SetEcho(true) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHotel(t, false, tc.sim, tc.change)
			if tc.set != nil {
				tc.set(h.port)
				_ = h.port.Unplug()
				_ = h.port.Plug()
			}
			if tc.want != "" {
				waitFor(t, func() string {
					if st := h.d.State(); st.Condition != drivers.Offline || !strings.Contains(st.Reason, tc.want) {
						return fmt.Sprintf("state is %+v, want %q", st, tc.want)
					}
					return ""
				})
				return
			}
			waitFor(t, func() string {
				if _, err := h.do("a", "encode", "101"); err != nil {
					return err.Error()
				}
				return ""
			})
		})
	}
}

// The agent dies between an ACK and its result, and starts again.
func TestNextProcess(t *testing.T) {
	h := newHotel(t, false, nil, func(c *Config) { c.Timers.Late = 10 * time.Second })
	h.becomes(drivers.Online)
	hold := h.sys.HoldAfterAck()
	defer hold.Release()
	first := make(chan error)
	go func() {
		_, err := h.do("a", "encode", "101")
		first <- err
	}()
	<-hold.Reached
	_ = h.d.Halt()
	if err := <-first; !errors.Is(err, drivers.ErrUnknown) {
		t.Errorf("got %v, want an unknown outcome", err)
	}
	next, err := Open("desk", h.d.cfg, testSite())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = next.Halt() })
	h.d = next
	h.becomes(drivers.Quarantined)
	h.sys.Operator("1", locksim.Presentation{}, locksim.Presentation{Never: true})
	second := make(chan error)
	go func() {
		_, err := h.do("b", "encode", "102")
		second <- err
	}()
	hold.Release()
	// The card of the first is made; nobody holds one up for the second.
	if err := <-second; !errors.Is(err, drivers.ErrRefused) {
		t.Errorf("got %v, want no card presented", err)
	}
	for room, want := range map[string]int{"101": 1, "102": 0} {
		if r, _ := h.sys.Room(room); r.NewKeys != want {
			t.Errorf("room %s: %d new keys, want %d", room, r.NewKeys, want)
		}
	}
}
