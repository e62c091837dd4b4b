package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"edgeagent/hwsim"
	"edgeagent/hwsim/locksim"
	"edgeagent/internal/agent"
)

// act does something with a command of the agent, as the command line and the page do.
func (w *whole) act(id, deed string) error {
	socket := filepath.Join(filepath.Dir(w.hotel.PropertyFile), "control.sock")
	_, err := ask(w.t.Context(), socket, http.MethodPost, "/api/commands/"+url.PathEscape(id)+"/"+deed)
	return err
}

// key waits for the encoder's newest command about a room that has ended in doubt
// or in vain, and that may be tried again or not, and returns it.
func (w *whole) key(room string, retry bool) (last agent.CommandView) {
	w.t.Helper()
	socket := filepath.Join(filepath.Dir(w.hotel.PropertyFile), "control.sock")
	w.eventually("the key of "+room+" has failed", func() bool {
		body, err := ask(w.t.Context(), socket, http.MethodGet, "/api/status")
		var s standing
		if err != nil || json.Unmarshal(body, &s) != nil {
			return false
		}
		for _, c := range s.Recent {
			if c.Device == "lobby-encoder" && c.Subject == "room:"+room && c.State == "Error" && c.Retry == retry {
				last = c
				return true
			}
		}
		return false
	})
	return last
}

func (w *whole) refused(id, want string) {
	w.t.Helper()
	var err error
	w.eventually("it has been settled", func() bool {
		err = w.act(id, "retry")
		return err == nil || !strings.Contains(err.Error(), "the device is at work on it")
	})
	if err == nil || !strings.Contains(err.Error(), want) {
		w.t.Errorf("retry of %s: %v, want %s", id, err, want)
	}
}

// right waits until nothing is wrong in the house, and sees that it stays so.
func (w *whole) right(room string, cards int) {
	w.t.Helper()
	w.eventually("nothing is wrong", func() bool { return len(w.hotel.Wrong()) == 0 && len(w.hotel.Cuts(room)) == cards })
	for _, f := range w.hotel.Wrong() {
		w.t.Errorf("%s: %s", f.About, f.Text)
	}
	if n := len(w.hotel.Cuts(room)); n != cards {
		w.t.Errorf("%d cards were cut for %s, want %d", n, room, cards)
	}
}

// However often and whenever somebody asks for a failed key again, the house is as
// the judge wants it: one card for the guest who is in the room, and none for who
// is not.
func TestRetryCutsOneCardForThePresentGuest(t *testing.T) {
	w := newWhole(t)
	desk := w.hotel.Desk()
	w.hotel.Locks.Operator(hwsim.EncoderName, locksim.Presentation{Never: true})
	first := w.hotel.Guest("Ms", "Ana", "Silva", "E", 2)
	desk.CheckIn(first, "304")
	failed := w.key("304", true)
	var won atomic.Int32
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			if w.act(failed.ID, "retry") == nil {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if n := won.Load(); n != 1 {
		t.Errorf("%d of 6 retries won, want one", n)
	}
	w.right("304", 1)
	w.refused(failed.ID, "it was given out again already, as "+failed.ID+"/again-1")
	w.refused(failed.ID+"/again-1", "it has ended and did not fail")

	// The same of one that was not tried again before its guest left.
	w.hotel.Locks.Operator(hwsim.EncoderName, locksim.Presentation{Never: true})
	second := w.hotel.Guest("Mr", "Ben", "Okoro", "E", 2)
	desk.CheckIn(second, "302")
	failed = w.key("302", true)
	desk.CheckOut(second)
	w.eventually("302 is dark", w.shows("302"))
	const left = "the stay has left room 302: have the PMS send a key for the present guest"
	w.refused(failed.ID, left)
	w.right("302", 0)
	third := w.hotel.Guest("Ms", "Cleo", "Berg", "E", 3)
	desk.CheckIn(third, "302")
	w.eventually("302 greets the next guest", w.shows("302", "Berg"))
	w.refused(failed.ID, left)
	w.right("302", 1)
	if w.hotel.Key(third) == "" {
		t.Error("the present guest's card does not open 302")
	}
}

// A card that was found not to be cut is cut, once.
func TestRetryOfACardThatWasNotCut(t *testing.T) {
	w := newWhole(t)
	w.hotel.Locks.Next(locksim.Fault{Command: "CN", Crash: locksim.CrashBeforeWork, DownFor: 100 * time.Millisecond})
	guest := w.hotel.Guest("Ms", "Ana", "Silva", "E", 2)
	w.hotel.Desk().CheckIn(guest, "304")
	doubted := w.key("304", false)
	if !doubted.Unknown {
		t.Fatalf("%+v is not in doubt", doubted)
	}
	w.refused(doubted.ID, "nobody knows whether it was done")
	if err := w.act(doubted.ID, "not-done"); err != nil {
		t.Fatal(err)
	}
	if c := w.key("304", true); c.ID != doubted.ID || c.Unknown {
		t.Errorf("%+v is not offered", c)
	}
	if err := w.act(doubted.ID, "retry"); err != nil {
		t.Fatal(err)
	}
	w.refused(doubted.ID, "it was given out again already")
	w.right("304", 1)
	if w.hotel.Key(guest) == "" {
		t.Error("the guest's card does not open 304")
	}
}
