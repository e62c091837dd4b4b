package pn532

import (
	"bytes"
	"crypto/ed25519"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/spi"
)

// bench is a reader with a stand-in for its chip.
type bench struct {
	t      *testing.T
	chip   *double
	reader *Reader
	steps  []drivers.Step
}

// buses makes the link of each kind to a chip. Every behaviour is tested on all.
var buses = map[string]func(*double, Lines) Link{
	"HSU": func(d *double, lines Lines) Link {
		d.asleep = true
		return HSU("/dev/serial", func() (Port, error) { d.opens++; return &hsuDouble{double: d}, nil }, lines)
	},
	"SPI": func(d *double, lines Lines) Link {
		return SPI("SPI0.0", func() (spi.PortCloser, error) { d.opens++; return &spiDouble{d}, nil }, lines)
	},
	"I2C": func(d *double, lines Lines) Link {
		d.asleep = true
		return I2C("I2C1", func() (i2c.BusCloser, error) { d.opens++; return &i2cDouble{d}, nil }, lines)
	},
}

var (
	signingKey = ed25519.NewKeyFromSeed([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31})
	keyring    = Keyring{1: signingKey.Public().(ed25519.PublicKey)}
)

func options() Options {
	return Options{Property: "seaview", Signer: Signer{KeyID: 1, Key: signingKey}, Keys: keyring, Wait: 10 * time.Second}
}

// onAll runs a behaviour on each bus, on fake time.
func onAll(t *testing.T, change func(*Options), do func(*bench)) {
	for name, link := range buses {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opts, d := options(), newDouble()
				if change != nil {
					change(&opts)
				}
				r, err := Open(link(d, Lines{Reset: &resetPin{PinIO: gpio.INVALID, d: d}}), opts)
				if err != nil {
					t.Fatal(err)
				}
				b := &bench{t: t, chip: d, reader: r}
				do(b)
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func (b *bench) how() How {
	return How{Progress: func(s drivers.Step) { b.steps = append(b.steps, s) }}
}

func guestKey() Credential {
	now := time.Now().Truncate(time.Second).UTC()
	return Credential{Kind: Guest, Rooms: []string{"101"}, From: now, Until: now.Add(48 * time.Hour), Generation: 7}
}

func (b *bench) encode(key Credential) error {
	_, err := b.reader.Encode(b.t.Context(), key, b.how())
	return err
}

// holds reads a card's memory as a lock would: independently of the reader.
func holds(c *testCard) (Credential, error) {
	var area []byte
	if c.unit == 4 {
		area = c.memory[16 : 16+144]
	} else {
		area = slices.Concat(c.memory[64:112], c.memory[128:176], c.memory[192:240])
	}
	if area[0] != 0xFD || len(area) < int(area[1])+3 || area[2+area[1]] != 0xFE {
		return Credential{}, ErrNoCredential
	}
	return Unseal(area[2:2+area[1]], c.uid, "seaview", keyring)
}

func (c *testCard) opens() bool {
	key, err := holds(c)
	return err == nil && key.Opens("101", time.Now(), 0) == nil
}

func freshCards() []*testCard {
	return []*testCard{
		newNTAG("213", 4, 0xA2, 0xB3, 0xC4, 0xD5, 0xE6, 0x80),
		newNTAG("216", 4, 0xA2, 0xB3, 0xC4, 0xD5, 0xE6, 0x81),
		newClassic(0x08, 0xC1, 0xD3, 0x33, 0xEA),
	}
}

// sealOn writes a key straight into a card's memory.
func sealOn(t *testing.T, c *testCard, property string, key Credential) {
	t.Helper()
	key.Property = property
	blob, err := key.Seal(c.uid, Signer{1, signingKey})
	if err != nil {
		t.Fatal(err)
	}
	c.fill(wrap(blob))
}

// fill puts bytes into the free part of a card's memory.
func (c *testCard) fill(area []byte) {
	if c.unit == 4 {
		copy(c.memory[16:], area)
		return
	}
	for i := 0; i < len(area); i += 48 {
		copy(c.memory[64+i/48*64:], area[i:min(i+48, len(area))])
	}
}

func (c *testCard) unchanged(before []byte) bool { return bytes.Equal(c.memory, before) }
