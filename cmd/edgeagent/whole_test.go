package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"edgeagent/hwsim"
	"edgeagent/hwsim/inspiresim"
	"edgeagent/rules"
)

// whole is the whole agent in this process, at work in a simulated hotel.
type whole struct {
	t     *testing.T
	hotel *hwsim.Hotel
	log   *logBuffer
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newWhole(t *testing.T) *whole {
	t.Helper()
	table := strings.ReplaceAll(string(rules.Default()), "after: 30m", "after: 1s")
	hotel, err := hwsim.Open(hwsim.Options{Dir: t.TempDir(), Rules: table})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hotel.Close() })
	text, err := os.ReadFile(hotel.PropertyFile)
	if err != nil {
		t.Fatal(err)
	}
	// The guide's own messages name no hotel.
	text = bytes.Replace(text, []byte("chain_scope: shared"), []byte("chain_scope: single_property"), 1)
	if err := os.WriteFile(hotel.PropertyFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
	w := &whole{t: t, hotel: hotel, log: &logBuffer{}}
	soft, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serve(soft, context.WithoutCancel(soft), hotel.PropertyFile, w.log) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the agent ended with %v", err)
		}
		if t.Failed() {
			t.Logf("the agent's log:\n%s", w.log)
		}
	})
	if err := hotel.AwaitLive(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// send puts a recorded message on the wire as it stands.
func (w *whole) send(file string) {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "messages", file))
	if err != nil {
		w.t.Fatal(err)
	}
	subscriptions := w.hotel.PMS.Audit().Subscriptions
	now := time.Now().In(w.hotel.Zone)
	message := strings.NewReplacer(
		"{{id}}", subscriptions[len(subscriptions)-1].ID,
		"{{now}}", now.Format("2006-01-02 15:04:05.000"),
		"{{departure}}", now.AddDate(0, 0, 2).Format(time.DateOnly),
	).Replace(string(text))
	if n := w.hotel.PMS.Do(hwsim.Chain, inspiresim.Trouble{Do: inspiresim.ActText, Text: message}); n != 1 {
		w.t.Fatalf("%s reached %d connections", file, n)
	}
}

func (w *whole) eventually(what string, cond func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	if _, err := hwsim.Eventually(ctx, cond); err != nil {
		w.t.Errorf("%s: it did not come to that", what)
	}
}

func (w *whole) shows(room string, names ...string) func() bool {
	return func() bool {
		shown := w.hotel.TV(room).Shown().Names
		if len(shown) != len(names) {
			return false
		}
		for i := range names {
			if !strings.Contains(shown[i], names[i]) {
				return false
			}
		}
		return true
	}
}

// Messages in the shapes of the integration guide and of Oracle's samples go
// through the whole agent, from the wire to the doors.
func TestRecordedMessagesReachTheRooms(t *testing.T) {
	w := newWhole(t)
	cards := func(room string) func() bool { return func() bool { return len(w.hotel.Locks.Cuts(room)) == 1 } }

	w.send("1-guide-check-in.json")
	w.eventually("101 greets the guest, entities undone", w.shows("101", "Ås & Sohn"))
	w.eventually("101 has a key", cards("101"))
	w.eventually("101 has a code", func() bool { return w.hotel.Code("101").Works })

	w.send("2-check-in-as-update.json")
	w.eventually("102 greets the guest", w.shows("102", "O'Neil"))
	w.eventually("102 has a key", cards("102"))

	w.send("3-housekeeping.json")
	w.send("4-message.json")
	w.eventually("102 shows the message", func() bool {
		popups := w.hotel.TV("102").Popups()
		return len(popups) == 1 && popups[0].Body == "Your taxi is here"
	})

	w.send("5-unknown.json")
	w.send("6-check-out.json")
	w.eventually("102 is dark again", w.shows("102"))
	w.eventually("102's key is dead", func() bool { return len(w.hotel.Locks.Keys("102", time.Now())) == 0 })
	w.eventually("101's key is not", func() bool { return len(w.hotel.Locks.Keys("101", time.Now())) == 1 })
	if n := len(w.hotel.Locks.Cuts("103")); n != 0 {
		t.Errorf("housekeeping cut %d cards", n)
	}
}

// The slip of the front desk: what the guests of a room type, from the running agent.
func TestVoucherOfARoom(t *testing.T) {
	w := newWhole(t)
	socket := filepath.Join(filepath.Dir(w.hotel.PropertyFile), "control.sock")
	fetch := func(room, form string) (string, error) {
		body, err := fetchSlip(t.Context(), socket, room, form)
		return string(body), err
	}
	if _, err := fetch("101", "slip.txt"); err == nil || err.Error() != `nobody is in room "101", or the property file has no WiFi device; edgeagent shows the rooms in house on its status page` {
		t.Errorf("an empty room: %v", err)
	}
	w.send("1-guide-check-in.json")
	w.eventually("101 has a code", func() bool { return w.hotel.Code("101").Works })
	var text string
	w.eventually("the slip has the code", func() bool {
		var err error
		text, err = fetch("101", "slip.txt")
		return err == nil
	})
	code := w.hotel.Code("101").Code
	if !strings.Contains(text, "Network    Sea View Guest\n") || !strings.Contains(strings.ReplaceAll(text, "-", ""), code) {
		t.Errorf("the slip: %s", text)
	}
	if picture, err := fetch("101", "slip.png"); err != nil || !strings.HasPrefix(picture, "\x89PNG") {
		t.Errorf("the picture: %v", err)
	}
	w.eventually("the log says that somebody asked", func() bool { return strings.Contains(w.log.String(), "WiFi slip asked for") })
	if strings.Contains(w.log.String(), code) {
		t.Error("the code stands in the log")
	}
}

// Support can read what went over the encoder's line while the agent runs, and
// finds no guest in it.
func TestRecentTraceOfAnEncoder(t *testing.T) {
	w := newWhole(t)
	socket := filepath.Join(filepath.Dir(w.hotel.PropertyFile), "control.sock")
	w.send("1-guide-check-in.json")
	var text []byte
	w.eventually("the trace has a key and its result", func() bool { // the result comes after the card
		var err error
		text, err = ask(t.Context(), socket, http.MethodGet, "/api/devices/lobby-encoder/trace")
		return err == nil && strings.Contains(string(text), " > CN|") && strings.Contains(string(text), " < CN|")
	})
	if strings.Contains(string(text), "Sohn") {
		t.Errorf("a guest's name stands in it: %s", text)
	}
	if _, err := ask(t.Context(), socket, http.MethodGet, "/api/devices/tvs/trace"); err == nil || err.Error() != `there is no encoder "tvs"` {
		t.Error(err)
	}
}
