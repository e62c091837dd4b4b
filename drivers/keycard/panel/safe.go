package panel

import (
	"errors"
	"fmt"

	"periph.io/x/conn/v3/gpio"
)

// Safe switches a panel's outputs off, the relay first, and gives their lines
// back. It is for what a process has left on that was killed, so it takes a
// section as it is: what is wrong elsewhere in it is no reason to leave a door open.
func Safe(cfg Config, find Finder) error {
	cfg = cfg.WithDefaults()
	var errs []error
	off := func(part, line, active string) {
		if err := switchOff(find, cfg.Chip, line, active); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", part, err))
		}
	}
	if r := cfg.Relay; r != nil {
		off(relayPart, r.Line, r.Active)
	}
	if b := cfg.Buzzer; b != nil {
		off(buzzerPart, b.Line, b.Active)
	}
	if l := cfg.Lamp; l != nil {
		off(lampPart, l.Line, l.Active)
	}
	return errors.Join(errs...)
}

func switchOff(find Finder, chip, line, active string) error {
	level, err := levelOf(active)
	if err != nil {
		return err
	}
	pin, err := find(chip, line)
	if err != nil {
		return err
	}
	return errors.Join(pin.Out(!level), release([]gpio.PinIO{pin}))
}
