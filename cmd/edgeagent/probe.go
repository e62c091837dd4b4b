package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"edgeagent/drivers"
	"edgeagent/drivers/iptv"
	"edgeagent/drivers/wifi"
	"edgeagent/internal/config"
	"edgeagent/pms/inspire"
)

func probeCommand(path *string) *cobra.Command {
	var patience time.Duration
	cmd := &cobra.Command{
		Use:   "probe [NAME ...]",
		Short: "Ask every PMS link and device whether it is there; nothing moves",
		Long: `Probe connects to the PMS links and devices of the property file, or to those
named, and says of each what it found and which setting to change. It changes
nothing: no card, no screen, no code. Stop the agent first: a PMS link and a
serial port serve one at a time.`,
		Example: `  edgeagent probe --config property.yaml
  edgeagent probe --config property.yaml lobby-encoder`,
		RunE: func(cmd *cobra.Command, names []string) error {
			loaded, problems := config.Load(*path)
			fmt.Fprint(os.Stderr, problems.Render())
			if problems.Fatal() {
				return errSilent
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), patience)
			defer cancel()
			return probe(ctx, os.Stdout, loaded, names)
		},
	}
	cmd.Flags().DurationVar(&patience, "patience", time.Minute, "how long to wait in all")
	return cmd
}

// probe asks all, or those named.
func probe(ctx context.Context, out io.Writer, l *config.Loaded, names []string) error {
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
	}
	asked, failed := 0, 0
	for i := range l.PMS {
		p := &l.PMS[i]
		if len(names) > 0 && !wanted[p.Name] {
			continue
		}
		asked++
		if !probeLink(ctx, out, p, l) {
			failed++
		}
	}
	for i := range l.Devices {
		d := &l.Devices[i]
		if len(names) > 0 && !wanted[d.Name] {
			continue
		}
		asked++
		if !probeDevice(ctx, out, d, l) {
			failed++
		}
	}
	switch {
	case asked == 0:
		return usageError{fmt.Errorf("the property file has no link or device of that name")}
	case failed > 0:
		return fmt.Errorf("%d of %d did not answer as they should", failed, asked)
	}
	return nil
}

func probeLink(ctx context.Context, out io.Writer, p *config.PMS, l *config.Loaded) bool {
	src, err := inspire.New(p.Name, *p.Inspire, inspire.Deps{
		Log: zerolog.Nop(), Secret: config.Secret, Memory: &forgetful{}, Zone: l.Zone, Version: version(),
	})
	if err != nil {
		fmt.Fprintf(out, "%-18s %v\n", p.Name, err)
		return false
	}
	well := true
	for _, f := range src.Probe(ctx) {
		mark := "ok"
		if !f.OK {
			mark, well = "NO", false
		}
		fmt.Fprintf(out, "%-18s %-2s %s: %s\n", p.Name, mark, f.Step, f.Text)
	}
	return well
}

// forgetful is the memory of a link that is only probed.
type forgetful struct{ kept []byte }

func (f *forgetful) Load() ([]byte, error) { return f.kept, nil }
func (f *forgetful) Save(b []byte) error   { f.kept = b; return nil }

func probeDevice(ctx context.Context, out io.Writer, d *config.Device, l *config.Loaded) bool {
	if d.WiFi != nil && d.WiFi.TLS == (wifi.TLS{}) {
		return learnPin(ctx, out, d)
	}
	site := drivers.Site{
		Property: l.Property.ID, Label: l.Property.Name, Zone: l.Zone, Language: l.Property.Language,
		Key: []byte("probe"), Secret: config.Secret, Log: zerolog.Nop(),
		Wanted: func(string) []drivers.Command { return nil },
		Known:  func(string, string) map[string]string { return nil },
	}
	if err := try(ctx, d, site); err != nil {
		fmt.Fprintf(out, "%-18s NO %v\n", d.Name, err)
		return false
	}
	fmt.Fprintf(out, "%-18s ok %s answers\n", d.Name, d.Kind())
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
	defer driver.Halt()
	return driver.Probe(ctx)
}

// learnPin shows the controller's certificate to whoever sets it up.
func learnPin(ctx context.Context, out io.Writer, d *config.Device) bool {
	pin, err := wifi.Fingerprint(ctx, d.WiFi.URL)
	if err != nil {
		fmt.Fprintf(out, "%-18s NO %v\n", d.Name, err)
		return false
	}
	fmt.Fprintf(out, "%-18s NO its certificate has the SHA-256 %s; if that is what the controller's own page shows, write tls: { pin_sha256: %s }\n", d.Name, pin, pin)
	return false
}
