package main

import (
	"io"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/spi"

	"edgeagent/drivers"
	"edgeagent/drivers/keycard"
	"edgeagent/drivers/keycard/panel"
	"edgeagent/internal/busdev"
	"edgeagent/internal/gpiochip"
)

// openEncoder opens an encoder, and its panel if it has one. The panel comes
// first: whatever is the matter with the encoder, no door is left open.
func openEncoder(name string, cfg *keycard.Config, site drivers.Site) (drivers.Driver, error) {
	if cfg.Panel == nil {
		return keycard.OpenEncoder(name, *cfg, site, deps(nil))
	}
	p, err := panel.Open(name, *cfg.Panel, site, gpioLine)
	if err != nil {
		return nil, err
	}
	encoder, err := keycard.OpenEncoder(name, *cfg, site, deps(nil))
	if err != nil {
		_ = p.Halt() // the encoder's trouble is the one to tell of
		return nil, err
	}
	return panel.Wrap(encoder, p, keycard.WithoutCard), nil
}

// deps open buses and lines of this machine. None of them may be a nil that
// looks like a bus.
func deps(transcript io.Writer) keycard.Deps {
	return keycard.Deps{
		SPI: func(bus string) (spi.PortCloser, error) {
			s, err := busdev.OpenSPI(bus)
			if err != nil {
				return nil, err
			}
			return s, nil
		},
		I2C: func(bus string) (i2c.BusCloser, error) {
			b, err := busdev.OpenI2C(bus)
			if err != nil {
				return nil, err
			}
			return b, nil
		},
		GPIO: gpioLine, Transcript: transcript,
	}
}

// gpioLine finds a GPIO line of this machine.
func gpioLine(chip, line string) (gpio.PinIO, error) {
	l, err := gpiochip.Open(chip, line)
	if err != nil {
		return nil, err // not a nil line that looks like one
	}
	return l, nil
}
