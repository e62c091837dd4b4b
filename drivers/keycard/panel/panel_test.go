package panel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"periph.io/x/conn/v3/gpio"

	"edgeagent/drivers"
)

// encoder is the driver behind a panel.
type encoder struct {
	drivers.Driver
	do     func(context.Context, drivers.Command) (drivers.Receipt, error)
	state  drivers.State
	probe  error
	halted func()
}

func (e *encoder) String() string { return "desk" }
func (e *encoder) Do(ctx context.Context, cmd drivers.Command) (drivers.Receipt, error) {
	return e.do(ctx, cmd)
}
func (e *encoder) State() drivers.State        { return e.state }
func (e *encoder) Probe(context.Context) error { return e.probe }
func (e *encoder) Halt() error                 { e.halted(); return nil }

func (b *bench) station(e *encoder) drivers.Driver {
	return Wrap(e, b.panel, func(action string) bool { return action == "cancel_room" })
}

func (b *bench) shown(pin *recorder, want ...string) {
	b.t.Helper()
	// What is set twice in one instant was overtaken by the like, or not.
	if diff := cmp.Diff(want, slices.Compact(pin.told())); diff != "" {
		b.t.Errorf("%s (-want +got)\n%s", pin.N, diff)
	}
}

// An encode of one card: at work, hold the card there, done, ready again.
func TestStepsOfAnEncode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Config{Lamp: &Lamp{Line: "lamp"}, Buzzer: &Buzzer{Line: "buzzer", Active: "low"}})
		var heard []drivers.Step
		e := &encoder{do: func(_ context.Context, cmd drivers.Command) (drivers.Receipt, error) {
			cmd.Progress(drivers.StepSent)
			time.Sleep(300 * time.Millisecond)
			cmd.Progress(drivers.StepAccepted)
			time.Sleep(1200 * time.Millisecond)
			cmd.Progress(drivers.StepCardDone)
			return drivers.Receipt{Note: "one card"}, nil
		}}
		time.Sleep(time.Second)
		b.shown(b.lamp, "0s Low", "0s High") // ready
		receipt, err := b.station(e).Do(t.Context(), drivers.Command{Action: "encode", Progress: func(s drivers.Step) { heard = append(heard, s) }})
		if receipt.Note != "one card" || err != nil || !slices.Equal(heard, []drivers.Step{drivers.StepSent, drivers.StepAccepted, drivers.StepCardDone}) {
			t.Error(receipt, err, heard)
		}
		time.Sleep(5 * time.Second)
		b.shown(b.lamp,
			"1s High", "1.12s Low", "1.24s High", // at work
			"1.3s High", "1.8s Low", "2.3s High", // present the card
			"2.5s High", "3.4s Low", "3.5s High", "4.4s Low", "4.5s High", "5.4s Low", // done
			"5.5s High") // ready
		b.shown(b.buzzer, "0s High", "1.3s Low", "1.34s High", "2.5s Low", "2.62s High")
		b.halt()
		b.shown(b.lamp, "7.5s Low")
		b.shown(b.buzzer, "7.5s High")
	})
}

// flashes counts how often a pin went high after one instant, up to another.
func flashes(t *testing.T, log []string, from, to time.Duration) (n int) {
	t.Helper()
	for _, entry := range log {
		at, level, _ := strings.Cut(entry, " ")
		d, err := time.ParseDuration(at)
		if err != nil {
			t.Fatal(err)
		}
		if level == "High" && d >= from && d < to {
			n++
		}
	}
	return n
}

func TestHowACommandEnds(t *testing.T) {
	for _, tt := range []struct {
		name  string
		err   error
		beeps int
		stays bool // on the lamp, beyond 10s
	}{
		{"refused", fmt.Errorf("%w: no card was presented", drivers.ErrRefused), 3, false},
		{"unknown", fmt.Errorf("%w: the line broke", drivers.ErrUnknown), 3, false},
		{"tried again", errors.New("the encoder is busy"), 0, false},
		{"out of reach", &drivers.LinkDown{Err: errors.New("no answer")}, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, Config{Lamp: &Lamp{Line: "lamp", Error: "20ms 80ms"}, Buzzer: &Buzzer{Line: "buzzer"}})
				e := &encoder{do: func(context.Context, drivers.Command) (drivers.Receipt, error) { return drivers.Receipt{}, tt.err }}
				if _, err := b.station(e).Do(t.Context(), drivers.Command{Action: "encode"}); !errors.Is(err, tt.err) {
					t.Error(err)
				}
				time.Sleep(time.Minute - time.Millisecond)
				lamp := b.lamp.told()
				if n := flashes(t, lamp, time.Second, 9*time.Second); n != 80 {
					t.Errorf("%d flashes of the lamp in eight seconds", n)
				}
				later := 0
				if tt.stays {
					later = 480
				}
				if n := flashes(t, lamp, 11*time.Second, 59*time.Second); n != later {
					t.Errorf("%d flashes of the lamp later, not %d", n, later)
				}
				if n := flashes(t, b.buzzer.told(), 0, time.Minute); n != tt.beeps {
					t.Errorf("%d beeps", n)
				}
				b.halt()
			})
		})
	}
}

// A room that is checked out needs no card: nobody at the desk is bothered.
func TestActionsWithoutACard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, full())
		synctest.Wait()
		b.lamp.told()
		b.buzzer.told()
		e := &encoder{do: func(_ context.Context, cmd drivers.Command) (drivers.Receipt, error) {
			if cmd.Progress != nil {
				t.Error("somebody listens")
			}
			return drivers.Receipt{}, drivers.ErrRefused
		}}
		_, _ = b.station(e).Do(t.Context(), drivers.Command{Action: "cancel_room"})
		time.Sleep(time.Second)
		b.shown(b.lamp)
		b.shown(b.buzzer)
		b.halt()
	})
}

// A driver that panics takes the door with it, and nothing else.
func TestPanicOfTheEncoder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, full())
		e := &encoder{do: func(context.Context, drivers.Command) (drivers.Receipt, error) { panic("index out of range") }}
		time.Sleep(2 * time.Second)
		b.relay.told()
		got := b.ask(t.Context())
		func() {
			defer func() {
				if p := recover(); p != "index out of range" {
					t.Errorf("recovered %v", p)
				}
			}()
			_, _ = b.station(e).Do(t.Context(), drivers.Command{Action: "cancel_room"})
		}()
		b.switched("2s High", "2s Low")
		b.expect(<-got, "refused: the door was shut again after 0s: the encoder's driver broke off")
		time.Sleep(2 * time.Second)
		b.expect(<-b.ask(t.Context()), "")
		b.halt()
	})
}

func TestCardSwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, full())
		edge := func(levels ...gpio.Level) {
			for _, l := range levels {
				b.sensor.EdgesChan <- l
				time.Sleep(10 * time.Millisecond) // within the debounce time
			}
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
		}
		if b.panel.Card() || b.sensor.Pull() != gpio.PullUp {
			t.Error("a card at the start, or no resistor")
		}
		edge(gpio.Low, gpio.High, gpio.Low) // it bounces
		if !b.panel.Card() {
			t.Error("the card was not noticed")
		}
		edge(gpio.High, gpio.Low) // a brush
		if !b.panel.Card() {
			t.Error("a bounce took the card away")
		}

		// Whose card lies there already is not asked for one.
		b.panel.show(present, false, 0)
		synctest.Wait()
		b.lamp.told()
		time.Sleep(240 * time.Millisecond)
		synctest.Wait()
		if got := b.lamp.told(); len(got) != 2 { // each 120ms
			t.Errorf("the lamp asks for the card that lies there: %q", got)
		}
		edge(gpio.High)
		synctest.Wait()
		b.lamp.told()
		time.Sleep(time.Second)
		if got := b.lamp.told(); len(got) != 2 { // each 500ms
			t.Errorf("the lamp does not ask for the card that was taken: %q", got)
		}

		// The lamp says done until the card is taken.
		edge(gpio.Low)
		b.panel.show(done, false, doneFor)
		time.Sleep(time.Minute)
		b.panel.mu.Lock()
		if b.panel.face != done {
			t.Error("the lamp forgot the card")
		}
		b.panel.mu.Unlock()
		edge(gpio.High)
		b.panel.mu.Lock()
		if b.panel.face != idle {
			t.Error("the lamp did not see that the card was taken")
		}
		b.panel.mu.Unlock()
		b.halt()
	})
}

// A line that nothing is connected to rustles without end.
func TestRustlingSwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, full())
		stop := make(chan struct{})
		go func() {
			for l := gpio.Low; ; l = !l {
				select {
				case b.sensor.EdgesChan <- l:
				case <-stop:
					return
				}
			}
		}()
		time.Sleep(10 * time.Second)
		close(stop)
		b.halt()
	})
}

// What cannot be had is told of, and the rest works.
func TestMissingLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, lamp: newPin("lamp"), buzzer: newPin("buzzer"), relay: newPin("relay"), sensor: newPin("switch"), missing: map[string]error{
			"relay": errors.New("no GPIO chip has a line relay: gpioinfo lists those that there are"),
			"lamp":  errors.New("this user may not use /dev/gpiochip0: it must be in the group gpio"),
		}}
		b.sensor.EdgesChan = nil
		b.open(full())
		since := time.Now()
		const faults = "card switch: cannot be read: gpiotest: please set p.EdgesChan first; door relay: no GPIO chip has a line relay: gpioinfo lists those that there are; " +
			"lamp: this user may not use /dev/gpiochip0: it must be in the group gpio"
		e := &encoder{state: drivers.State{Condition: drivers.Online}, do: func(context.Context, drivers.Command) (drivers.Receipt, error) {
			return drivers.Receipt{Note: "one card"}, nil
		}}
		s := b.station(e)
		time.Sleep(time.Second)
		if receipt, err := s.Do(t.Context(), drivers.Command{Action: "encode"}); err != nil || receipt.Note != "one card" {
			t.Error(receipt, err)
		}
		_, err := s.Do(t.Context(), drivers.Command{Action: OpenDoor})
		b.expect(err, "refused: there is no door relay: "+faults)
		if diff := cmp.Diff(drivers.State{Condition: drivers.Degraded, Since: since, Reason: "panel: " + faults}, s.State()); diff != "" {
			t.Error(diff)
		}
		e.state = drivers.State{Condition: drivers.Offline, Reason: "no port"}
		if got := s.State(); got.Condition != drivers.Offline || got.Reason != "no port; panel: "+faults {
			t.Error(got)
		}
		e.state.Reason = ""
		if got := s.State(); got.Condition != drivers.Offline || got.Reason != "panel: "+faults {
			t.Error(got)
		}
		b.expect(s.Probe(t.Context()), "panel: "+faults)
		b.halt()
	})
}

func TestWholePanel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, full())
		e := &encoder{state: drivers.State{Condition: drivers.Online}, probe: errors.New("no answer")}
		e.halted = func() {
			if b.relay.level() != gpio.Low {
				t.Error("the encoder was halted before the door was shut")
			}
		}
		s := b.station(e)
		if s.String() != "desk" || s.State() != e.state {
			t.Error(s, s.State())
		}
		b.expect(s.Probe(t.Context()), "no answer")
		if inner, ok := s.(interface{ Unwrap() drivers.Driver }); !ok || inner.Unwrap() != drivers.Driver(e) {
			t.Error("the encoder cannot be reached")
		}
		time.Sleep(2 * time.Second)
		got := make(chan error, 1)
		go func() {
			_, err := s.Do(t.Context(), drivers.Command{Action: OpenDoor})
			got <- err
		}()
		time.Sleep(time.Second)
		if err := s.Halt(); err != nil {
			t.Error(err)
		}
		b.expect(<-got, "refused: the door was shut again after 1s: edgeagent stops")
		for _, pin := range []*recorder{b.lamp, b.buzzer, b.relay, b.sensor} {
			if !pin.closed {
				t.Errorf("%s was not given back", pin.N)
			}
		}
	})
}

func TestNoRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Config{Lamp: &Lamp{Line: "lamp"}})
		b.expect(<-b.ask(t.Context()), "refused: there is no door relay: the property file gives this panel none")
		b.halt()
	})
}

func TestSafe(t *testing.T) {
	pins := map[string]*recorder{"relay": newPin("relay"), "lamp": newPin("lamp"), "buzzer": newPin("buzzer")}
	var order []string
	find := func(chip, line string) (gpio.PinIO, error) {
		order = append(order, chip+" "+line)
		if pins[line] == nil {
			return nil, errors.New("no such line")
		}
		return pins[line], nil
	}
	for _, pin := range pins {
		_ = pin.Pin.Out(gpio.High)
	}
	_ = pins["relay"].Pin.Out(gpio.Low)
	cfg := full()
	cfg.Chip, cfg.Relay.Active = "gpiochip0", "low"
	if err := Safe(cfg, find); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"gpiochip0 relay", "gpiochip0 buzzer", "gpiochip0 lamp"}, order); diff != "" {
		t.Error(diff) // and not the card switch
	}
	if pins["relay"].level() != gpio.High || pins["lamp"].level() != gpio.Low || pins["buzzer"].level() != gpio.Low {
		t.Error("something is on")
	}
	for _, pin := range pins {
		if !pin.closed {
			t.Errorf("%s was not given back", pin.N)
		}
	}

	cfg.Lamp.Active, cfg.Relay.Line = "left", "other"
	pins["buzzer"].failing(func(gpio.Level) error { return errors.New("input/output error") })
	const want = "door relay: no such line\nbuzzer: input/output error\nlamp: \"left\" is no level: write high or low"
	if err := Safe(cfg, find); err == nil || err.Error() != want {
		t.Error(err)
	}
	if err := Safe(Config{CardSwitch: &CardSwitch{Line: "switch"}}, find); err != nil {
		t.Error(err)
	}
}
