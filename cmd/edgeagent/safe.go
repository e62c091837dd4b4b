package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"edgeagent/drivers/keycard/panel"
	"edgeagent/internal/config"
)

func safeCommand(path *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "safe",
		Short: "Put the door relays of all panels back, and lamps and buzzers out",
		Long: `Safe puts the door relay of every encoder's panel to its safe level, then
buzzers and lamps out. It opens the property file and those GPIO lines, nothing
else, and takes no longer than a few seconds.

An agent that is told to stop does this by itself. One that was killed cannot:
the unit that ships calls this verb after every end of the agent. While an agent
runs, the lines are its own, and safe says so and changes nothing.

It exits with 1 if an output could not be switched off.`,
		Example: "  edgeagent safe --config /etc/edgeagent/property.yaml",
		Args:    noArgs,
	}
	output := outputFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		file, err := config.Peek(*path)
		if err != nil {
			return err
		}
		if err := within(5*time.Second, func() error { return safe(file, gpioLine) }); err != nil {
			return err
		}
		return tellResult(asJSON, result{Done: "safe"})
	}
	return cmd
}

// safe switches off the outputs of all panels. One that fails keeps no other from it.
func safe(file *config.File, find panel.Finder) error {
	var errs []error
	for i := range file.Devices {
		d := &file.Devices[i]
		if d.Keycard == nil || d.Keycard.Panel == nil {
			continue
		}
		if err := panel.Safe(*d.Keycard.Panel, find); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", d.Name, err))
		}
	}
	return errors.Join(errs...)
}

// within bounds what the kernel may take for it: a stop must not hang on a chip that does.
func within(limit time.Duration, work func() error) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("broke off (a fault of edgeagent; please report it): %v", p)
			}
		}()
		done <- work()
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(limit):
		return fmt.Errorf("the GPIO lines did not answer within %s: cut the power of the door relays", limit)
	}
}
