package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"edgeagent/hwsim"
	"edgeagent/hwsim/rehearsal"
	"edgeagent/hwsim/room"
)

// running is what "hwsim run" was asked for.
type running struct {
	property, rooms, mews, page string
	busy, noAgent               bool
}

func runCommand(f *flags) *cobra.Command {
	var r running
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the hotel until Ctrl-C, with a control room to play in",
		Long: `Run opens the hotel, starts the agent on it and prints the address of the control
room: a page on which you are the front desk, the guests and the bad luck.

With --property it rehearses an installer's own property file. The copy that it
makes leads to the simulated hotel; rules, mappings, tiers and timers stay as
they are written. What the hotel cannot simulate is said.

In the annex, whose desk works with Mews, you can also type

  in ROOM NAME   a guest checks in        key ROOM      ask for a key card
  move ROOM TO   the guest moves          cancel        take the last key command back
  name ROOM NAME correct the guest's name out ROOM      the guest checks out`,
		Example: `  hwsim run
  hwsim run --property property.yaml --rooms 101-110,201
  hwsim run --dir /tmp/hotel --no-agent
  edgeagent run --config /tmp/hotel/property.yaml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd.Context(), f) },
	}
	cmd.Flags().StringVar(&r.property, "property", "", "an installer's property file to rehearse")
	cmd.Flags().StringVar(&r.rooms, "rooms", "", "the hotel's rooms, such as 101-110,201 (default: those that the property file maps)")
	cmd.Flags().StringVar(&r.mews, "mews-rooms", "", "the rooms that are in Mews, where the property file has another PMS too")
	cmd.Flags().StringVar(&r.page, "page", anyPage, "address of the control room, on this machine")
	cmd.Flags().BoolVar(&r.busy, "busy", false, "a guest checks in every 20 s and leaves again; cards come by themselves")
	cmd.Flags().BoolVar(&r.noAgent, "no-agent", false, "you start the agent yourself")
	return cmd
}

// anyPage is a free address for the control room.
const anyPage = "127.0.0.1:0"

// options are those of the hotel that was asked for.
func (r *running) options() (hwsim.Options, error) {
	o := hwsim.Options{ByHand: true}
	var err error
	if o.Rooms, err = roomList(r.rooms); err != nil {
		return o, usageError{fmt.Errorf("--rooms: %w", err)}
	}
	if o.Annex, err = roomList(r.mews); err != nil {
		return o, usageError{fmt.Errorf("--mews-rooms: %w", err)}
	}
	if err := room.Loopback(r.page); err != nil {
		return o, usageError{fmt.Errorf("--page: %w", err)}
	}
	if r.property != "" {
		o.Rehearsal, err = rehearsal.Read(r.property)
	}
	return o, err
}

func (r *running) run(ctx context.Context, f *flags) error {
	o, err := r.options()
	if err != nil {
		return r.judged(f.command(), err)
	}
	h, done, err := f.open(o)
	if err != nil {
		return err
	}
	defer done()
	if o.Rehearsal != nil {
		if err := rehearse(h, f.command()); err != nil {
			return err
		}
	}
	for _, e := range h.Encoders {
		if !r.busy {
			h.Locks.ByHand(e.Name, hwsim.HandWait)
		}
	}
	log := filepath.Join(filepath.Dir(h.PropertyFile), "agent.log")
	with := room.Options{Hotel: h}
	if !r.noAgent {
		with.Power, with.LogFile = &hwsim.Power{Hotel: h, Command: f.command(), LogFile: log}, log
	}
	control := room.New(with)
	if err := control.Listen(r.page); err != nil {
		return err
	}
	defer control.Close()
	describe(h, control.URL())
	if with.Power != nil {
		if err := with.Power.On(); err != nil {
			return err
		}
		defer func() { _ = with.Power.Off() }() // the hotel closes; nobody could do anything about it
		fmt.Println("The agent's log is", log)
	}
	fmt.Println("Ctrl-C ends it.")
	if h.Annex != nil {
		desk := &desk{hotel: h, out: os.Stdout}
		go desk.listen(os.Stdin)
	}
	if r.busy && len(h.Main) > 0 {
		return business(ctx, h)
	}
	<-ctx.Done()
	return nil
}

// judged has the agent say what is wrong with a property file that the hotel could
// not read: it tells all faults, each with its line and in an installer's words.
func (r *running) judged(agent []string, err error) error {
	if usage := (usageError{}); r.property == "" || errors.As(err, &usage) {
		return err
	}
	said, verdict := hwsim.CheckFile(agent, r.property)
	if ended := (*exec.ExitError)(nil); !errors.As(verdict, &ended) {
		return err // there is no agent to ask, or it finds nothing
	}
	return fmt.Errorf("the property file cannot be rehearsed:\n%s", said)
}

// rehearse says what the copy is, and has the agent look at it before anything starts.
func rehearse(h *hwsim.Hotel, agent []string) error {
	fmt.Println("A rehearsal: rules, mappings, tiers and timers are as you wrote them; addresses and secrets are the hotel's.")
	for _, note := range h.Notes {
		fmt.Println("  not simulated:", note)
	}
	said, err := hwsim.CheckFile(agent, h.PropertyFile)
	if err != nil {
		return fmt.Errorf("the agent does not take the copy of your property file:\n%s", said)
	}
	return nil
}

// roomList reads rooms as a person writes them: 101-104,201.
func roomList(text string) ([]string, error) {
	var rooms []string
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		first, last, isRange := strings.Cut(part, "-")
		from, err1 := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		switch {
		case !isRange || err1 != nil && err2 != nil: // a name
			rooms = append(rooms, part)
		case err1 != nil || err2 != nil || to < from || to-from >= 1000 || len(first) != len(last):
			return nil, fmt.Errorf("%q is no range of rooms: write one such as 101-110", part)
		default:
			for n := from; n <= to; n++ {
				rooms = append(rooms, fmt.Sprintf("%0*d", len(first), n))
			}
		}
	}
	seen := map[string]bool{}
	for _, name := range rooms {
		if seen[name] {
			return nil, fmt.Errorf("room %s is named twice", name)
		}
		seen[name] = true
	}
	return rooms, nil
}

// business has guests come and go in the main house.
func business(ctx context.Context, h *hwsim.Hotel) error {
	for n := 0; ; n++ {
		s := h.Guest("Ms", "Guest", fmt.Sprintf("Number %d", n+1), "E", 1)
		h.Desk().CheckIn(s, h.Main[n%len(h.Main)])
		if pause(ctx, 20*time.Second) != nil {
			return nil // Ctrl-C
		}
		h.Desk().CheckOut(s)
	}
}
