package pn532

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/pn532sim"

	"go.bug.st/serial"
)

// trouble is what can happen to a line or bus: with it, a request ends so, or
// works all the same; without it, the next one works.
type trouble struct {
	name     string
	on, off  func(*station)
	wantDown string // "" if it works; %s is the link
}

const silent = "%s: the NFC module does not answer: check its power, its wiring and that its switches are set to this bus"

const garbled = "%s: nothing readable answered at 115200 baud, only noise: " +
	"it is set to another speed: turn its power off and on; `edgeagent probe` tries the speeds"

func nothing(*station) {}

// serialTroubles are those of a serial line.
func serialTroubles() []trouble {
	stray := []byte{0x00, 0x00, 0xFF, 0x05, 0xFB, 0xD5, 0x41}
	return []trouble{
		{"adapter unplugged", func(s *station) { s.must(s.port.Unplug()) }, func(s *station) { s.must(s.port.Plug()) },
			"%s: no such adapter: is it plugged in?"},
		{"cable pulled", func(s *station) { s.port.PullCable() }, func(s *station) { s.port.PlugCable() }, silent},
		{"wrong line speed", func(s *station) { s.port.SetSpeed(9600) }, func(s *station) { s.port.SetSpeed(hsuBaud) }, garbled},
		{"loop plug", func(s *station) { s.port.SetLoopBack(true) }, func(s *station) { s.port.SetLoopBack(false) }, silent},
		{"nobody reads", func(s *station) { s.port.StopReading() }, func(s *station) { s.port.Resume() }, silent},
		{"echo", func(s *station) { s.port.SetEcho(true) }, func(s *station) { s.port.SetEcho(false) }, ""},
		{"half a frame while idle", func(s *station) { s.port.Spurious(stray) }, nothing, ""},
		{"an ACK while idle", func(s *station) { s.port.Spurious(ackFrame[:]) }, nothing, ""},
		{"power cut while idle", func(s *station) { s.chip.PowerCycle() }, nothing, ""},
	}
}

// busTroubles are those of SPI and I2C.
func busTroubles(bus string) []trouble {
	gone := silent
	if bus[:3] == "I2C" {
		gone = "%s: I2C: address 24h: I2C1: address 0x24: no acknowledge"
	}
	return []trouble{
		{"off the bus", func(s *station) { s.slot.SetDetached(true) }, func(s *station) { s.slot.SetDetached(false) }, gone},
		{"busy for a while", func(s *station) { s.slot.NotReady(5) }, nothing, ""},
		{"an answer while idle", func(s *station) { s.slot.Spurious([]byte{0, 0, 0xFF, 3, 0xFD, 0xD5, 0x41, 0, 0xEA, 0}) }, nothing, ""},
		{"noise while idle", func(s *station) { s.slot.Spurious([]byte{0xAA, 0x00, 0xFF, 0x55}) }, nothing, ""},
		{"power cut while idle", func(s *station) { s.chip.PowerCycle() }, nothing, ""},
	}
}

func (s *station) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Error(err)
	}
}

func TestSuiteLine(t *testing.T) {
	t.Parallel()
	onBuses(t, func(s *station) {
		s.impatient()
		troubles := serialTroubles()
		if s.bus != "HSU" {
			troubles = busTroubles(s.bus)
		}
		for i, tc := range troubles {
			card := numbered(pn532sim.NTAG213, byte(i), pn532sim.Traits{})
			s.lay(card)
			tc.on(s)
			err := s.encode(roomKey(9, "101"))
			s.judge(card, err, 0, 9, 0, tc.name)
			if tc.wantDown == "" && err != nil {
				s.t.Errorf("%s: %v", tc.name, err)
			}
			if tc.wantDown != "" {
				want := fmt.Sprintf(tc.wantDown, s.reader)
				if down, ok := errors.AsType[*drivers.LinkDown](err); !ok || down.Error() != want || s.reader.State().Condition != drivers.Offline {
					s.t.Errorf("%s: got  %v\nwant %s", tc.name, err, want)
				}
			}
			tc.off(s)
			if err != nil {
				if err = s.encode(roomKey(9, "101")); err != nil {
					s.t.Errorf("%s is over: %v", tc.name, err)
				}
			}
			s.expect(card, 9, tc.name+" is over")
		}
	})
}

// A chip that another program has left at another speed is brought back by the
// reset line. Without one, it takes a person, who is told so; no card is written.
func TestSuiteSpeedLeftBehind(t *testing.T) {
	t.Parallel()
	onSome(t, suiteBuses[:1], func(s *station) {
		s.impatient()
		slow := func() { // SetSerialBaudRate; the chip follows at our ACK
			_, err := s.reader.chip.command(s.t.Context(), time.Second, 0, 0x10, 0x00)
			s.must(err)
			s.must(s.reader.link.Send(ackFrame[:]))
		}
		first, second := numbered(pn532sim.NTAG213, 1, pn532sim.Traits{}), numbered(pn532sim.NTAG213, 2, pn532sim.Traits{})
		s.lay(first)
		slow()
		if err := s.encode(roomKey(9, "101")); err != nil || s.rungs[len(s.rungs)-1] != "reset line" {
			s.t.Errorf("%v, after %q", err, s.rungs)
		}
		s.expect(first, 9, "after the reset")
		s.lay(second)
		slow()
		link := s.reader.link.(*hsu)
		reset := link.lines.Reset
		link.cutReset()
		err := s.encode(roomKey(9, "101"))
		if want := fmt.Sprintf(garbled, s.reader); err == nil || err.Error() != want || s.reader.State().Reason != want || len(second.Writes()) > 0 {
			s.t.Errorf("without a reset line: got  %v, %d writes\nwant %s", err, len(second.Writes()), want)
		}
		link.lines.Reset = reset
		s.chip.PowerCycle() // as the person was told
		s.must(s.encode(roomKey(9, "101")))
		s.expect(second, 9, "after power off and on")
	}, 1)
}

// The speed at which a chip answers is found.
func TestAskAt(t *testing.T) {
	t.Parallel()
	s := newStation(t, "HSU", 1)
	defer s.chip.Close()
	ask := func(baud int) (Firmware, error) {
		return AskAt(t.Context(), baud, func() (Port, error) {
			return serial.Open(s.port.Name(), &serial.Mode{BaudRate: baud})
		})
	}
	s.port.SetSpeed(57600)
	if _, err := ask(hsuBaud); err == nil || err.Error() != "nothing readable answered at 115200 baud, only noise" {
		t.Errorf("at the wrong speed: %v", err)
	}
	if f, err := ask(57600); err != nil || f != (Firmware{0x32, 1, 6, 7}) {
		t.Errorf("at the right one: %v, %v", f, err)
	}
	s.port.PullCable()
	if _, err := ask(57600); !errors.Is(err, errNoAck) || err.Error() != errNoAck.Error() {
		t.Errorf("cable pulled: %v", err)
	}
	_ = s.port.Unplug()
	if _, err := ask(57600); err == nil {
		t.Error("unplugged, and answers")
	}
}

// The adapter comes loose while a card is written, and comes back at once, late,
// or not before the next request.
func TestSuiteHangUp(t *testing.T) {
	t.Parallel()
	onSome(t, suiteBuses[:1], func(s *station) {
		for i, down := range []time.Duration{time.Millisecond, 50 * time.Millisecond, 3 * time.Second} {
			for _, page := range [][]byte{{4, 27}, {12, 27}, {12}}[i] {
				card := numbered(pn532sim.NTAG213, byte(i)<<5+page, pn532sim.Traits{})
				s.lay(card)
				s.chip.Next(pn532sim.Fault{Match: []byte{cmdInDataExchange, 1, cardWritePage, page}, HangUp: true, DownFor: down})
				err := s.encode(roomKey(9, "101"))
				s.judge(card, err, 0, 9, 0, fmt.Sprintf("unplugged at page %d for %s", page, down))
				if i == 2 {
					if f, ok := errors.AsType[*Failure](err); !ok || f.Reason != LinkLost || s.reader.State().Condition != drivers.Offline {
						s.t.Errorf("gone for good: %v, %+v", err, s.reader.State())
					}
				}
				for tries := 0; err != nil && tries < 300; tries++ { // as a lane does, until it is back
					time.Sleep(10 * time.Millisecond)
					err = s.encode(roomKey(9, "101"))
				}
				s.expect(card, 9, "plugged in again")
			}
		}
	}, 1)
}
