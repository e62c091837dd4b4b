package main

import (
	"context"
	"os"

	"github.com/rs/zerolog"
)

// reloader is a device that can read its certificates anew while it works. An
// error means that it goes on with those it had.
type reloader interface{ Reload() error }

// reloadOn has the devices read their certificates anew at each signal. It
// takes the time of nobody else: what it does is quick and local.
func (h *house) reloadOn(ctx context.Context, signals <-chan os.Signal, log zerolog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
		}
		for _, d := range h.devices {
			r, ok := d.(reloader)
			if !ok {
				continue
			}
			if err := r.Reload(); err != nil {
				log.Error().Err(err).Str("device", d.String()).Msg("certificates")
				continue
			}
			log.Info().Str("device", d.String()).Msg("certificates read anew")
		}
	}
}
