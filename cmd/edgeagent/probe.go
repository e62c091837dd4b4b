package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"edgeagent/drivers"
	"edgeagent/drivers/iptv"
	"edgeagent/drivers/wifi"
	"edgeagent/internal/config"
	"edgeagent/pms"
	"edgeagent/pms/inspire"
	"edgeagent/pms/mews"
)

func probeCommand(path *string) *cobra.Command {
	var patience time.Duration
	cmd := &cobra.Command{
		Use:   "probe [NAME ...]",
		Short: "Ask every PMS link and device whether it is there; nothing moves",
		Long: `Probe connects to the PMS links and devices of the property file, or to those
named, and says of each what it found and which setting to change. It changes
nothing: no card, no screen, no code. Stop the agent first: a PMS link and a
serial port serve one at a time.

Where a lock system does not answer, it asks on at every speed, with an enquiry
(ENQ) only, and says what it sees: a loop plug, an echo, a parity bit, another
speed, silence. So it does with a PN532 on a serial line, which is asked for its
firmware. Of an encoder that answers it says how far its family has been
verified, and of a PN532 what locks must know of its signing key.`,
		Example: `  edgeagent probe --config property.yaml
  edgeagent probe --config property.yaml lobby-encoder`,
		ValidArgsFunction: namesIn(path, linksAndDevices),
	}
	output := outputFlag(cmd)
	cmd.Flags().DurationVar(&patience, "patience", time.Minute, "how long to wait in all")
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		loaded, problems := config.Load(*path)
		fmt.Fprint(os.Stderr, problems.Render())
		ctx, cancel := context.WithTimeout(cmd.Context(), patience)
		defer cancel()
		t := &teller{out: os.Stdout, paint: colours(os.Stdout), silent: asJSON, Found: []finding{}}
		if problems.Fatal() {
			learnPins(ctx, t, loaded)
			err = errSilent
		} else {
			err = withAgent(cmd, *path, probe(ctx, t, loaded, names))
		}
		if asJSON {
			return errors.Join(writeJSON(os.Stdout, t.Found), err)
		}
		return err
	}
	return cmd
}

// withAgent says of what did not answer that our own agent may have it: a link and a
// line serve one at a time.
func withAgent(cmd *cobra.Command, path string, err error) error {
	var usage usageError
	if err == nil || errors.As(err, &usage) {
		return err
	}
	if _, silent := askAgent(cmd, path, http.MethodGet, "/-/healthy"); silent != nil {
		return err
	}
	return fmt.Errorf("%w; this property's agent runs, and holds its links and lines: press Test on its page (edgeagent page), or stop it and probe again", err)
}

// probe asks all, or those named.
func probe(ctx context.Context, t *teller, l *config.Loaded, names []string) error {
	if err := allKnown(l, names); err != nil {
		return usageError{err}
	}
	asked, failed := 0, 0
	for i := range l.PMS {
		p := &l.PMS[i]
		if len(names) > 0 && !slices.Contains(names, p.Name) {
			continue
		}
		asked++
		wait := awaiting("asking " + p.Name)
		well := probeLink(ctx, t.after(wait), p, l)
		wait.over()
		if !well {
			failed++
		}
	}
	for i := range l.Devices {
		d := &l.Devices[i]
		if len(names) > 0 && !slices.Contains(names, d.Name) {
			continue
		}
		asked++
		wait := awaiting("asking " + d.Name)
		well := probeDevice(ctx, t.after(wait), d, l)
		wait.over()
		if !well {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d did not answer as they should", failed, asked)
	}
	return nil
}

// linksAndDevices are the names of all that can be asked.
func linksAndDevices(f *config.File) (names []string) {
	for i := range f.PMS {
		names = append(names, f.PMS[i].Name)
	}
	for i := range f.Devices {
		names = append(names, f.Devices[i].Name)
	}
	return names
}

// allKnown reports a name that the property file does not have.
func allKnown(l *config.Loaded, names []string) error {
	known := linksAndDevices(&l.File)
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("the property file has no link or device %q; it has %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

func probeLink(ctx context.Context, t *teller, p *config.PMS, l *config.Loaded) bool {
	findings, err := findings(ctx, p, l)
	if err != nil {
		t.say(p.Name, false, err.Error(), "")
		return false
	}
	well := true
	for _, f := range findings {
		well = well && f.OK
		t.say(p.Name, f.OK, f.Step+": "+f.Text, f.Advice)
	}
	return well
}

// findings are what a link says of itself.
func findings(ctx context.Context, p *config.PMS, l *config.Loaded) ([]pms.Finding, error) {
	if p.Mews != nil {
		src, err := mews.New(p.Name, *p.Mews, mews.Deps{Log: zerolog.Nop(), Secret: config.Secret, Zone: l.Zone, Version: version()})
		if err != nil {
			return nil, err
		}
		return src.Probe(ctx), nil
	}
	src, err := inspire.New(p.Name, *p.Inspire, inspire.Deps{
		Log: zerolog.Nop(), Secret: config.Secret, Memory: &forgetful{}, Zone: l.Zone, Version: version(),
	})
	if err != nil {
		return nil, err
	}
	return src.Probe(ctx), nil
}

// forgetful is the memory of a link that is only probed.
type forgetful struct{ kept []byte }

func (f *forgetful) Load() ([]byte, error) { return f.kept, nil }
func (f *forgetful) Save(b []byte) error   { f.kept = b; return nil }

func probeDevice(ctx context.Context, t *teller, d *config.Device, l *config.Loaded) bool {
	site := drivers.Site{
		Property: l.Property.ID, Label: l.Property.Name, Zone: l.Zone, Language: l.Property.Language,
		Key: []byte("probe"), Secret: config.Secret, Log: zerolog.Nop(),
		Wanted: func(string) []drivers.Command { return nil },
		Known:  func(string, string) map[string]string { return nil },
	}
	if d.Keycard != nil {
		return probeEncoder(ctx, t, d, site)
	}
	if err := try(ctx, d, site); err != nil {
		t.say(d.Name, false, err.Error(), "")
		return false
	}
	t.say(d.Name, true, d.Kind()+" answers", "")
	return true
}

// try asks one device. TVs are asked under another client id, so that an agent
// that runs meanwhile is not thrown off its broker.
func try(ctx context.Context, d *config.Device, site drivers.Site) error {
	if d.IPTV != nil {
		return iptv.Try(ctx, d.Name, *d.IPTV, site)
	}
	driver, err := open(d, site)
	if err != nil {
		return err
	}
	return errors.Join(driver.Probe(ctx), driver.Halt())
}

// learnPins shows the certificates of controllers to whoever sets them up: a
// property file without a pin is not right yet, and the pin comes from here.
// What is spoken to in the clear has none.
func learnPins(ctx context.Context, t *teller, l *config.Loaded) {
	if l == nil {
		return
	}
	for i := range l.Devices {
		d := &l.Devices[i]
		if d.WiFi == nil || d.WiFi.TLS != (wifi.TLS{}) || d.WiFi.URL == "" || strings.HasPrefix(d.WiFi.URL, "http://") {
			continue
		}
		shown, err := wifi.Fingerprint(ctx, d.WiFi.URL)
		if err != nil {
			t.say(d.Name, false, err.Error(), "")
			continue
		}
		t.say(d.Name, false, fmt.Sprintf("has no pin yet; its controller shows a certificate of %s, good until %s, with the SHA-256 %s",
			plain(shown.Subject), shown.NotAfter.Format(time.DateOnly), shown.SHA256),
			"if the controller's own page shows the same, write tls: { pin_sha256: "+shown.SHA256+" }")
	}
}
