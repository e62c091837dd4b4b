package pn532

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"
)

// nth lets something happen to the nth command of a kind only.
func nth(n int, code byte, what string) func(byte, []byte) string {
	seen := 0
	return func(c byte, _ []byte) string {
		if c == code {
			if seen++; seen == n {
				return what
			}
		}
		return ""
	}
}

// Whatever happens once to any command, the key is made.
func TestOneFaultIsGotOver(t *testing.T) {
	for _, what := range []string{"deaf", "no ack", "two acks", "no answer", "error frame", "wrong checksum", "late", "preamble", "stale before", "dead"} {
		t.Run(what, func(t *testing.T) {
			onAll(t, nil, func(b *bench) {
				for _, code := range []byte{cmdSAMConfiguration, cmdGetFirmwareVersion, cmdRFConfiguration, cmdInListPassiveTarget, cmdInDataExchange, cmdInRelease} {
					if what == "error frame" && code != cmdInDataExchange {
						continue // nothing to get over: the chip says that we are wrong
					}
					for _, n := range []int{1, 2, 20} {
						c := freshCards()[n%3]
						b.chip.put(c)
						b.chip.fault = nth(n, code, what)
						err := b.encode(guestKey())
						b.chip.fault = nil
						if what == "error frame" {
							if f, ok := errors.AsType[*Failure](err); n < 20 && (!ok || f.Reason != ProtocolError) {
								b.t.Errorf("%s at %02X, %d: %v", what, code, n, err)
							}
						} else if err != nil || !c.opens() {
							b.t.Errorf("%s at %02X, %d: %v, opens: %t", what, code, n, err, c.opens())
						}
						b.chip.put()
						_ = b.reader.AwaitRemoval(b.t.Context(), nil)
					}
				}
			})
		})
	}
}

// A damaged answer is asked for again once, and the command is not carried out twice.
func TestDamagedAnswerIsAskedForAgain(t *testing.T) {
	onAll(t, nil, func(b *bench) {
		c := freshCards()[0]
		b.chip.put(c)
		b.chip.fault = nth(1, cmdInListPassiveTarget, "wrong checksum")
		if err := b.encode(guestKey()); err != nil {
			b.t.Fatal(err)
		}
		if n := bytes.Count(b.chip.heard, []byte{cmdInListPassiveTarget}); n != 3 { // present, alone, verify
			b.t.Errorf("listed %d times", n)
		}
	})
}

// After an abort, the firmware is asked for before anything else: a late answer
// to the command before cannot be taken for the next one's.
func TestAbortAndFence(t *testing.T) {
	onAll(t, nil, func(b *bench) {
		b.chip.put(freshCards()[0])
		b.chip.fault = nth(3, cmdInDataExchange, "late")
		if err := b.encode(guestKey()); err != nil {
			b.t.Fatal(err)
		}
		if b.chip.aborts != 1 {
			b.t.Errorf("%d aborts", b.chip.aborts)
		}
		at := -1
		for i, n := 0, 0; i < len(b.chip.heard) && at < 0; i++ {
			if b.chip.heard[i] == cmdInDataExchange {
				if n++; n == 3 {
					at = i
				}
			}
		}
		if at < 0 || b.chip.heard[at+1] != cmdGetFirmwareVersion {
			b.t.Errorf("after the abort: % X", b.chip.heard[at:])
		}
	})
}

// A chip that hangs until its reset line is pulled comes back; without the line,
// opening the bus anew is all that is left.
func TestLadder(t *testing.T) {
	onAll(t, nil, func(b *bench) {
		var trace []string
		b.reader.opts.Trace = func(_ bool, text string) {
			if strings.HasPrefix(text, "recovery") {
				trace = append(trace, text)
			}
		}
		b.chip.put(freshCards()[0])
		b.chip.fault = nth(6, cmdInDataExchange, "dead")
		if err := b.encode(guestKey()); err != nil {
			b.t.Fatal(err)
		}
		want := []string{"recovery: release", "recovery: field", "recovery: wake-up", "recovery: reset line"}
		if !slices.Equal(trace, want) || b.chip.resets != 1 || b.chip.opens != 1 {
			b.t.Errorf("%q, %d resets, opened %d times", trace, b.chip.resets, b.chip.opens)
		}
	})
}

func TestDeadModule(t *testing.T) {
	onAll(t, nil, func(b *bench) {
		b.chip.fault = func(byte, []byte) string { return "deaf" }
		for n := 1; n <= 3; n++ {
			_, err := b.reader.Probe(b.t.Context())
			want := b.reader.String() + ": the NFC module does not answer: check its power, its wiring and that its switches are set to this bus"
			if n == 3 {
				want += "; it has failed 3 times in a row: its supply is too weak, or it is broken"
			}
			if down, ok := errors.AsType[*drivers.LinkDown](err); !ok || down.Error() != want {
				b.t.Errorf("%d: %v", n, err)
			}
			if st := b.reader.State(); st.Condition != drivers.Offline || st.Reason != want {
				b.t.Errorf("state %+v", st)
			}
		}
		b.chip.fault = nil
		if _, err := b.reader.Probe(b.t.Context()); err != nil || b.reader.State().Condition != drivers.Online {
			b.t.Errorf("back again: %v, %+v", err, b.reader.State())
		}
	})
}

// The firmware answers and the field does not work: the ladder is climbed to its end.
func TestModuleWithoutField(t *testing.T) {
	onAll(t, nil, func(b *bench) {
		b.chip.fault = func(code byte, _ []byte) string {
			if code == cmdInListPassiveTarget {
				return "no answer"
			}
			return ""
		}
		err := b.encode(guestKey())
		if _, ok := errors.AsType[*drivers.LinkDown](err); !ok || !errors.Is(err, errTimeout) || b.chip.resets != 1 || b.chip.opens != 2 {
			b.t.Errorf("%v, %d resets, opened %d times", err, b.chip.resets, b.chip.opens)
		}
	})
}

// Cancelling stops the wait for a card at once, with an abort to the chip.
func TestCancelWhileWaiting(t *testing.T) {
	onAll(t, nil, func(b *bench) {
		ctx, cancel := context.WithCancel(b.t.Context())
		time.AfterFunc(1300*time.Millisecond, cancel)
		start := time.Now()
		_, err := b.reader.Encode(ctx, guestKey(), b.how())
		if !errors.Is(err, context.Canceled) || errors.Is(err, drivers.ErrRefused) || errors.Is(err, drivers.ErrUnknown) {
			b.t.Errorf("got %v", err)
		}
		if took := time.Since(start); took > 1450*time.Millisecond {
			b.t.Errorf("ended after %s", took)
		}
		if b.chip.aborts == 0 {
			b.t.Error("the chip was not told")
		}
		b.chip.put(freshCards()[0])
		if err := b.encode(guestKey()); err != nil {
			b.t.Error(err)
		}
	})
}

// Once writing has begun, cancelling and closing change nothing: half a card helps nobody.
func TestCancelWhileWriting(t *testing.T) {
	onAll(t, nil, func(b *bench) {
		ctx, cancel := context.WithCancel(b.t.Context())
		c := freshCards()[0]
		c.onWrite = func(_ *double, n int, _ byte) string {
			if n == 3 {
				cancel()
				go b.reader.Close()
			}
			return ""
		}
		b.chip.put(c)
		if _, err := b.reader.Encode(ctx, guestKey(), b.how()); err != nil || !c.opens() {
			b.t.Errorf("%v, opens: %t", err, c.opens())
		}
		synctest.Wait()
		if err := b.encode(guestKey()); err == nil || !strings.Contains(err.Error(), "the encoder is being closed") {
			b.t.Errorf("after closing: %v", err)
		}
	})
}

// The ready line saves polling; a broken one costs time, not the card.
func TestReadyLine(t *testing.T) {
	for _, name := range []string{"SPI", "I2C"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDouble()
				edges := make(chan gpio.Level, 1)
				pin := &readyPin{Pin: gpiotest.Pin{N: "IRQ", EdgesChan: edges}, d: d}
				d.edge = func() {
					select {
					case edges <- gpio.Low:
					default:
					}
				}
				c := freshCards()[0]
				d.put(c)
				r, err := Open(buses[name](d, Lines{Ready: pin}), options())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := r.Encode(t.Context(), guestKey(), How{}); err != nil || !c.opens() {
					t.Errorf("%v, opens: %t", err, c.opens())
				}
				reads := 2 // of each frame: the question, and on I2C the frame
				if d.polls > reads*2*len(d.heard)+50 {
					t.Errorf("%d polls for %d commands", d.polls, len(d.heard))
				}
				r.Close()
			})
			synctest.Test(t, func(t *testing.T) {
				d := newDouble()
				c := freshCards()[0]
				d.put(c)
				broken := &gpiotest.Pin{N: "IRQ", EdgesChan: make(chan gpio.Level)}
				r, err := Open(buses[name](d, Lines{Ready: broken}), options())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := r.Encode(t.Context(), guestKey(), How{}); err != nil || !c.opens() {
					t.Errorf("with a broken line: %v, opens: %t", err, c.opens())
				}
				r.Close()
			})
		})
	}
}

func TestPortIsGone(t *testing.T) {
	link := HSU("/dev/serial/by-id/x", func() (Port, error) { return nil, errors.New("no such adapter: is it plugged in?") }, Lines{})
	r, err := Open(link, options())
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Probe(t.Context())
	if down, ok := errors.AsType[*drivers.LinkDown](err); !ok || down.Error() != "/dev/serial/by-id/x: no such adapter: is it plugged in?" {
		t.Errorf("got %v", err)
	}
}

// Noise on the line, in both directions: what is said to be a key opens, and
// what is said to be spoilt does not.
func TestNoise(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			onAll(t, nil, func(b *bench) {
				random := rand.New(rand.NewPCG(seed, 1))
				b.chip.noise = func(bytes []byte) []byte {
					for i := range bytes {
						if random.IntN(1000) < 4 {
							bytes[i] ^= 1 << random.IntN(8)
						}
					}
					return bytes
				}
				c := freshCards()[seed%3]
				b.chip.put(c)
				err := b.encode(guestKey())
				f, _ := errors.AsType[*Failure](err)
				switch {
				case err == nil && !c.opens():
					b.t.Error("said to be made, and does not open")
				case f != nil && f.Spoilt && c.opens():
					b.t.Errorf("opens, and: %v", err)
				}
				b.chip.noise = nil
			})
		})
	}
}

func TestTraceTellsNoSecrets(t *testing.T) {
	var lines []string
	onAll(t, func(o *Options) { o.Trace = func(_ bool, text string) { lines = append(lines, text) } }, func(b *bench) {
		for _, c := range freshCards() {
			b.chip.put(c)
			_ = b.encode(guestKey())
			b.chip.put()
			_ = b.reader.AwaitRemoval(b.t.Context(), nil)
		}
	})
	all := strings.Join(lines, "\n")
	for _, secret := range []string{"C1 D3 33 EA", "A2 B3 C4", "FF FF FF FF FF FF", "4B 01 01"} {
		if strings.Contains(all, secret) {
			t.Errorf("the trace holds %s", secret)
		}
	}
	if !strings.Contains(all, "InDataExchange 01 A2 04 <4>") || !strings.Contains(all, "GetFirmwareVersion 32 01 06 07") {
		t.Errorf("the trace:\n%.500s", all)
	}
}

func TestStatuses(t *testing.T) {
	for code := range byte(0x40) {
		if code == 0 {
			continue
		}
		info := statusError(code).info()
		f, ok := errors.AsType[*Failure](verdict(statusError(code)))
		if !ok || info.hint == "" || info.reason == "" || f.Code != fmt.Sprintf("%02X", code) || f.Reason != info.reason {
			t.Errorf("%02X: %+v, %+v", code, info, f)
		}
		if info.class == classPermanent && info.tries > 0 || info.class == classRetry && (info.tries == 0 || info.remedy == noRemedy) {
			t.Errorf("%02X: %s with %d tries", code, info.class, info.tries)
		}
		if err := statusOf([]byte{code | 0x40}); !errors.Is(err, statusError(code)) {
			t.Errorf("%02X: bits 7 and 6 count", code)
		}
	}
	for code, want := range map[byte]string{
		0x01: "refused: the card was taken away too early: hold it until the beep (status 01)",
		0x06: "refused: two cards lie on the encoder: one card only (status 06)",
		0x10: "refused: the request does not fit the NFC module: tell the support of this program (status 10)",
		0x14: "refused: the card is not blank or not ours: take a blank card (status 14)",
		0x2B: "refused: the card was exchanged or taken away: use one card and hold it until the beep (status 2B)",
		0x2D: "refused: the NFC module reports a hardware fault: check its power supply, let it cool, replace it (status 2D)",
		0x3F: "refused: the NFC module answers with a status that is not known (status 3F)",
	} {
		if got := verdict(statusError(code)).Error(); got != want {
			t.Errorf("%02X: %s", code, got)
		}
	}
}

// Each status is tried again as often as its line says, on the wire.
func TestStatusRetries(t *testing.T) {
	for code, info := range statuses {
		synctest.Test(t, func(t *testing.T) {
			d := newDouble()
			c := freshCards()[0]
			d.put(c)
			r, _ := Open(buses["SPI"](d, Lines{}), options())
			tried := 0
			err := r.exclusive(t.Context(), func(ctx context.Context) error {
				target, _, err := r.chip.list(ctx)
				if err != nil {
					return err
				}
				card, err := r.accept(ctx, target)
				if err != nil {
					return err
				}
				return card.try(ctx, func() error { tried++; return statusError(code) })
			})
			if tried != 1+info.tries || err == nil {
				t.Errorf("%02X: tried %d times, want %d: %v", code, tried, 1+info.tries, err)
			}
			r.Close()
		})
	}
}
