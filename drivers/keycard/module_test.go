package keycard

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/spi"

	"edgeagent/drivers"
	"edgeagent/drivers/keycard/pn532"
	"edgeagent/hwsim/pn532sim"
)

const (
	testSeed   = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	testPublic = "03A107BFF3CE10BE1D70DD18E74BC09967E4D6309BA50D5F1DDC8664125531B8" // as docs/credential.md has it
)

// moduleBench is a module of the agent before a simulated chip.
type moduleBench struct {
	t     *testing.T
	chip  *pn532sim.Chip
	m     *Module
	known map[string]string
	next  []*pn532sim.Card // laid down when the card before is done; nil takes it off only

	// within is added to the second at which the next command was accepted.
	within time.Duration

	mu    sync.Mutex
	steps []drivers.Step
}

// moduleLinks are the ways to the chip, each with what the property file says of it.
func moduleLinks(t *testing.T, chip *pn532sim.Chip) map[string]Config {
	t.Helper()
	port := filepath.Join(t.TempDir(), "usb-nfc")
	if _, err := chip.OpenPTY(port, pn532sim.PortOptions{Baud: moduleBaud}); err != nil {
		t.Fatal(err)
	}
	return map[string]Config{
		"HSU": {Port: port, PN532: &PN532{Reset: "GPIO25"}},
		"SPI": {PN532: &PN532{SPI: "/dev/spidev0.0", Ready: "GPIO24", Reset: "GPIO25"}},
		"I2C": {PN532: &PN532{I2C: "/dev/i2c-1"}},
	}
}

func newModuleBench(t *testing.T, link string, change func(*Config)) *moduleBench {
	t.Helper()
	b := &moduleBench{t: t, chip: pn532sim.New(pn532sim.Config{Seed: 1, CardTime: 100 * time.Microsecond, PollTime: time.Millisecond})}
	t.Cleanup(func() { _ = b.chip.Close() })
	cfg := moduleLinks(t, b.chip)[link]
	cfg.Protocol, cfg.Rooms = "pn532", map[string]string{"201": "east-201"}
	cfg.Timers = Timers{Result: 2 * time.Second, Keepalive: time.Minute, Reopen: 5 * time.Millisecond, ReopenMax: 20 * time.Millisecond}
	cfg.PN532.SigningKeyFile, cfg.PN532.KeyID = "seed", 1
	if change != nil {
		change(&cfg)
	}
	site := testSite()
	site.Property, site.Key = "seaview", []byte("key")
	site.Secret = func(string) (string, error) { return testSeed, nil }
	site.Known = func(device, subject string) map[string]string {
		if device != "desk" || subject != "room:101" {
			return nil
		}
		return b.known
	}
	d, err := OpenEncoder("desk", cfg, site, b.deps())
	if err != nil {
		t.Fatal(err)
	}
	b.m = d.(*Module)
	t.Cleanup(func() {
		if err := b.m.Halt(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *moduleBench) deps() Deps {
	return Deps{
		SPI: func(string) (spi.PortCloser, error) { return b.chip.SPI("spi", true), nil },
		I2C: func(string) (i2c.BusCloser, error) { return b.chip.I2C("i2c"), nil },
		GPIO: func(_, line string) (gpio.PinIO, error) {
			return map[string]gpio.PinIO{"GPIO24": b.chip.IRQPin(), "GPIO25": b.chip.ResetPin()}[line], nil
		},
	}
}

func (b *moduleBench) do(action string, seq int64, params ...string) (drivers.Receipt, error) {
	b.t.Helper()
	cmd := drivers.Command{ID: fmt.Sprint("command ", seq, b.within), Seq: seq, Accepted: time.Unix(seq, int64(b.within)), Action: action, Subject: "room:101", Params: map[string]string{},
		Progress: func(s drivers.Step) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.steps = append(b.steps, s)
			if s == drivers.StepCardDone && len(b.next) > 0 {
				b.chip.Take()
				if b.next[0] != nil {
					b.chip.Present(b.next[0])
				}
				b.next = b.next[1:]
			}
		}}
	if action == actionEncode {
		maps.Copy(cmd.Params, map[string]string{"room": "101", "stay": "s1", "until": departure.Format(time.RFC3339)})
	}
	for i := 0; i < len(params); i += 2 {
		cmd.Params[params[i]] = params[i+1]
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), 30*time.Second)
	defer cancel()
	return b.m.Do(ctx, cmd)
}

// opens asks the lock of a room, which has seen keys up to latest, about a card.
func opens(card *pn532sim.Card, room string, latest uint32) error {
	dump, at := card.Dump(), 64
	if card.Kind() != pn532sim.Classic1K {
		at = 16
	}
	held := slices.Clone(dump[at:])
	if at == 64 { // without trailers
		held = slices.Concat(dump[64:112], dump[128:176], dump[192:240])
	}
	if held[0] != 0xFD || int(held[1])+3 > len(held) {
		return errors.New("the card holds no key")
	}
	seed, err := signingKey(testSeed)
	if err != nil {
		return err
	}
	keys := pn532.Keyring{1: seed.Public().(ed25519.PublicKey)}
	key, err := pn532.Unseal(held[2:2+int(held[1])], card.UID(), "seaview", keys)
	if err != nil {
		return err
	}
	return key.Opens(room, departure.Add(-time.Hour), latest)
}

func uid(n byte) []byte { return []byte{0x04, 0xA2, 0xB3, n, 0xD5, 0xE6, 0x80} }

func TestModuleMakesKeys(t *testing.T) {
	for _, link := range []string{"HSU", "SPI", "I2C"} {
		t.Run(link, func(t *testing.T) {
			b := newModuleBench(t, link, nil)
			first, second := pn532sim.NewCard(pn532sim.NTAG213, uid(1), pn532sim.Traits{}), pn532sim.NewCard(pn532sim.Classic1K, []byte{0xC1, 0xD3, 0x33, 0xEA}, pn532sim.Traits{})
			b.chip.Present(first)
			b.next = []*pn532sim.Card{second}
			receipt, err := b.do(actionEncode, 4711, "copies", "2", "rooms", "201")
			if err != nil {
				t.Fatal(err)
			}
			if want := "2 cards of our own for room 101, valid until " + b.m.clock(minuteOf(departure, closing)); receipt.Note != want {
				t.Errorf("note %q, want %q", receipt.Note, want)
			}
			if receipt.At().IsZero() || receipt.Values[valueKey] == "" {
				t.Errorf("values %v", receipt.Values)
			}
			delete(receipt.Values, valueKey)
			delete(receipt.Values, drivers.ValueAt)
			if diff := cmp.Diff(map[string]string{"cards": "2", "uid_1": "04A2B301D5E680", "uid_2": "C1D333EA", "generation": "4711"}, receipt.Values); diff != "" {
				t.Error(diff)
			}
			for _, card := range []*pn532sim.Card{first, second} {
				for room, latest := range map[string]uint32{"101": 0, "east-201": 4711} {
					if err := opens(card, room, latest); err != nil {
						t.Errorf("%s, room %s: %v", card, room, err)
					}
				}
			}
			if err := opens(first, "101", 4712); err == nil || err.Error() != "a later key of this room has been used" {
				t.Errorf("after a later key: %v", err)
			}
			b.mu.Lock()
			if n := len(slices.DeleteFunc(slices.Clone(b.steps), func(s drivers.Step) bool { return s != drivers.StepCardDone })); n != 2 || b.steps[0] != drivers.StepAccepted {
				t.Errorf("steps %q", b.steps)
			}
			b.mu.Unlock()
			if st := b.m.State(); st.Condition != drivers.Online || st.Reason != pn532Caveat {
				t.Errorf("state %+v", st)
			}
			read, err := b.do(actionRead, 4712)
			if want := "guest's key of ours for room 101, east-201, until " + b.m.clock(minuteOf(departure, closing)); err != nil || read.Note != want {
				t.Errorf("read %q, %v", read.Note, err)
			}
			if read.Values["card_kind"] != "guest" || read.Values["generation"] != "4711" || read.Values["rooms"] != "101,east-201" {
				t.Errorf("read %v", read.Values)
			}
			b.chip.Take()
			b.chip.Present(first)
			if erased, err := b.do(actionErase, 4713); err != nil || erased.Note != "the card is blank again (NTAG213)" {
				t.Errorf("erase %q, %v", erased.Note, err)
			}
			if opens(first, "101", 0) == nil {
				t.Error("an erased card opens the room")
			}
			if v := b.chip.Violations(); len(v) > 0 {
				t.Errorf("the chip complains: %v", v)
			}
		})
	}
}

// A card image goes to the blocks that it names, and only to the card that it is for.
func TestModuleWritesAnImage(t *testing.T) {
	b := newModuleBench(t, "SPI", nil)
	card := pn532sim.NewCard(pn532sim.Classic1K, []byte{0xC1, 0xD3, 0x33, 0xEA}, pn532sim.Traits{})
	b.chip.Present(card)
	image := "D|1|0|000102030405060708090A0B0C0D0E0F|D|1|1|101112131415161718191A1B1C1D1E1F"
	if _, err := b.do(actionImage, 1, "image", image, "uid", "00000000"); err == nil ||
		err.Error() != "refused: the card image is for another card: lay that one on the encoder" || len(card.Writes()) > 0 {
		t.Errorf("another card's: %v, %d writes", err, len(card.Writes()))
	}
	receipt, err := b.do(actionImage, 2, "image", image, "uid", "c1d333ea")
	if err != nil || receipt.Note != "card image written and read back (MIFARE Classic 1K)" {
		t.Errorf("%q, %v", receipt.Note, err)
	}
	for i, got := range card.Dump()[64:96] {
		if got != byte(i) {
			t.Fatalf("byte %d is %02X", i, got)
		}
	}
}

// A duplicate has its original's generation, a new key that of the second in which it
// was asked for.
func TestModuleGenerations(t *testing.T) {
	b := newModuleBench(t, "SPI", func(c *Config) { c.PN532.GenerationsAbove = 1000 })
	n := byte(0)
	cut := func(seq int64, key, stay string) (drivers.Receipt, error) {
		n++
		b.within = time.Duration(n)
		b.chip.Take()
		b.chip.Present(pn532sim.NewCard(pn532sim.NTAG213, uid(n), pn532sim.Traits{}))
		return b.do(actionEncode, seq, "key", key, "stay", stay)
	}
	if _, err := cut(1, keyDuplicate, "s1"); err == nil || err.Error() !=
		"refused: no key of this room is known that could be duplicated: make a new key instead, it ends the earlier ones" {
		t.Errorf("duplicate of nothing: %v", err)
	}
	for _, tc := range []struct {
		seq        int64
		key, stay  string
		generation string
	}{
		{7, keyNew, "s1", "1007"}, {8, keyDuplicate, "s1", "1007"}, {9, keyAuto, "s1", "1007"}, {10, keyAuto, "s2", "1010"},
		{11, keyAuto, "s2", "1010"}, {12, keyDuplicate, "s3", "1010"}, {13, keyNew, "s2", "1013"}, {14, keyAuto, "", "1014"},
		{14, keyNew, "s2", "1015"}, {14, keyNew, "s2", "1016"},
		{1795658641, keyNew, "s2", "1795659641"}, // as today
	} {
		receipt, err := cut(tc.seq, tc.key, tc.stay)
		if err != nil || receipt.Values["generation"] != tc.generation {
			t.Errorf("%d %s of %s: generation %q, %v", tc.seq, tc.key, tc.stay, receipt.Values["generation"], err)
		}
		b.known = receipt.Values
	}
	if _, err := cut(15, keyOneShot, "s1"); err == nil || err.Error() != "refused: key one_shot: a lock of your own cannot count openings: make a new key with an early end" {
		t.Error(err)
	}
	if _, err := cut(0, keyNew, "s1"); err == nil || err.Error() != "refused: only the agent makes such keys, since it knows which one the room had before" {
		t.Error(err)
	}
}

func TestModuleRefuses(t *testing.T) {
	b := newModuleBench(t, "I2C", nil)
	for i, tc := range []struct {
		action string
		params []string
		reason Reason
		want   string
	}{
		{actionCancel, []string{"room", "101"}, BadRequest, "keys for your own locks cannot be called back from here: each ends at its hour, or when a later key of the room opens the door; make a new key and use it once"},
		{actionModify, nil, BadRequest, "the end of a stay stands on the card: make a new key with the new end"},
		{actionMobile, nil, BadRequest, `a PN532 has no action "mobile_key": it has encode, read, erase_card and write_image`},
		{actionEncode, []string{"encoder", "2"}, BadRequest, `encoder "2": a PN532 is one encoder and has no others behind it: leave encoder out`},
		{actionEncode, []string{"grants", "pool"}, BadRequest, "grants: only a lock system has such a thing: leave it out, and name further doors in rooms"},
		{actionEncode, []string{"room", ""}, BadRequest, "no room is given: the PMS assigned none"},
		{actionEncode, []string{"room", "Büro"}, BadRequest, `room name "Büro" cannot be sent: only plain ASCII is read alike by every lock system: map it under rooms in the property file`},
		{actionEncode, []string{"rooms", "1,2,3,4"}, BadRequest, "5 rooms: one card opens at most 4"},
		{actionEncode, []string{"until", ""}, BadRequest, "no end of validity is known for room 101: the PMS sent no departure"},
		{actionEncode, []string{"until", "2020-01-01T11:00"}, BadRequest, "the key would end at 2020-01-01 11:00, which is past: correct the departure in the PMS"},
		{actionEncode, []string{"copies", "0"}, BadRequest, `copies "0": write a number from 1 to 9`},
		{actionEncode, []string{"key", "skeleton"}, BadRequest, `key "skeleton": write new, duplicate or auto`},
		{actionImage, []string{"image", "D|1"}, BadRequest, "card image of 2 fields: each block has four"},
	} {
		_, err := b.do(tc.action, int64(i+1), tc.params...)
		f, ok := errors.AsType[*Failure](err)
		if !ok || f.Reason != tc.reason || !errors.Is(err, drivers.ErrRefused) || err.Error() != "refused: "+tc.want {
			t.Errorf("%s %v: %v, want %s", tc.action, tc.params, err, tc.want)
		}
	}
}

// What becomes of a card that goes wrong is told in the words of all encoders.
func TestModuleFailures(t *testing.T) {
	b := newModuleBench(t, "SPI", func(c *Config) { c.Timers.Result = 150 * time.Millisecond })
	_, err := b.do(actionEncode, 1)
	if f, ok := errors.AsType[*Failure](err); !ok || f.Reason != NoCard || err.Error() != "refused: no card was presented: ask again and hold a card to the encoder" {
		t.Errorf("no card: %v", err)
	}
	card := pn532sim.NewCard(pn532sim.NTAG213, uid(1), pn532sim.Traits{})
	b.chip.Present(card)
	b.next = []*pn532sim.Card{nil}
	receipt, err := b.do(actionEncode, 2, "copies", "3")
	if f, ok := errors.AsType[*Failure](err); !ok || f.Made != 1 || f.Wanted != 3 || receipt.Values["cards"] != "1" ||
		!strings.HasPrefix(err.Error(), "refused: 1 of 3 cards were made, then: ") || !strings.HasSuffix(err.Error(), "; make a duplicate for each card that is missing") {
		t.Errorf("one of three: %v, %v", receipt.Values, err)
	}
	if _, again := b.do(actionEncode, 2, "copies", "3"); again == nil || again.Error() != err.Error() {
		t.Errorf("asked again: %v", again)
	}
	b.chip.Take()
	b.chip.Present(pn532sim.NewStaffCard(uid(9)))
	if _, err := b.do(actionEncode, 3); !errors.Is(err, drivers.ErrRefused) {
		t.Errorf("staff card: %v", err)
	}
}

// Nothing that a reader knows of a card is lost, and cards that were made are
// not made again, whatever ended the rest.
func TestModuleFailureSaysAll(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		made int
		want string
		kind error
	}{
		{"spoilt", &pn532.Failure{Reason: pn532.CardRemoved, Hint: "gone", Spoilt: true}, 0, "gone; the card opens nothing now and can be written again", nil},
		{"doubtful", &pn532.Failure{Reason: pn532.CardRemoved, Hint: "gone", Doubtful: true}, 0, "gone; what the card held before may still be valid", nil},
		{"one was made", &pn532.Failure{Reason: pn532.LinkLost, Hint: "gone"}, 1,
			"refused: 1 of 2 cards were made, then: gone; make a duplicate for each card that is missing", drivers.ErrRefused},
		{"one was made, then the caller left", context.Canceled, 1,
			"refused: 1 of 2 cards were made, then: context canceled; make a duplicate for each card that is missing", drivers.ErrRefused},
		{"none was made, and the caller left", context.Canceled, 0, "context canceled", context.Canceled},
	} {
		err := moduleFailure(tc.err, tc.made, 2)
		if err.Error() != tc.want || tc.kind != nil && !errors.Is(err, tc.kind) || tc.kind == nil && (errors.Is(err, drivers.ErrRefused) || errors.Is(err, drivers.ErrUnknown)) {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.want)
		}
	}
}

// A module that is not there is offline, and comes back by itself.
func TestModuleComesBack(t *testing.T) {
	b := newModuleBench(t, "HSU", nil)
	waitFor(t, func() string {
		if st := b.m.State(); st.Condition != drivers.Online {
			return fmt.Sprint(st)
		}
		return ""
	})
	if err := b.m.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	said, err := b.m.Identify(t.Context())
	if want := "PN532, firmware 1.6; signs for property seaview with key_id 1, whose public half is " + testPublic; err != nil || said != want {
		t.Errorf("%q, %v", said, err)
	}

	gone := newModuleBench(t, "HSU", func(c *Config) { c.Port = "/dev/serial/by-id/no-such" })
	_, err = gone.do(actionRead, 1)
	down, ok := errors.AsType[*drivers.LinkDown](err)
	if !ok || !strings.HasPrefix(down.Error(), "PN532 on /dev/serial/by-id/no-such: no such adapter: is it plugged in?") {
		t.Errorf("no adapter: %v", err)
	}
	if st := gone.m.State(); st.Condition != drivers.Offline || !strings.Contains(st.Reason, "no such adapter") {
		t.Errorf("state %+v", st)
	}
}

// A line that cannot be had is told of, and no bus is opened without it.
func TestModuleWithoutItsLine(t *testing.T) {
	cfg := Config{Protocol: "pn532", PN532: &PN532{SPI: "/dev/spidev0.0", Reset: "GPIO25", SigningKeyFile: "seed"}}
	site := testSite()
	site.Secret = func(string) (string, error) { return testSeed, nil }
	d, err := OpenEncoder("desk", cfg, site, Deps{GPIO: func(string, string) (gpio.PinIO, error) { return nil, errors.New("no GPIO chip has a line GPIO25") }})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Halt()
	if err := d.Probe(t.Context()); err == nil || err.Error() != "reset line: no GPIO chip has a line GPIO25" {
		t.Error(err)
	}
	if st := d.State(); st.Condition != drivers.Offline || st.Reason != "reset line: no GPIO chip has a line GPIO25" {
		t.Errorf("state %+v", st)
	}
}

func TestModuleSecret(t *testing.T) {
	good := Config{Protocol: "pn532", PN532: &PN532{I2C: "/dev/i2c-1", SigningKeyFile: "/run/seed"}}
	for _, tc := range []struct {
		secret string
		err    error
		want   string
	}{
		{"", errors.New("there is no file /run/seed"), "desk: pn532.signing_key_file: there is no file /run/seed"},
		{"hunter2", nil, "desk: pn532.signing_key_file: the file /run/seed holds no Ed25519 seed: write 64 hexadecimal digits, as openssl rand -hex 32 makes them"},
	} {
		site := testSite()
		site.Secret = func(string) (string, error) { return tc.secret, tc.err }
		if _, err := OpenEncoder("desk", good, site, Deps{}); err == nil || err.Error() != tc.want {
			t.Errorf("got %v, want %s", err, tc.want)
		}
	}
	if _, err := Open("desk", good, testSite()); err == nil || err.Error() != "desk: a PN532 has no lock system behind it" {
		t.Error(err)
	}
}

// A transcript of a module is for people, and holds no number and no key.
func TestModuleTranscript(t *testing.T) {
	b := newModuleBench(t, "SPI", nil)
	var text bytes.Buffer
	rec := b.m.trace.record(&text, protocolPN532)
	b.chip.Present(pn532sim.NewCard(pn532sim.NTAG213, uid(1), pn532sim.Traits{}))
	if _, err := b.do(actionEncode, 5); err != nil {
		t.Fatal(err)
	}
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text.String(), "# edgeagent transcript 1 protocol pn532\n") || !strings.Contains(text.String(), " # > InListPassiveTarget 01 00\n") {
		t.Errorf("transcript:\n%s", text.String())
	}
	if strings.Contains(text.String(), "04 A2 B3") {
		t.Errorf("the card's number is in the transcript:\n%s", text.String())
	}
}
