package main

import (
	"context"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"edgeagent/internal/agent"
	"edgeagent/internal/config"
	"edgeagent/internal/logring"
	"edgeagent/internal/web"
)

func runCommand(path *string) *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Serve the property",
		Long: `Run connects to the PMS and serves the devices until it is told to stop. On the
first SIGTERM or Ctrl-C it takes no new work and finishes the card in the
encoder; the second one cuts that short. On a SIGHUP it reads the property
file and takes over its rules and the names that rooms have at encoders and TVs,
and the certificates of the TVs' broker. With a problem in the file nothing is
taken over; what needs a restart the status page says.

A property file with problems does not end it: the status page shows them, and
nothing else runs until they are mended and edgeagent is restarted.`,
		Example: "  edgeagent run --config /etc/edgeagent/property.yaml",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if os.Getenv("GOGC") == "" {
				debug.SetGCPercent(50) // a gateway has little memory and time enough
			}
			soft, hard, stop := signals(cmd.Context())
			defer stop()
			return serve(soft, hard, *path, os.Stderr)
		},
	}
}

// signals makes the two stages of stopping: soft ends with the first signal,
// hard with the second.
func signals(ctx context.Context) (soft, hard context.Context, stop func()) {
	if ctx == nil {
		ctx = context.Background()
	}
	hard, cut := context.WithCancel(ctx)
	soft, ease := context.WithCancel(hard)
	got := make(chan os.Signal, 2)
	signal.Notify(got, syscall.SIGTERM, os.Interrupt)
	go func() {
		select {
		case <-got:
			ease()
		case <-hard.Done():
			return
		}
		select {
		case <-got:
			cut()
		case <-hard.Done():
		}
	}()
	return soft, hard, func() { signal.Stop(got); ease(); cut() }
}

// serve runs the agent and the status page.
func serve(soft, hard context.Context, path string, out io.Writer) (err error) {
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP) // from the first on: it would end us otherwise
	defer signal.Stop(hangUp)
	loaded, problems := config.Load(path)
	level, lines := "info", logring.New()
	if loaded != nil {
		level = loaded.Log.Level
	}
	log := logger(out, lines, level)
	group, ctx := errgroup.WithContext(soft)
	shown, hide := context.WithCancel(hard)
	defer hide()
	page, l, err := openPage(shown, loaded, log)
	if err != nil {
		return err
	}
	page.Problems, page.Lines, page.Standing = problems.Render(), lines, outside
	logProblems(problems, log)
	if problems.Fatal() {
		log.Error().Int("problems", len(problems)).Str("status", page.Address).Msg("the property file has problems; nothing runs")
		group.Go(func() error { return web.Serve(shown, l, page.Handler()) })
		if control := controlOf(path, log); control != nil {
			group.Go(func() error { return web.Serve(shown, control, page.Control()) })
		}
		group.Go(func() error { return watchdog(shown, func() []agent.Stuck { return nil }, log) })
		ready("the property file has problems")
		<-ctx.Done()
		hide()
		return group.Wait() // to be told to stop is no failure: systemd would start it again
	}
	h, err := build(loaded, log)
	if err != nil {
		l.Close()
		return err
	}
	defer func() {
		if closing := h.close(); err == nil {
			err = closing
		}
	}()
	again := &reload{path: path, loaded: loaded, secrets: secretsOf(&loaded.File), log: log}
	page.Look, page.Pulse, page.Operator, page.Rules = h.agent.Look, h.agent.Pulse, h.operator(loaded, log, func() (string, error) { return h.reload(again) }), h.rules(loaded)
	control, err := listenControl(loaded.Status.Socket)
	if err != nil {
		l.Close()
		return err
	}
	group.Go(func() error { return web.Serve(shown, l, page.Handler()) })
	group.Go(func() error { return web.Serve(shown, control, page.Control()) })
	group.Go(func() error { return watchdog(shown, h.agent.Stuck, log) })
	group.Go(func() error { h.reloadOn(ctx, hangUp, again); return nil })
	group.Go(func() error {
		defer hide()
		return h.agent.Run(ctx, hard)
	})
	log.Info().Str("version", version()).Str("property", loaded.Property.ID).Str("status", page.Address).Msg("running")
	ready("running")
	err = group.Wait()
	log.Info().Msg("stopped")
	return err
}

func logProblems(problems config.Problems, log zerolog.Logger) {
	for _, p := range problems {
		level := zerolog.ErrorLevel
		if p.Warning {
			level = zerolog.WarnLevel
		}
		log.WithLevel(level).Str("problem", p.String()).Msg("property file")
	}
}

// controlOf is the control socket of an agent that runs nothing, so that edgeagent
// status and edgeagent page say why. Without one there is still the page; nil then.
func controlOf(path string, log zerolog.Logger) net.Listener {
	socket, err := config.Socket(path)
	if err == nil {
		var l net.Listener
		if l, err = listenControl(socket); err == nil {
			return l
		}
	}
	log.Warn().Err(err).Msg("edgeagent status and edgeagent page find no answer here")
	return nil
}

// ready tells systemd, if it started us.
func ready(status string) {
	_, _ = daemon.SdNotify(false, daemon.SdNotifyReady+"\nSTATUS="+status)
}

// logger writes for people on a terminal and JSON otherwise, and keeps the last
// lines for the status page and the command line.
func logger(out io.Writer, lines *logring.Ring, level string) zerolog.Logger {
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		out = zerolog.ConsoleWriter{Out: f, TimeFormat: "15:04:05"}
	}
	parsed, err := zerolog.ParseLevel(level)
	if err != nil {
		parsed = zerolog.InfoLevel
	}
	return zerolog.New(zerolog.SyncWriter(zerolog.MultiLevelWriter(out, lines))).Level(parsed).With().Timestamp().Logger()
}
