package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"edgeagent/internal/logring"
)

func logCommand(path *string) *cobra.Command {
	var view logView
	cmd := &cobra.Command{
		Use:   "log",
		Short: "Show the last lines of the running agent's log, and follow it",
		Long: `Log asks the agent that serves the property file for the last lines of its log,
since it was started. With -f it goes on until Ctrl-C, also over a restart of the
agent. What is older is in the journal: journalctl -u edgeagent.

A line is about a device if it names it, or the PMS link of that name; about a
room if it says so. No line names a guest.`,
		Example: `  edgeagent log -f
  edgeagent log --device lobby-encoder --room 101
  edgeagent log -o json --lines 0`,
		Args: noArgs,
	}
	output := outputFlag(cmd)
	cmd.Flags().BoolVarP(&view.follow, "follow", "f", false, "go on showing new lines until Ctrl-C")
	cmd.Flags().IntVarP(&view.last, "lines", "n", 100, "how many lines to begin with; 0 for all there are")
	cmd.Flags().StringVar(&view.device, "device", "", "only lines about this device or PMS link")
	complete(cmd, "device", func() []string { return named(path, linksAndDevices) })
	cmd.Flags().StringVar(&view.room, "room", "", "only lines about this room")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if view.json, err = output(); err != nil {
			return err
		}
		if view.last < 0 {
			return usageError{errors.New("--lines cannot be negative; write 0 for all lines")}
		}
		socket, err := socketOf(cmd, *path)
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		view.out, view.told, view.paint = os.Stdout, os.Stderr, colours(os.Stdout)
		return view.show(ctx, socket)
	}
	return cmd
}

// logView is what somebody wants to see of the log.
type logView struct {
	out, told    io.Writer
	paint        painter
	follow, json bool
	last         int
	device, room string
	seen         int64 // the last line that was shown
}

// lookAgain is how long following waits between two questions.
const lookAgain = 500 * time.Millisecond

// show writes what there is, and what comes.
func (v *logView) show(ctx context.Context, socket string) error {
	lines, err := v.ask(ctx, socket)
	if err != nil {
		return err
	}
	if v.last > 0 && len(lines) > v.last {
		lines = lines[len(lines)-v.last:]
	}
	if err := v.write(lines); err != nil || !v.follow {
		return err
	}
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	away := false
	for {
		select {
		case <-ctx.Done():
			return nil // Ctrl-C is how it ends
		case <-tick.C:
		}
		lines, err := v.ask(ctx, socket)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !away:
			fmt.Fprintf(v.told, "edgeagent: %v; waiting for it\n", err)
			away = true
		case err == nil:
			away = false
			if err := v.write(lines); err != nil {
				return err
			}
		}
	}
}

// ask fetches the lines after the last one.
func (v *logView) ask(ctx context.Context, socket string) ([]logring.Line, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	query := url.Values{"after": {strconv.FormatInt(v.seen, 10)}}
	if v.device != "" {
		query.Set("device", v.device)
	}
	if v.room != "" {
		query.Set("room", v.room)
	}
	body, err := ask(ctx, socket, http.MethodGet, "/api/log?"+query.Encode())
	if err != nil {
		return nil, err
	}
	var lines []logring.Line
	for d := json.NewDecoder(bytes.NewReader(body)); d.More(); {
		var l logring.Line
		if d.Decode(&l) != nil {
			return nil, errVersions
		}
		lines = append(lines, l)
	}
	if n := len(lines); n > 0 {
		v.seen = lines[n-1].N
	}
	return lines, nil
}

func (v *logView) write(lines []logring.Line) error {
	for _, l := range lines {
		if err := v.line(l); err != nil {
			return err
		}
	}
	return nil
}

func (v *logView) line(l logring.Line) error {
	if v.json {
		return writeLine(v.out, l)
	}
	colour := map[string]string{"warn": doubt, "error": bad, "fatal": bad, "debug": faint}[l.Level]
	if colour == "" {
		colour = good
	}
	about := l.Device
	if l.Room != "" {
		about = about + " " + l.Room
	}
	_, err := fmt.Fprintf(v.out, "%s %s %s %s\n", v.paint.as(faint, l.At.Local().Format(time.TimeOnly)), v.paint.as(colour, pad(l.Level, 5)), v.paint.as(strong, pad(about, 18)), plain(l.Text))
	return err
}
