package panel

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"periph.io/x/conn/v3/gpio"

	"edgeagent/drivers"
)

// doors is a panel with nothing but a relay: open 3s, cap 5s, rest 2s.
func doors(t *testing.T, active string) *bench {
	b := newBench(t, Config{Relay: &Relay{Line: "relay", Active: active}})
	if diff := cmp.Diff([]string{"0s " + map[string]string{"high": "Low", "low": "High"}[active]}, b.relay.told()); diff != "" {
		t.Errorf("at the start: %s", diff)
	}
	return b
}

// ask opens the door from another goroutine.
func (b *bench) ask(ctx context.Context) <-chan error {
	got := make(chan error, 1)
	go func() {
		_, err := b.panel.openDoor(ctx)
		got <- err
	}()
	synctest.Wait()
	return got
}

func (b *bench) expect(err error, want string) {
	b.t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != want {
		b.t.Errorf("got  %s\nwant %s", got, want)
	}
}

func (b *bench) switched(want ...string) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.relay.told()); diff != "" {
		b.t.Errorf("relay (-want +got)\n%s", diff)
	}
}

func TestDoorOpens(t *testing.T) {
	for active, want := range map[string][]string{"high": {"1s High", "4s Low"}, "low": {"1s Low", "4s High"}} {
		synctest.Test(t, func(t *testing.T) {
			b := doors(t, active)
			time.Sleep(2 * time.Second) // at once after the start it rests
			b.relay.began = b.relay.began.Add(time.Second)
			receipt, err := b.panel.openDoor(t.Context())
			if diff := cmp.Diff(drivers.Receipt{Note: "the door was open for 3s"}, receipt); err != nil || diff != "" {
				t.Error(err, diff)
			}
			b.switched(want...)
			b.halt()
		})
	}
}

// A caller that never lets go, a request without end: the cap ends it.
func TestCapHoldsThroughABlockedRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := doors(t, "high")
		time.Sleep(2 * time.Second)
		b.panel.relay.open = time.Hour // as if nobody had checked the property file
		got := b.ask(context.Background())
		time.Sleep(time.Minute)
		b.switched("2s High", "7s Low")
		if err := <-got; err != nil {
			t.Error(err)
		}
		b.halt()
	})
}

// The timer of the cap ends a spell by itself, whatever became of the other.
func TestCapNeedsNoOtherTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := doors(t, "high")
		time.Sleep(2 * time.Second)
		got := b.ask(context.Background())
		b.panel.relay.mu.Lock()
		b.panel.relay.spell.end.Stop()
		b.panel.relay.mu.Unlock()
		b.expect(<-got, "")
		b.switched("2s High", "7s Low")
		b.halt()
	})
}

// More requests make a spell no longer than the cap by themselves: its timer is the last resort.
func TestExtensionStaysWithinTheCap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := doors(t, "high")
		time.Sleep(2 * time.Second)
		got := b.ask(context.Background())
		b.panel.relay.mu.Lock()
		b.panel.relay.spell.cap.Stop()
		b.panel.relay.mu.Unlock()
		time.Sleep(2500 * time.Millisecond)
		again := b.ask(context.Background())
		b.expect(<-got, "")
		b.expect(<-again, "")
		b.switched("2s High", "7s Low")
		b.halt()
	})
}

// The timers that end it run before the pin is touched.
func TestTimersBeforeThePin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := doors(t, "high")
		time.Sleep(2 * time.Second)
		armed := false
		b.relay.failing(func(l gpio.Level) error {
			if r := b.panel.relay; l == gpio.High { // begin has the lock
				armed = r.spell != nil && r.spell.cap != nil && r.spell.end != nil
			}
			return nil
		})
		b.expect(<-b.ask(t.Context()), "")
		if !armed {
			t.Error("the pin was touched before the timers ran")
		}
		b.switched("2s High", "5s Low")
		b.halt()
	})
}

func TestRequestsDoNotAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := doors(t, "high")
		time.Sleep(2 * time.Second)
		var all []<-chan error
		for range 9 { // one each half second: the last at 6s
			all = append(all, b.ask(t.Context()))
			time.Sleep(500 * time.Millisecond)
		}
		time.Sleep(10 * time.Second)
		b.switched("2s High", "7s Low")
		for _, got := range all {
			b.expect(<-got, "")
		}
		b.halt()
	})
}

func TestRelayRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := doors(t, "high")
		time.Sleep(2 * time.Second)
		b.expect(<-b.ask(t.Context()), "")
		time.Sleep(500 * time.Millisecond)
		err := <-b.ask(t.Context())
		b.expect(err, "the door was open a moment ago, and its relay rests for 1.5s yet")
		later, ok := errors.AsType[*drivers.RetryAfter](err)
		if !ok || later.Wait != 1500*time.Millisecond {
			t.Fatalf("%#v", err)
		}
		time.Sleep(later.Wait)
		b.expect(<-b.ask(t.Context()), "")
		b.switched("2s High", "5s Low", "7s High", "10s Low")
		b.halt()
	})
}

func TestCancelledRequestShutsTheDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := doors(t, "high")
		time.Sleep(2 * time.Second)
		ctx, cancel := context.WithCancelCause(t.Context())
		got := b.ask(ctx)
		other := b.ask(t.Context()) // who calls it off calls it off for all
		time.Sleep(time.Second)
		cancel(errors.New("withdrawn in the PMS"))
		const want = "refused: the door was shut again after 1s: withdrawn in the PMS"
		b.expect(<-got, want)
		b.expect(<-other, want)
		b.switched("2s High", "3s Low")

		time.Sleep(2 * time.Second)
		b.expect(<-b.ask(ctx), "given up before the door was opened: withdrawn in the PMS")
		b.switched()
		b.halt()
	})
}

func TestHaltShutsTheDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := doors(t, "low")
		time.Sleep(2 * time.Second)
		got := b.ask(t.Context())
		time.Sleep(time.Second)
		b.halt()
		b.expect(<-got, "refused: the door was shut again after 1s: edgeagent stops")
		b.expect(<-b.ask(t.Context()), "refused: the door relay takes no more requests: edgeagent stops")
		b.switched("2s Low", "3s High")
		if !b.relay.closed {
			t.Error("the line was not given back")
		}
	})
}

// A panic in any goroutine of the panel shuts the door, for good.
func TestPanicShutsTheDoor(t *testing.T) {
	for name, breakIt := range map[string]func(*bench){
		"the lamp": func(b *bench) {
			b.lamp.failing(func(gpio.Level) error { panic("lamp") })
			b.panel.show(busy, false, 0)
		},
		"the buzzer": func(b *bench) {
			b.buzzer.failing(func(gpio.Level) error { panic("buzzer") })
			b.panel.show(failed, true, 0)
		},
		"the card switch": func(b *bench) {
			b.sensor.failing(func(gpio.Level) error { panic("switch") })
			b.sensor.EdgesChan <- gpio.Low
			time.Sleep(100 * time.Millisecond)
		},
		"a timer": func(b *bench) {
			closed := make(chan pattern)
			close(closed) // a send on it panics
			b.panel.show(done, false, time.Second)
			b.panel.mu.Lock()
			b.panel.lamp = &player{next: closed}
			b.panel.mu.Unlock()
			time.Sleep(time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, full())
				time.Sleep(2 * time.Second)
				b.relay.told()
				got := b.ask(t.Context())
				breakIt(b)
				synctest.Wait()
				if b.relay.level() != gpio.Low {
					t.Error("the door stands open")
				}
				err := <-got
				if err == nil || !errors.Is(err, drivers.ErrRefused) || !strings.HasSuffix(err.Error(), "the panel broke off (a fault of edgeagent; please report it)") {
					t.Error(err)
				}
				b.expect(<-b.ask(t.Context()), "refused: the door relay takes no more requests: the panel broke off (a fault of edgeagent; please report it)")
				faults, _ := b.panel.Faults()
				if !strings.Contains(faults, "panel: broke off (a fault of edgeagent; please report it)") {
					t.Errorf("faults: %q", faults)
				}
				if b.lamp.failing(nil); b.buzzer.level() != gpio.Low {
					t.Error("the buzzer sounds on")
				}
				b.buzzer.failing(nil)
				b.halt()
			})
		})
	}
}

// The pin of the relay panics as it is switched on: it may be on all the same.
func TestPanicOfTheRelaysPin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := doors(t, "high")
		time.Sleep(2 * time.Second)
		b.relay.failing(func(l gpio.Level) error {
			if l == gpio.High {
				_ = b.relay.Pin.Out(l)
				panic("short circuit")
			}
			return nil
		})
		b.expect(<-b.ask(t.Context()), "the door relay cannot be switched: its pin broke off: short circuit")
		if b.relay.level() != gpio.Low {
			t.Error("the door stands open")
		}
		b.halt()
	})
}

// A relay that does not go back is tried again until it does.
func TestStuckRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := doors(t, "high")
		time.Sleep(2 * time.Second)
		broken := func(gpio.Level) error { return errors.New("input/output error") }
		got := b.ask(t.Context())
		b.relay.failing(broken)
		err := <-got
		b.expect(err, "outcome unknown: the door may still be open: its relay cannot be put back: input/output error; cut its power")
		if !errors.Is(err, drivers.ErrUnknown) {
			t.Error("its outcome is known")
		}
		time.Sleep(3 * time.Second)
		b.expect(<-b.ask(t.Context()), "refused: the door relay cannot be put back: input/output error; cut its power")
		if faults, _ := b.panel.Faults(); faults != "door relay: cannot be put back: input/output error; cut its power" {
			t.Errorf("faults: %q", faults)
		}
		b.relay.failing(nil)
		time.Sleep(time.Second)
		b.switched("2s High", "8.5s Low") // 100, 200, 400, 800 ms, then each second
		if faults, _ := b.panel.Faults(); faults != "" {
			t.Errorf("faults: %q", faults)
		}
		time.Sleep(2 * time.Second)
		b.expect(<-b.ask(t.Context()), "")

		b.relay.failing(broken)
		b.expect(b.panel.Halt(), "desk: panel: the door relay cannot be put back: input/output error; cut its power")
	})
}

// A relay that was left on and does not go back at the start opens no door.
func TestStuckAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, relay: newPin("relay")}
		b.relay.failing(func(gpio.Level) error { return errors.New("line gpiochip0/GPIO23 is in use by \"gpioset\"") })
		b.open(Config{Relay: &Relay{Line: "relay"}})
		b.expect(<-b.ask(t.Context()), `refused: the door relay cannot be put back: line gpiochip0/GPIO23 is in use by "gpioset"; cut its power`)
		b.relay.failing(nil)
		time.Sleep(time.Second)
		b.switched("100ms Low")
		b.halt()
	})
}
