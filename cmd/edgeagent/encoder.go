package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"edgeagent/drivers"
	"edgeagent/drivers/keycard"
	"edgeagent/internal/config"
)

// probeEncoder asks an encoder. Where a lock system, or a module on a serial line,
// does not answer, it looks closer at the line, and says what stands there.
func probeEncoder(ctx context.Context, out io.Writer, d *config.Device, site drivers.Site) bool {
	driver, err := open(d, site)
	if err != nil {
		say(out, d.Name, false, err.Error(), "")
		return false
	}
	text, err := identify(ctx, driver)
	err = errors.Join(err, driver.Halt())
	if err == nil {
		say(out, d.Name, true, text, d.Keycard.Caveat())
		return true
	}
	say(out, d.Name, false, err.Error(), "")
	if _, silent := errors.AsType[*drivers.LinkDown](err); silent && (!d.Keycard.IsPN532() || d.Keycard.Port != "") {
		diagnose(ctx, out, d.Keycard, err.Error())
	}
	return false
}

// identify asks a device whether it is there, and what it is.
func identify(ctx context.Context, driver drivers.Driver) (string, error) {
	if err := driver.Probe(ctx); err != nil {
		return "", err
	}
	if fitted, ok := driver.(interface{ Unwrap() drivers.Driver }); ok {
		driver = fitted.Unwrap()
	}
	if m, ok := driver.(*keycard.Module); ok {
		return m.Identify(ctx)
	}
	return "keycard answers", nil
}

// diagnose says what stands on a line, beside what has been said of it.
func diagnose(ctx context.Context, out io.Writer, cfg *keycard.Config, said string) {
	below := func(text string) { fmt.Fprintf(out, "%-18s    %s\n", "", text) }
	found := keycard.Diagnose(ctx, *cfg, below)
	if ctx.Err() != nil {
		below("there was no time to look closer: give --patience 2m")
		return
	}
	if !strings.Contains(said, found.Text) {
		below(found.Text)
	}
	if found.Advice != "" {
		below(found.Advice)
	}
}
