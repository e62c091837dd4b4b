package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"edgeagent/hwsim"
	"edgeagent/hwsim/mewssim"
)

// desk is the annex's desk, with a person at the keyboard.
type desk struct {
	hotel   *hwsim.Hotel
	out     io.Writer
	command string // the last one for a key
}

// listen carries out what is typed, until there is no more.
func (d *desk) listen(in io.Reader) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		said, err := d.do(words[0], words[1:])
		if err != nil {
			said = "not done: " + err.Error()
		}
		fmt.Fprintln(d.out, said)
	}
}

// do carries out one line, and says what was done.
func (d *desk) do(verb string, words []string) (string, error) {
	deeds := map[string]struct {
		words int
		usage string
		do    func(room string, rest []string) (string, error)
	}{
		"in":     {2, "in ROOM NAME", d.in},
		"key":    {1, "key ROOM", d.key},
		"move":   {2, "move ROOM TO", d.move},
		"name":   {2, "name ROOM NAME", d.name},
		"out":    {1, "out ROOM", d.leave},
		"cancel": {0, "cancel", d.cancel},
	}
	deed, known := deeds[verb]
	if !known {
		return "", fmt.Errorf("%q is nothing that a desk does; write in, key, move, name, cancel or out", verb)
	}
	if len(words) < deed.words {
		return "", fmt.Errorf("write %s", deed.usage)
	}
	if len(words) == 0 {
		return deed.do("", nil)
	}
	return deed.do(words[0], words[1:])
}

// guest is who is in a room of the annex.
func (d *desk) guest(room string) (*hwsim.Stay, error) {
	if in := d.hotel.House()[room]; len(in) > 0 && slices.Contains(d.hotel.Annex.Rooms, room) {
		return d.hotel.Stay(in[0].Reservation), nil
	}
	return nil, fmt.Errorf("nobody is in %q; the annex has %s", room, strings.Join(d.hotel.Annex.Rooms, ", "))
}

func (d *desk) in(room string, rest []string) (string, error) {
	switch {
	case !slices.Contains(d.hotel.Annex.Rooms, room):
		return "", fmt.Errorf("the annex has no room %q; it has %s", room, strings.Join(d.hotel.Annex.Rooms, ", "))
	case len(d.hotel.House()[room]) > 0:
		return "", fmt.Errorf("somebody is in %s", room)
	}
	s := d.hotel.Guest("Ms", "Guest", strings.Join(rest, " "), "", 1)
	if err := d.hotel.MewsDesk().CheckIn(s, room); err != nil {
		return "", err
	}
	return "checked in to " + room, nil
}

func (d *desk) key(room string, _ []string) (string, error) {
	s, err := d.guest(room)
	if err != nil {
		return "", err
	}
	command, err := d.hotel.MewsDesk().CutKey(s, 1)
	if err != nil {
		return "", err
	}
	d.command = command
	go func() { // the desk can take it back meanwhile
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if c, err := d.hotel.Annex.AwaitCommand(ctx, command, mewssim.Command.Final); err == nil {
			fmt.Fprintf(d.out, "the key of %s: %s %s\n", room, c.State, c.Notes)
		} else {
			fmt.Fprintln(d.out, "no answer in two minutes; is the agent running?")
		}
	}()
	return "asked for a key of " + room, nil
}

func (d *desk) move(room string, rest []string) (string, error) {
	s, err := d.guest(room)
	if err != nil {
		return "", err
	}
	if !slices.Contains(d.hotel.Annex.Rooms, rest[0]) || len(d.hotel.House()[rest[0]]) > 0 {
		return "", fmt.Errorf("%q is no empty room of the annex", rest[0])
	}
	if err := d.hotel.MewsDesk().Move(s, rest[0]); err != nil {
		return "", err
	}
	return "moved to " + rest[0], nil
}

func (d *desk) name(room string, rest []string) (string, error) {
	s, err := d.guest(room)
	if err != nil {
		return "", err
	}
	return "corrected", d.hotel.MewsDesk().Rename(s, strings.Join(rest, " "))
}

func (d *desk) leave(room string, _ []string) (string, error) {
	s, err := d.guest(room)
	if err != nil {
		return "", err
	}
	return "checked out of " + room, d.hotel.MewsDesk().CheckOut(s)
}

func (d *desk) cancel(string, []string) (string, error) {
	if d.command == "" {
		return "", errors.New("no key was asked for")
	}
	return "taken back", d.hotel.MewsDesk().Cancel(d.command)
}
