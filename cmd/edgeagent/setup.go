package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"edgeagent/internal/config"
	"edgeagent/internal/logring"
	"edgeagent/internal/web"
)

func setupCommand(path *string) *cobra.Command {
	var listen string
	var tell []string
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Serve the page that sets up a new gateway",
		Long: `Setup is for a gateway that has no property file yet, or one with faults. It serves
a page on the local network that shows the gateway's serial ports and addresses,
makes a property file from a few questions or takes one, shows its faults with
their lines, keeps the secrets that it names, and installs it once it is sound.
Then setup ends, and the agent can start. With a sound property file it has
nothing to do and ends at once.

Whoever sees the gateway may use the page: its address, a setup code and the
fingerprint of its certificate are printed, and written to the files of --tell.
If one of those is there already and has a line "Setup code: ...", of eight
characters or more, that is the code: so a gateway without a screen can be given
one on its card. With a shorter one the page has a code of its own, and says so
there. The files are removed when the gateway is set up.

A sound property file that is put in place by other means ends setup too, unless
somebody is at work on the page.`,
		Example: `  edgeagent setup
  edgeagent setup --config /etc/edgeagent/property.yaml --tell /boot/firmware/edgeagent/SETUP.txt`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return setUp(ctx, *path, listen, tell, os.Stdout, os.Stderr)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", ":8443", "where the page is: an address of this machine, or none for all, and a port")
	cmd.Flags().StringArrayVar(&tell, "tell", nil, "a file or terminal that tells address, code and fingerprint too; may be given several times")
	return cmd
}

// setUp serves the page until the property file is sound.
func setUp(ctx context.Context, path, listen string, tell []string, out, logs io.Writer) error {
	loaded, problems := config.Load(path)
	if !problems.Fatal() {
		fmt.Fprintf(out, "%sthere is nothing to set up\n", config.Report(path, loaded, problems))
		ready("nothing to set up")
		return nil
	}
	log := logger(logs, logring.New(), "info")
	d, err := newDesk(path)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("setup page: %w; is another one running, or has the status page that address?", err)
	}
	d.at = l.Addr().(*net.TCPAddr)
	t := &setupNotice{files: tell, out: out, log: log, fingerprint: fingerprintOf(d.pair.Certificate[0]), page: d.pages}
	if t.code, t.why = setupCode(tell); t.why != "" {
		log.Warn().Msg(t.why)
	}
	defer t.forget()
	if err := t.tell(); err != nil {
		return err
	}
	shown, done := context.WithCancel(ctx)
	defer done()
	page := &web.Setup{Version: version(), Told: t.where(), Code: t.code, Named: d.named, Log: log, Desk: d.desk(done)}
	page.Begin(bounded(path))
	for _, p := range problems {
		if !p.Warning && page.Begun() {
			log.Warn().Str("problem", p.String()).Msg("property file")
		}
	}
	group, shown := errgroup.WithContext(shown)
	group.Go(func() error {
		return web.Serve(shown, tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, Certificates: []tls.Certificate{*d.pair}}), page.Handler())
	})
	group.Go(func() error { defer done(); return attend(shown, path, page, t, log) })
	ready("waiting for somebody to set up this gateway")
	if err := group.Wait(); err != nil {
		return err
	}
	if _, problems := config.Load(path); problems.Fatal() {
		log.Info().Msg("stopped; the gateway is not set up yet")
		return nil
	}
	fmt.Fprintf(out, "%s is in place; the agent can start: edgeagent run, or systemctl start edgeagent\n", path)
	return nil
}

// bounded is as much of a property file as the page takes, "" if there is none.
func bounded(path string) string {
	const most = 1<<20 + 1 // one byte more is said to be too long
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, most)) // the check says what is wrong
	return string(text)
}

// glance is how often setup sees whether anything has changed on the machine.
const glance = 3 * time.Second

// attend tells of new addresses, and returns once a sound property file is there
// without the page. It is taken for whole when it is the same at two looks.
func attend(ctx context.Context, path string, page *web.Setup, t *setupNotice, log zerolog.Logger) error {
	tick := time.NewTicker(glance)
	defer tick.Stop()
	before, hopeless := "", ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := t.again(); err != nil {
			log.Warn().Err(err).Msg("the setup code cannot be told everywhere")
		}
		text := bounded(path)
		if text == "" || text == hopeless || page.Busy() {
			before = ""
			continue
		}
		loaded, problems := config.Load(path)
		switch {
		case loaded == nil: // and no file beside it would change that
			hopeless = text
		case !problems.Fatal() && text == before:
			log.Info().Msg("a sound property file was put in place")
			return nil
		}
		before = text
	}
}

// pages are the addresses of the page, the likeliest first.
func (d *setupDesk) pages() []string {
	var list []string
	for _, address := range d.addresses() {
		list = append(list, "https://"+net.JoinHostPort(address, fmt.Sprint(d.at.Port))+"/")
	}
	return list
}

// maxAddresses is how many addresses of a machine are of use to a person.
const maxAddresses = 8

// addresses are those by which others reach the page, IPv4 first.
func (d *setupDesk) addresses() []string {
	if !d.at.IP.IsUnspecified() {
		return []string{d.at.IP.String()}
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var four, six []string
	for _, a := range all {
		n, ok := a.(*net.IPNet)
		switch {
		case !ok || !n.IP.IsGlobalUnicast():
		case n.IP.To4() != nil:
			four = append(four, n.IP.String())
		default:
			six = append(six, n.IP.String())
		}
	}
	list := slices.Concat(four, six)
	return list[:min(len(list), maxAddresses)]
}
