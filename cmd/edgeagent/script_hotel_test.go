package main

import (
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"

	"edgeagent/hwsim"
)

// hotels are the simulated hotels of scripts, by their working folders.
type hotels struct{ open sync.Map }

// hotel opens a whole simulated hotel in the folder house, until the script ends.
func (h *hotels) hotel(ts *testscript.TestScript, _ bool, _ []string) {
	dir := ts.MkAbs("house")
	ts.Check(os.Mkdir(dir, 0o700))
	hotel, err := hwsim.Open(hwsim.Options{Dir: dir})
	ts.Check(err)
	ts.Defer(func() { hotel.Close() })
	h.open.Store(ts.Getenv("WORK"), hotel)
}

// desk ACT ... has something happen in the hotel:
//
//	desk checkin ROOM LAST-NAME   a guest checks in
//	desk encoder busy|free        the lock system's encoder takes no work, or takes it again
//	desk cards ROOM NUMBER        fails if the lock system has not made just so many cards for a room
//	desk leaks FILE...            fails if a file shows a guest, a secret or a code of the hotel
func (h *hotels) desk(ts *testscript.TestScript, _ bool, args []string) {
	found, ok := h.open.Load(ts.Getenv("WORK"))
	if !ok {
		ts.Fatalf("no hotel is open")
	}
	hotel := found.(*hwsim.Hotel)
	switch args[0] {
	case "checkin":
		hotel.Desk().CheckIn(hotel.Guest("Ms", "Zoe", args[2], "en", 2), args[1])
	case "encoder":
		hotel.Locks.SetEncoderBusy(hwsim.EncoderName, args[1] == "busy")
	case "cards":
		if cuts := hotel.Cuts(args[1]); strconv.Itoa(len(cuts)) != args[2] {
			ts.Fatalf("room %s has %d cards, not %s", args[1], len(cuts), args[2])
		}
	case "leaks":
		for _, file := range args[1:] {
			if wrong := hotel.Leaks(ts.MkAbs(file)); len(wrong) > 0 {
				ts.Fatalf("%s: %q:\n%s", file, wrong, ts.ReadFile(file))
			}
		}
	default:
		ts.Fatalf("unknown act %s", strings.Join(args, " "))
	}
}

// until PATTERN COMMAND... repeats a command until its output matches, whatever
// its exit code, and leaves that output in stdout.
func until(ts *testscript.TestScript, _ bool, args []string) {
	wanted := regexp.MustCompile("(?m)" + args[0])
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		_ = ts.Exec(args[1], args[2:]...) // its code is for the script
		text := ts.ReadFile("stdout")
		if wanted.MatchString(text) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("never matched %s:\n%s", wanted, text)
		}
	}
}

// converse FILE COMMAND... runs a command on a terminal. Each line of the file is
// what the terminal must show next, " => " and what is typed then. All that it showed
// is in the file terminal afterwards, and what it was that ended it in exit.
func converse(ts *testscript.TestScript, _ bool, args []string) {
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir, cmd.Env = ts.Getenv("WORK"), append(os.Environ(), "NO_COLOR=1")
	tty, err := pty.Start(cmd)
	ts.Check(err)
	defer tty.Close()
	var shown logBuffer
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(&shown, tty) // it ends with an error when the command does
	}()
	from := 0
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		prompt, answer, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " => ")
		if !ok {
			ts.Fatalf("%q is not PROMPT => ANSWER", line)
		}
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
			text := shown.String()[from:]
			if at := strings.Index(text, prompt); at >= 0 && strings.HasSuffix(text, ": ") {
				from += at + len(prompt)
				break
			}
			if time.Now().After(deadline) {
				cmd.Process.Kill()
				ts.Fatalf("%q was never shown:\n%s", prompt, shown.String())
			}
		}
		_, err := io.WriteString(tty, answer+"\n")
		ts.Check(err)
		time.Sleep(20 * time.Millisecond) // a person does not type faster
	}
	<-ended
	cmd.Wait()
	ts.Check(os.WriteFile(ts.MkAbs("terminal"), []byte(strings.ReplaceAll(shown.String(), "\r\n", "\n")), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("exit"), []byte(cmd.ProcessState.String()+"\n"), 0o600))
}
