package pn532

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// Firmware is what GetFirmwareVersion says of the chip.
type Firmware struct {
	IC, Version, Revision byte
	// Support has a bit for each standard: 0 ISO 14443 A, 1 ISO 14443 B, 2 ISO 18092.
	Support byte
}

func (f Firmware) String() string {
	return fmt.Sprintf("PN5%02X, firmware %d.%d", f.IC, f.Version, f.Revision)
}

const icPN532 = 0x32

func (c *chip) firmware(ctx context.Context) (Firmware, error) {
	b, err := c.command(ctx, c.limits.config, 4, cmdGetFirmwareVersion)
	if err != nil {
		return Firmware{}, err
	}
	if len(b) < 4 || b[0] != icPN532 {
		return Firmware{}, errNotPN532
	}
	c.suspect = false // the answer was of this question: it is a fence
	return Firmware{IC: b[0], Version: b[1], Revision: b[2], Support: b[3]}, nil
}

// samConfiguration sets normal mode: no security module takes part. With a ready
// line, the chip is told to drive it.
func (c *chip) samConfiguration(ctx context.Context, ready bool) error {
	data := []byte{0x01}
	if ready {
		data = []byte{0x01, 0x00, 0x01}
	}
	_, err := c.command(ctx, c.limits.config, 0, cmdSAMConfiguration, data...)
	return err
}

// retries bounds how often the chip looks for a card before it answers that
// there is none; the default is for ever.
func (c *chip) retries(ctx context.Context) error {
	_, err := c.command(ctx, c.limits.config, 0, cmdRFConfiguration, 0x05, 0xFF, 0x01, passiveTries)
	return err
}

func (c *chip) field(ctx context.Context, on bool) error {
	item := []byte{0x01, 0x00}
	if on {
		item[1] = 0x01
	}
	_, err := c.command(ctx, c.limits.config, 0, cmdRFConfiguration, item...)
	return err
}

// cycle takes the power from whatever lies in the field. It cures the modules on
// which every second search finds nothing.
func (c *chip) cycle(ctx context.Context) error {
	if err := c.release(ctx); err != nil {
		return err
	}
	if err := c.field(ctx, false); err != nil {
		return err
	}
	time.Sleep(c.limits.fieldOff)
	return c.field(ctx, true)
}

// release lets all cards go. That there was none is no error.
func (c *chip) release(ctx context.Context) error {
	_, err := c.command(ctx, c.limits.config, 1, cmdInRelease, 0x00)
	return err
}

// deselect puts the card to sleep: it stays silent until the field was off. That
// there was none is no error.
func (c *chip) deselect(ctx context.Context) error {
	_, err := c.command(ctx, c.limits.config, 1, cmdInDeselect, 0x00)
	return err
}

// powerDown puts the chip to sleep until a bus calls it: bits 7 to 4 are I2C,
// GPIO, SPI and HSU (UM0701-02, 7.2.11).
func (c *chip) powerDown(ctx context.Context) error {
	b, err := c.command(ctx, c.limits.config, 1, cmdPowerDown, 0xF0)
	if err == nil {
		err = statusOf(b)
	}
	return err
}

// target is a card as InListPassiveTarget describes it.
type target struct {
	number byte
	atqa   [2]byte
	sak    byte
	uid    []byte
}

// list looks for one card of ISO 14443 A at 106 kbit/s and selects it.
func (c *chip) list(ctx context.Context) (target, bool, error) {
	b, err := c.command(ctx, c.limits.list, 64, cmdInListPassiveTarget, 0x01, 0x00)
	if err != nil || len(b) == 0 || b[0] == 0 {
		return target{}, false, err
	}
	if len(b) < 6 || len(b) < 6+int(b[5]) || b[5] == 0 {
		return target{}, false, fmt.Errorf("%w: a card was found whose number cannot be read", errTimeout)
	}
	return target{number: b[1], atqa: [2]byte{b[2], b[3]}, sak: b[4], uid: bytes.Clone(b[6 : 6+int(b[5])])}, true, nil
}

// dataExchange sends a command of the card through the chip's own handling of
// cards, and gives what the card answered, n bytes at most.
func (c *chip) dataExchange(ctx context.Context, t target, n int, data ...byte) ([]byte, error) {
	b, err := c.command(ctx, c.limits.exchange, n+1, cmdInDataExchange, append([]byte{t.number}, data...)...)
	return body(b, err)
}

// communicateThru sends bytes to the card as they stand. InDataExchange would
// take 60h for the authentication of a Classic.
func (c *chip) communicateThru(ctx context.Context, n int, data ...byte) ([]byte, error) {
	b, err := c.command(ctx, c.limits.exchange, n+1, cmdInCommunicateThru, data...)
	return body(b, err)
}

// body checks the status that leads an answer.
func body(b []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	if err := statusOf(b); err != nil {
		return nil, err
	}
	return b[1:], nil
}
