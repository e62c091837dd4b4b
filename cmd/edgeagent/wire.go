package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"edgeagent/drivers"
	"edgeagent/drivers/iptv"
	"edgeagent/drivers/wifi"
	"edgeagent/internal/agent"
	"edgeagent/internal/config"
	"edgeagent/offsetstore"
	"edgeagent/pms"
	"edgeagent/pms/inspire"
	"edgeagent/pms/mews"
)

// widths is how many commands of a kind of device may be under way at once.
var widths = map[string]int{
	"keycard": 1,  // one person, one encoder
	"iptv":    16, // TVs answer by themselves
	"wifi":    2,  // controllers are slow and limit their callers
}

// house is everything that runs, put together.
type house struct {
	agent   *agent.Agent
	store   *offsetstore.Store
	devices []drivers.Driver
}

// build puts a house together from a property file. Nothing connects to a PMS yet.
func build(l *config.Loaded, log zerolog.Logger) (h *house, err error) {
	if err := os.MkdirAll(filepath.Dir(l.Store), 0o700); err != nil {
		return nil, fmt.Errorf("the folder of the store: %w", err)
	}
	made := &house{}
	h = made
	defer func() {
		if err != nil { // h is nil by then
			made.close()
		}
	}()
	clock := agent.NewClock()
	if h.store, err = offsetstore.Open(l.Store, offsetstore.Options{Trusted: clock.Trusted, Quiet: letGo}); err != nil {
		return nil, err
	}
	clock.SeenAt(h.store.Clock())
	ledger, err := ledger(l, h.store)
	if err != nil {
		return nil, err
	}
	o := agent.Options{
		Store: h.store, Ledger: ledger, Table: l.Table, Clock: clock, Log: log, Standing: outside,
		Patience: agent.Patience{Hold: l.Patience.Hold, First: l.Patience.First, Most: l.Patience.Most},
	}
	for i := range l.PMS {
		src, err := source(&l.PMS[i], l, h.store, log)
		if err != nil {
			return nil, err
		}
		o.Sources = append(o.Sources, src)
	}
	site := site(l, h.store, log)
	site.Late = func(id string, done bool, note string) { h.agent.Late(id, done, note) } // no driver works before the agent
	for i := range l.Devices {
		d := &l.Devices[i]
		driver, err := open(d, site)
		if err != nil {
			return nil, err
		}
		h.devices = append(h.devices, driver)
		o.Devices = append(o.Devices, agent.Device{
			Driver: driver, Kind: d.Kind(), Keys: keysOf(d), Actions: d.Actions(), Width: widths[d.Kind()],
		})
	}
	h.agent = agent.New(o)
	return h, nil
}

// letGo gives memory back in which a start or a burst has left nothing alive. Go's
// runtime would keep it for minutes, for the next burst.
func letGo() { go debug.FreeOSMemory() } // no commit has to wait for the collector

// close releases the devices, then the store.
func (h *house) close() error {
	var errs []error
	for _, d := range h.devices {
		errs = append(errs, d.Halt())
	}
	if h.store != nil {
		errs = append(errs, h.store.Close())
	}
	return errors.Join(errs...)
}

// ledger is who is in which room, as the store knows it. The stays go into it one
// by one: a house that has been open for weeks has thousands.
func ledger(l *config.Loaded, store *offsetstore.Store) (*pms.Ledger, error) {
	var err error
	made := pms.NewLedger(pms.FoldOptions{
		Key: store.Key(), Zone: l.Zone, CheckIn: l.CheckInAt, CheckOut: l.CheckOutAt, Freshness: l.Freshness,
	}, func(yield func(pms.Stay) bool) {
		err = store.Records(func(_ string, record []byte) error {
			var stay pms.Stay
			if err := json.Unmarshal(record, &stay); err != nil {
				return fmt.Errorf("a stay cannot be read: %w", err)
			}
			yield(stay) // the ledger takes them all
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return made, nil
}

func source(p *config.PMS, l *config.Loaded, store *offsetstore.Store, log zerolog.Logger) (pms.Source, error) {
	if p.Mews != nil {
		return mews.New(p.Name, *p.Mews, mews.Deps{
			Log: log.With().Str("pms", p.Name).Logger(), Secret: config.Secret, Zone: l.Zone, Version: version(),
			InHouse: func() []string { return inHouse(store, p.Name) },
		})
	}
	return inspire.New(p.Name, *p.Inspire, inspire.Deps{
		Log: log.With().Str("pms", p.Name).Logger(), Secret: config.Secret, Memory: store.Memory(p.Name),
		Zone: l.Zone, Version: version(),
	})
}

// inHouse lists the reservations of a link that the store holds in house.
func inHouse(store *offsetstore.Store, link string) (reservations []string) {
	_ = store.Records(func(_ string, record []byte) error { // what cannot be read was told of at the start
		var stay pms.Stay
		if json.Unmarshal(record, &stay) == nil && stay.Source == link && stay.Status == pms.StatusInHouse {
			reservations = append(reservations, stay.Reservation)
		}
		return nil
	})
	return reservations
}

func site(l *config.Loaded, store *offsetstore.Store, log zerolog.Logger) drivers.Site {
	return drivers.Site{
		Property: l.Property.ID, Label: l.Property.Name, Zone: l.Zone, Language: l.Property.Language,
		Key: store.Key(), Secret: config.Secret, Log: log,
		Known:       func(device, subject string) map[string]string { return known(l, store, device, subject) },
		Wanted:      func(device string) []drivers.Command { return wanted(store, device, log) },
		Interrupted: func(device string) bool { return interrupted(store, device) },
	}
}

// maxLate is how long an encoder may take to tell of a card at the very most: an
// hour is the longest that t_late can be.
const maxLate = time.Hour

// interrupted reports whether nobody knows the outcome of a job that a device
// was at work on lately. The store has found those of a process that died.
func interrupted(store *offsetstore.Store, device string) bool {
	unknown, err := store.Unknown()
	return err != nil || slices.ContainsFunc(unknown, func(c offsetstore.Command) bool {
		return c.Lane == device && time.Since(c.Settled) < maxLate
	})
}

// wanted is what the store knows of a device's settings, in the driver's words.
func wanted(store *offsetstore.Store, device string, log zerolog.Logger) []drivers.Command {
	settings, err := store.Wanted(device)
	if err != nil {
		log.Error().Err(err).Msg("the store cannot be read")
		return nil
	}
	commands := make([]drivers.Command, 0, len(settings))
	for _, c := range settings {
		cmd, err := agent.Command(c)
		if err == nil {
			if c.Hold.After(cmd.Due) {
				cmd.Due = c.Hold // from a replay that is not over
			}
			if store.Behind(c.Source) {
				cmd.Due = time.Now().Add(time.Hour) // of the time of a backup: its guest may have left
			}
			commands = append(commands, cmd)
		}
	}
	return commands
}

func open(d *config.Device, site drivers.Site) (drivers.Driver, error) {
	site.Log = site.Log.With().Str("device", d.Name).Logger()
	switch {
	case d.Keycard != nil:
		return openEncoder(d.Name, d.Keycard, site)
	case d.IPTV != nil:
		return iptv.Open(d.Name, *d.IPTV, site)
	}
	return wifi.Open(d.Name, *d.WiFi, site)
}
