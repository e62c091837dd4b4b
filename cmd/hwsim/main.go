// Command hwsim runs a simulated hotel: for an installer's bench, for the
// demo, and to pull the plug on the agent a few hundred times.
//
// It exits with 0 when all went as it should, 1 when not, and 2 when it was
// called wrongly.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"edgeagent/hwsim"
	"edgeagent/hwsim/room"
)

func main() { os.Exit(run(os.Args[1:])) }

// usageError marks a call that cannot be understood.
type usageError struct{ error }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := command()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(os.Stderr, "hwsim: %v\nTry: hwsim --help\n", err)
		return 2
	}
	fmt.Fprintln(os.Stderr, "hwsim:", err)
	return 1
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unknown word %q; %s takes none", args[0], cmd.CommandPath())}
	}
	return nil
}

type flags struct{ agent, pid, dir string }

// command is the agent's.
func (f *flags) command() []string {
	if f.agent != "" {
		return strings.Fields(f.agent)
	}
	self, err := os.Executable()
	if err != nil {
		self = ""
	}
	return []string{agentFor(self)}
}

// agentFor is the agent that belongs to a hwsim: where make puts both, or a package.
func agentFor(self string) string {
	const name, built = "edgeagent", "bin/edgeagent"
	for _, candidate := range []string{filepath.Join(filepath.Dir(self), name), built} {
		if info, err := os.Stat(candidate); err == nil && info.Mode().IsRegular() {
			return candidate
		}
	}
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	return built
}

func command() *cobra.Command {
	var f flags
	root := &cobra.Command{
		Use:           "hwsim",
		Short:         "A whole simulated hotel: PMS stream, encoder, TVs, WiFi controller",
		Example:       "  hwsim demo\n  hwsim run --dir /tmp/hotel\n  hwsim crash --kills 200",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		RunE: func(*cobra.Command, []string) error {
			return usageError{errors.New("say what to do: run, demo or crash")}
		},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().StringVar(&f.agent, "agent", "", "the agent's command (default: edgeagent beside hwsim, else bin/edgeagent, else that of the PATH)")
	root.PersistentFlags().StringVar(&f.pid, "agent-pid", "", "file with the number of the process to kill, where the command has the agent run elsewhere")
	root.PersistentFlags().StringVar(&f.dir, "dir", "", "where property file, secrets and logs go (default: a new folder, removed at the end)")
	root.AddCommand(runCommand(&f), demoCommand(&f), crashCommand(&f))
	return root
}

// open makes a hotel with the agent's own rule table.
func (f *flags) open(o hwsim.Options) (*hwsim.Hotel, func(), error) {
	done := func() {}
	if o.Dir = f.dir; o.Dir == "" {
		dir, err := os.MkdirTemp("", "hwsim-")
		if err != nil {
			return nil, nil, err
		}
		o.Dir, done = dir, func() { os.RemoveAll(dir) }
	} else if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, nil, err
	}
	if o.Rehearsal == nil {
		rules, err := hwsim.QuickRules(f.command())
		if err != nil {
			done()
			return nil, nil, fmt.Errorf("%w: no agent answers; build one with make build, or name its command with --agent", err)
		}
		o.Rules = rules
	}
	h, err := hwsim.Open(o)
	if err != nil {
		done()
		return nil, nil, err
	}
	h.AgentPID = f.pid
	return h, func() { h.Close(); done() }, nil
}

// describe says where everything is; control is the address of the control
// room, "" for none.
func describe(h *hwsim.Hotel, control string) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "A simulated hotel of %s:\n", count(len(h.Rooms), "room"))
	if control != "" {
		fmt.Fprintf(w, "  CONTROL ROOM\t%s\n", control)
	}
	fmt.Fprintf(w, "  PMS stream\t%s\n", h.PMS.StreamURL())
	if h.Annex != nil {
		fmt.Fprintf(w, "  Mews (annex)\t%s and %s\n", h.Annex.PlatformURL(), h.Annex.SocketURL())
	}
	for _, e := range h.Encoders {
		fmt.Fprintf(w, "  %s\t%s\n", e.Name, e.Port.Name())
	}
	fmt.Fprintf(w, "  TV broker\t%s\n", h.Broker.URL())
	fmt.Fprintf(w, "  WiFi controller\t%s\n", h.WiFi.URL())
	fmt.Fprintf(w, "  Property file\t%s\n", h.PropertyFile)
	fmt.Fprintf(w, "  Agent's status page\t%s\n", h.StatusURL)
	if len(h.Rooms) > 0 && h.TVPage(h.Rooms[0]) != "" {
		fmt.Fprintln(w, "TVs for a browser, one page for each room (a second set, beside the room's own):")
		for _, room := range h.Rooms {
			fmt.Fprintf(w, "  %s\t%s\n", room, h.TVPage(room))
		}
	}
	w.Flush()
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func demoCommand(f *flags) *cobra.Command {
	var once bool
	var speed time.Duration
	var controller, address string
	cmd := &cobra.Command{
		Use:     "demo",
		Short:   "Play a day of a small hotel against the real agent",
		Example: "  hwsim demo --once\n  hwsim demo --once --wifi omada",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := room.Loopback(address); err != nil {
				return usageError{fmt.Errorf("--page: %w", err)}
			}
			h, done, err := f.open(hwsim.Options{WiFi: controller, ByHand: !once})
			if err != nil {
				return err
			}
			defer done()
			day := &hwsim.Day{
				Hotel: h, Command: f.command(), Out: os.Stdout, Pause: speed,
				LogFile: filepath.Join(filepath.Dir(h.PropertyFile), "agent.log"),
			}
			if once {
				describe(h, "")
				day.Pause, day.Brief = 0, true
				return playDay(cmd.Context(), day, nil)
			}
			day.Agent = &hwsim.Power{Hotel: h, Command: day.Command, LogFile: day.LogFile}
			var over atomic.Bool
			control := room.New(room.Options{Hotel: h, Power: day.Agent, LogFile: day.LogFile, Locked: func() string {
				if over.Load() {
					return ""
				}
				return "the day is playing: look on; the room is yours when it is over"
			}})
			if err := control.Listen(address); err != nil {
				return err
			}
			defer control.Close()
			describe(h, control.URL())
			return playDay(cmd.Context(), day, func() {
				over.Store(true)
				fmt.Printf("\nThe hotel stays open, and is yours: %s\nThe agent's page is %s, the TVs are named above, the log is %s. Ctrl-C closes it.\n", control.URL(), h.StatusURL, day.LogFile)
			})
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "play without pauses, for a machine to read the outcome")
	cmd.Flags().StringVar(&controller, "wifi", "unifi", "the WiFi controller: "+strings.Join(hwsim.WiFiProducts(), ", "))
	cmd.Flags().StringVar(&address, "page", anyPage, "address of the control room, on this machine")
	cmd.Flags().DurationVar(&speed, "pause", time.Second, "pause between two scenes")
	return cmd
}

// playDay plays a day and reports; stay is called when it went well and the
// hotel is to stay open, nil to close it at once.
func playDay(ctx context.Context, day *hwsim.Day, stay func()) error {
	rows, err := day.Play(ctx)
	if err = report(rows, err, day.LogFile); err == nil && stay != nil {
		stay()
		<-ctx.Done()
	}
	if stopErr := day.Stop(); err == nil && stopErr != nil {
		err = fmt.Errorf("the agent did not stop as it should: %w", stopErr)
	}
	return err
}

// report prints expected against seen, and fails if anything is missing.
func report(rows []hwsim.Row, err error, logFile string) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nSCENE\tEXPECTED\tSEEN\tMS\t")
	missing, scene := 0, ""
	for _, r := range rows {
		mark := "ok"
		if !r.OK {
			mark = "MISSING"
			missing++
		}
		title := r.Act
		if title == scene {
			title = ""
		}
		scene = r.Act
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", title, r.Want, r.Seen, r.Took.Milliseconds(), mark)
	}
	w.Flush()
	fmt.Printf("\n%d expected, %d missing\n", len(rows), missing)
	if missing > 0 || err != nil {
		if log, readErr := os.ReadFile(logFile); readErr == nil {
			lines := strings.Split(strings.TrimSpace(string(log)), "\n")
			fmt.Println("\nThe end of the agent's log:")
			fmt.Println(strings.Join(lines[max(0, len(lines)-30):], "\n"))
		}
	}
	if err != nil {
		return err
	}
	if missing > 0 {
		return fmt.Errorf("%d of %d effects are missing", missing, len(rows))
	}
	return nil
}

func crashCommand(f *flags) *cobra.Command {
	var kills int
	var seed uint64
	var machine bool
	cmd := &cobra.Command{
		Use:     "crash",
		Short:   "Kill the agent at random moments of a busy day, and judge the house afterwards",
		Example: "  hwsim crash --kills 200",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if kills < 1 {
				return usageError{fmt.Errorf("--kills %d: the agent is killed once at least", kills)}
			}
			if seed == 0 {
				seed = uint64(time.Now().UnixNano())
			}
			fmt.Printf("kill -9, %d times, seed %d\n", kills, seed)
			h, done, err := f.open(hwsim.Options{Seed: seed, TCP: machine})
			if err != nil {
				return err
			}
			defer done()
			c := &hwsim.Crash{
				Hotel: h, Command: f.command(), Out: os.Stdout, Kills: kills, Seed: seed,
				LogFile: filepath.Join(filepath.Dir(h.PropertyFile), "agent.log"),
			}
			if machine {
				c.Pace = hwsim.Machine
			}
			tally, err := c.Run(cmd.Context())
			fmt.Println(tally)
			for _, v := range tally.Violations {
				fmt.Println("  violation:", v)
			}
			if err == nil && len(tally.Violations) > 0 {
				err = fmt.Errorf("%d promises were broken (seed %d)", len(tally.Violations), seed)
				// The moments of the kills are nobody's to repeat: what happened has to be read.
				if kept := filepath.Join(os.TempDir(), fmt.Sprintf("hwsim-crash-%d.log", seed)); os.Rename(c.LogFile, kept) == nil {
					fmt.Println("the agent's log is kept as", kept)
				}
			}
			return err
		},
	}
	cmd.Flags().IntVar(&kills, "kills", 20, "how often the agent is killed")
	cmd.Flags().BoolVar(&machine, "machine", false, "the agent's command starts a whole machine: it has minutes, and finds the encoders on the network")
	cmd.Flags().Uint64Var(&seed, "seed", 0, "seed of every chance (default: the time of day)")
	return cmd
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
