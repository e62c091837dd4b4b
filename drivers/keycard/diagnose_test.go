package keycard

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// script plays the far end of a line for as long as the test runs: it answers
// each ENQ with what is right for the speed that is set.
func script(t *testing.T, answer func(baud int) []byte) (port string) {
	t.Helper()
	master, slave := rawTerminal(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 64)
		for {
			n, err := master.Read(buf)
			if err != nil {
				return
			}
			baud := speedOf(master)
			for range n {
				if _, err := master.Write(answer(baud)); err != nil {
					return
				}
			}
		}
	}()
	t.Cleanup(func() {
		_, _ = slave.Close(), master.Close()
		<-done
	})
	return slave.Name()
}

// speedOf is the speed that is set at the other end. Fd would make the file
// blocking, and closing it would no longer end a read.
func speedOf(master *os.File) (baud int) {
	raw, err := master.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		if set, err := unix.IoctlGetTermios(int(fd), unix.TCGETS2); err == nil {
			baud = int(set.Ospeed)
		}
	})
	return baud
}

func TestDiagnose(t *testing.T) {
	always := func(b ...byte) func(int) []byte { return func(int) []byte { return b } }
	at := func(speed int, right, wrong []byte) func(int) []byte {
		return func(baud int) []byte {
			if baud == speed {
				return right
			}
			return wrong
		}
	}
	const speeds = "9600 baud: %|19200 baud: %|38400 baud: %|57600 baud: %|115200 baud: %|4800 baud: %|2400 baud: %"
	all := func(what string) []string { return strings.Split(strings.ReplaceAll(speeds, "%", what), "|") }
	for _, tc := range []struct {
		name   string
		answer func(int) []byte
		change func(*Config)
		report []string
		want   Diagnosis
	}{
		{"as it should be", always(ack), nil, []string{"9600 baud: answers (ACK)"},
			Diagnosis{true, "the lock system answers at 9600 baud", ""}},
		{"busy", always(nak), nil, []string{"9600 baud: answers that it is busy (NAK)"},
			Diagnosis{true, "the lock system answers at 9600 baud and is busy", "if it stays so, look at the lock system: it may wait for a card"}},
		{"VingCard", always(ack), func(c *Config) { dialects["vingcard"](c) }, []string{"9600 baud: answers (ACK)"},
			Diagnosis{true, "the lock system answers at 9600 baud", vingcard.caveat}},
		{"wrong speed", at(19200, []byte{ack}, []byte{0x80, 0xF8, 0x00}), nil,
			[]string{"9600 baud: unreadable bytes: 80 F8 00", "19200 baud: answers (ACK)"},
			Diagnosis{false, "the lock system answers at 19200 baud, not at 9600", "write baud: 19200"}},
		{"wrong speed, and silent there", at(2400, []byte{ack}, nil), func(c *Config) { c.Baud = 1200 },
			append([]string{"1200 baud: no answer"}, append(all("no answer")[:6], "2400 baud: answers (ACK)")...),
			Diagnosis{false, "the lock system answers at 2400 baud, not at 1200", "write baud: 2400"}},
		{"loop plug", always(enq), nil, []string{"9600 baud: our own bytes come back"},
			Diagnosis{false, "our own bytes come back and nothing else: a loop plug, or an adapter with echo and nothing behind it",
				"take the loop plug off; else check the cable from the adapter to the lock system, and that the lock system runs"}},
		{"echo", always(enq, ack), nil, []string{"9600 baud: answers (ACK), our own bytes come back"},
			Diagnosis{false, "the lock system answers at 9600 baud, and our own bytes come back beside its answers",
				"write strip_echo: true, or switch the adapter's echo off"}},
		{"echo that is stripped", always(enq, ack), func(c *Config) { c.StripEcho = true }, []string{"9600 baud: answers (ACK), our own bytes come back"},
			Diagnosis{true, "the lock system answers at 9600 baud", ""}},
		{"no echo to strip", always(ack), func(c *Config) { c.StripEcho = true }, []string{"9600 baud: answers (ACK)"},
			Diagnosis{true, "the lock system answers at 9600 baud", "no echo comes back: remove strip_echo"}},
		{"parity", always(ack | 0x80), nil, []string{"9600 baud: unreadable bytes: 86"},
			Diagnosis{false, "answers come with bit 7 set at 9600 baud: the other side sends a parity bit", "set the lock system to 8 data bits, no parity"}},
		{"silence", always(), nil, all("no answer"),
			Diagnosis{false, "nothing answers at any speed",
				"check that the lock system runs and that its PMS channel is set to this line; then the cable: sent and received data must cross (null modem) between two computers"}},
		{"garbage at every speed", always(0xFF, 'x', 0x00), nil, all("unreadable bytes: FF .. 00"),
			Diagnosis{false, "bytes come back, but they make sense at no speed",
				"set the lock system to 8 data bits, no parity, and stop_bits as it has them; then check ground and length of the cable, and that no other program answers on the line"}},
		{"answers among garbage", always(0xFF, ack), nil, []string{"9600 baud: answers (ACK), unreadable bytes: FF FF"},
			Diagnosis{false, "the lock system answers at 9600 baud, among unreadable bytes",
				"check stop_bits, then ground and length of the cable, and whether mains cables run beside it"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cfg := Config{Port: script(t, tc.answer), Encoder: "1", Timers: Timers{Ack: 150 * time.Millisecond}}
			if tc.change != nil {
				tc.change(&cfg)
			}
			var report []string
			got := Diagnose(t.Context(), cfg, func(line string) { report = append(report, line) })
			if diff := cmp.Diff(tc.report, report); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An answer to every second question is a plug that hangs loose, or another reader.
func TestDiagnoseHalf(t *testing.T) {
	n := 0
	cfg := Config{Encoder: "1", Timers: Timers{Ack: 150 * time.Millisecond}}
	cfg.Port = script(t, func(int) []byte {
		if n++; n%2 == 0 {
			return nil
		}
		return []byte{ack}
	})
	want := Diagnosis{Text: "the lock system answers at 9600 baud, but only 1 of 2 questions",
		Advice: "check plugs and cable, and whether another program has the line: a terminal, ModemManager, a second agent"}
	if diff := cmp.Diff(want, Diagnose(t.Context(), cfg, func(string) {})); diff != "" {
		t.Error(diff)
	}
}

func TestDiagnoseOther(t *testing.T) {
	for want, cfg := range map[string]Config{
		"port: neither port nor address is given: write port: /dev/serial/by-id/… for a serial line, or address: host:port for TCP": {Encoder: "1"},
		"/nowhere: no such adapter: is it plugged in? " + present():                                                                 {Encoder: "1", Port: "/nowhere"},
		"127.0.0.1:1: connect: connection refused: is the lock system running, and its PMS channel set to TCP on this port?":        {Encoder: "1", Address: "127.0.0.1:1"},
	} {
		if got := Diagnose(t.Context(), cfg, func(string) {}); got != (Diagnosis{Text: want}) {
			t.Errorf("got %+v, want %s", got, want)
		}
	}
	gone, cancel := context.WithCancelCause(t.Context())
	cancel(context.Canceled)
	if got := Diagnose(gone, Config{Encoder: "1", Port: script(t, func(int) []byte { return nil })}, func(string) {}); got.OK || got.Text != "context canceled" {
		t.Errorf("given up: %+v", got)
	}
}

func TestDiagnoseTCP(t *testing.T) {
	for name, tc := range map[string]struct {
		answer []byte
		report string
		want   Diagnosis
	}{
		"answers": {[]byte{ack}, "answers (ACK)", Diagnosis{true, "the lock system answers over TCP", ""}},
		"silence": {nil, "no answer", Diagnosis{false, "the connection to ADDR stands, but nothing answers on it",
			"check that the PMS channel of the lock system is switched on, is of the protocol that the property file names, and listens on this port"}},
		"another language": {[]byte("\x00\x01HTTP"), "unreadable bytes: 00 01 .. .. .. ..", Diagnosis{false, "somebody answers at ADDR, but not in the language of lock systems",
			"check host and port; at a serial device server set the raw mode, and speed, 8 data bits and no parity as the lock system has them"}},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			go func() {
				c, err := listener.Accept()
				if err != nil {
					return
				}
				defer c.Close()
				for buf := make([]byte, 1); ; {
					if _, err := c.Read(buf); err != nil {
						return
					}
					_, _ = c.Write(tc.answer)
				}
			}()
			address := listener.Addr().String()
			cfg := Config{Protocol: "onity", Encoder: "1", Address: address, Timers: Timers{Ack: 150 * time.Millisecond}}
			var report []string
			got := Diagnose(t.Context(), cfg, func(line string) { report = append(report, line) })
			tc.want.Text = strings.ReplaceAll(tc.want.Text, "ADDR", address)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{address + ": " + tc.report}, report); diff != "" {
				t.Error(diff)
			}
		})
	}
}
