package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"edgeagent/drivers"
	"edgeagent/drivers/keycard"
	"edgeagent/internal/config"
)

// probeEncoder asks an encoder. Where a lock system, or a module on a serial line,
// does not answer, it looks closer at the line, and says what stands there.
func probeEncoder(ctx context.Context, t *teller, d *config.Device, site drivers.Site) bool {
	driver, err := open(d, site)
	if err != nil {
		t.say(d.Name, false, err.Error(), "")
		return false
	}
	text, err := identify(ctx, driver)
	err = errors.Join(err, driver.Halt())
	if err == nil {
		t.say(d.Name, true, text, d.Keycard.Caveat())
		return true
	}
	t.say(d.Name, false, err.Error(), "")
	if _, silent := errors.AsType[*drivers.LinkDown](err); silent && (!d.Keycard.IsPN532() || d.Keycard.Port != "") {
		diagnose(ctx, t, d.Keycard, err.Error())
	}
	return false
}

// bare is a device without the panel around it.
func bare(driver drivers.Driver) drivers.Driver {
	if fitted, ok := driver.(interface{ Unwrap() drivers.Driver }); ok {
		return fitted.Unwrap()
	}
	return driver
}

// trace is what an encoder of the house remembers of its line, a line each.
func (h *house) trace(device string) (string, error) {
	for _, d := range h.devices {
		encoder, ok := bare(d).(interface{ Trace() []keycard.TraceEntry })
		if d.String() != device || !ok {
			continue
		}
		var b strings.Builder
		for _, e := range encoder.Trace() {
			direction := "<"
			if e.Sent {
				direction = ">"
			}
			fmt.Fprintf(&b, "%s %s %s\n", e.At.UTC().Format("2006-01-02T15:04:05.000Z"), direction, e.Text)
		}
		return b.String(), nil
	}
	return "", fmt.Errorf("there is no encoder %q", device)
}

// identify asks a device whether it is there, and what it is.
func identify(ctx context.Context, driver drivers.Driver) (string, error) {
	if err := driver.Probe(ctx); err != nil {
		return "", err
	}
	if m, ok := bare(driver).(*keycard.Module); ok {
		return m.Identify(ctx)
	}
	return "keycard answers", nil
}

// diagnose says what stands on a line, beside what has been said of it.
func diagnose(ctx context.Context, t *teller, cfg *keycard.Config, said string) {
	found := keycard.Diagnose(ctx, *cfg, t.below)
	if ctx.Err() != nil {
		t.below("there was no time to look closer: give --patience 2m")
		return
	}
	if !strings.Contains(said, found.Text) {
		t.below(found.Text)
	}
	if found.Advice != "" {
		t.below(found.Advice)
	}
}
