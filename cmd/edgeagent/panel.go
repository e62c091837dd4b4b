package main

import (
	"periph.io/x/conn/v3/gpio"

	"edgeagent/drivers"
	"edgeagent/drivers/keycard"
	"edgeagent/drivers/keycard/panel"
	"edgeagent/internal/gpiochip"
)

// openEncoder opens an encoder, and its panel if it has one. The panel comes
// first: whatever is the matter with the encoder, no door is left open.
func openEncoder(name string, cfg *keycard.Config, site drivers.Site) (drivers.Driver, error) {
	if cfg.Panel == nil {
		return keycard.Open(name, *cfg, site)
	}
	p, err := panel.Open(name, *cfg.Panel, site, gpioLine)
	if err != nil {
		return nil, err
	}
	encoder, err := keycard.Open(name, *cfg, site)
	if err != nil {
		_ = p.Halt() // the encoder's trouble is the one to tell of
		return nil, err
	}
	return panel.Wrap(encoder, p, keycard.WithoutCard), nil
}

// gpioLine finds a GPIO line of this machine.
func gpioLine(chip, line string) (gpio.PinIO, error) {
	l, err := gpiochip.Open(chip, line)
	if err != nil {
		return nil, err // not a nil line that looks like one
	}
	return l, nil
}
