package main

import (
	"context"
	"crypto/sha256"
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
	loaded *config.Loaded // as it was at the start: what waits for a restart differs from that
	// secrets are those of the page's users then, see secretsOf.
	secrets string
	log     zerolog.Logger
}

// reloadOn reloads at each signal.
func (h *house) reloadOn(ctx context.Context, signals <-chan os.Signal, r *reload) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
		}
		_, _ = h.reload(r) // it is logged, and shown on the page
	}
}

// reload reads the property file and takes over what can be. With a problem in
// it nothing is: what was read before stays in force. restart says what of it
// counts only after a restart; "" for nothing.
func (h *house) reload(r *reload) (restart string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fresh, problems := config.Load(r.path)
	if problems.Fatal() {
		first := problems[0].String()
		if n := len(problems); n > 1 {
			first += fmt.Sprintf(", and %d more", n-1)
		}
		h.agent.ReloadRefused(first)
		r.log.Error().Int("problems", len(problems)).Str("problem", first).Msg("the property file was not taken over")
		return "", errors.New("nothing was taken over: " + first)
	}
	h.renewCertificates(r.log)
	h.remap(fresh)
	restart = restartFor(needRestart(r.loaded, fresh), r.secrets != secretsOf(&fresh.File))
	h.agent.Reload(fresh.Table, restart)
	line := r.log.Info()
	if restart != "" {
		line.Str("restart", restart)
	}
	line.Msg("rules and rooms taken over from the property file")
	return restart, nil
}

// restartFor says what counts only after a restart, "" for nothing: sections of the
// property file, and what users of the page prove themselves with.
func restartFor(sections []string, secrets bool) string {
	var what []string
	switch len(sections) {
	case 0:
	case 1:
		what = append(what, "in the section "+sections[0])
	default:
		what = append(what, "in the sections "+strings.Join(sections[:len(sections)-1], ", ")+" and "+sections[len(sections)-1])
	}
	if secrets {
		what = append(what, "in the password or token file of a user of the page")
	}
	if len(what) == 0 {
		return ""
	}
	return "what has changed " + strings.Join(what, ", and ") + " counts after a restart"
}

// secretsOf is a sum over what the users of the page prove themselves with, as it
// stands in their files: it changes when one of them does.
func secretsOf(f *config.File) string {
	sum := sha256.New()
	for _, u := range f.Status.Users {
		for _, file := range []string{u.PasswordFile, u.TokenFile} {
			text := ""
			if file != "" {
				text, _ = config.Secret(file) // one that cannot be read is a problem of the file
			}
			fmt.Fprintf(sum, "%d %s\n", len(text), text)
		}
	}
	return string(sum.Sum(nil))
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
