package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/rs/zerolog"

	"edgeagent/drivers"
	"edgeagent/drivers/iptv"
	"edgeagent/internal/config"
)

// What a running agent takes over from its property file without a restart: the
// rules, the names that rooms have at encoders and TVs, and the TVs' certificates.

// renewer is a device that can read its certificates anew while it works. An
// error means that it goes on with those it had.
type renewer interface{ Reload() error }

// reloads are done one after the other.
type reload struct {
	mu     sync.Mutex
	path   string
	loaded *config.Loaded // as it was at the start, with what was taken over since
	log    zerolog.Logger
}

// reloadOn reloads at each signal.
func (h *house) reloadOn(ctx context.Context, signals <-chan os.Signal, r *reload) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
		}
		_ = h.reload(r) // it is logged, and shown on the page
	}
}

// reload reads the property file and takes over what can be. With a problem in
// it nothing is: the old rules and names stay in force.
func (h *house) reload(r *reload) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	h.renewCertificates(r.log)
	fresh, problems := config.Load(r.path)
	if problems.Fatal() {
		first := problems[0].String()
		if n := len(problems); n > 1 {
			first += fmt.Sprintf(", and %d more", n-1)
		}
		h.agent.ReloadRefused(first)
		r.log.Error().Int("problems", len(problems)).Str("problem", first).Msg("the property file was not taken over")
		return errors.New("nothing was taken over: " + first)
	}
	h.remap(fresh)
	restart := ""
	if changed := needRestart(r.loaded, fresh); len(changed) > 0 {
		restart = "a change of " + strings.Join(changed, ", ") + " counts after a restart"
	}
	h.agent.Reload(fresh.Table, restart)
	r.log.Info().Str("waits for a restart", restart).Msg("rules and rooms taken over from the property file")
	return nil
}

// remap gives encoders and TVs the names that rooms have now.
func (h *house) remap(fresh *config.Loaded) {
	for i := range fresh.Devices {
		d := &fresh.Devices[i]
		at := slices.IndexFunc(h.devices, func(v drivers.Driver) bool { return v.String() == d.Name })
		if at < 0 {
			continue
		}
		if tvs, ok := h.devices[at].(*iptv.Driver); ok && d.IPTV != nil {
			tvs.SetRooms(d.IPTV.Rooms)
		}
		if encoder, ok := bare(h.devices[at]).(interface{ SetRooms(map[string]string) }); ok && d.Keycard != nil {
			encoder.SetRooms(d.Keycard.Rooms)
		}
	}
}

// needRestart names the parts of the file that differ and are not taken over.
func needRestart(running, fresh *config.Loaded) []string {
	var changed []string
	a, b := takenOut(running), takenOut(fresh)
	for i := range a.NumField() {
		if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("yaml"), ",")
			changed = append(changed, name)
		}
	}
	return changed
}

// takenOut is a property file without what can be taken over while it runs.
func takenOut(l *config.Loaded) reflect.Value {
	file := l.File
	file.Rules = nil
	file.Devices = slices.Clone(file.Devices)
	for i := range file.Devices {
		d := &file.Devices[i]
		if d.IPTV != nil {
			section := *d.IPTV
			section.Rooms, d.IPTV = nil, &section
		}
		if d.Keycard != nil {
			section := *d.Keycard
			section.Rooms, d.Keycard = nil, &section
		}
	}
	return reflect.ValueOf(file)
}

func (h *house) renewCertificates(log zerolog.Logger) {
	for _, d := range h.devices {
		r, ok := d.(renewer)
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
