package main

import (
	"context"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/rs/zerolog"

	"edgeagent/internal/agent"
)

// watchdog feeds systemd's watchdog until ctx is done, if it set one on us. It
// goes hungry when a loop is stuck: systemd then restarts the agent.
func watchdog(ctx context.Context, stuck func() []agent.Stuck, log zerolog.Logger) error {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return fmt.Errorf("WATCHDOG_USEC: %w; it is set by systemd, not by hand", err)
	}
	if limit == 0 {
		return nil
	}
	feed(ctx, limit/3, stuck, log, func() { _, _ = daemon.SdNotify(false, daemon.SdNotifyWatchdog) })
	return nil
}

// feed calls bite as often as that is due and nothing is stuck.
func feed(ctx context.Context, every time.Duration, stuck func() []agent.Stuck, log zerolog.Logger, bite func()) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	told := map[agent.Stuck]bool{}
	for {
		found := stuck()
		if len(found) == 0 {
			bite()
		}
		for _, s := range found {
			if !told[s] {
				told[s] = true
				log.Error().Str("loop", s.Loop).Time("since", s.Since).Msg("a loop is stuck; systemd restarts the agent")
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
