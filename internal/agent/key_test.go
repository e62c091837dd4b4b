package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"
	"edgeagent/offsetstore"
)

// Until when a room's key lasts is what the encoder says that made it last.
func TestKeyUntilIsTheNewestKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		began := time.Now().UTC()
		until := func(hours int) string { return began.Add(time.Duration(hours) * time.Hour).Format(time.RFC3339) }
		s.agent.devices = append(s.agent.devices, &device{Device: Device{Driver: &machine{name: "pool"}, Kind: "keycard"}, name: "pool"})
		n := 0
		made := func(lane string, values map[string]string) {
			t.Helper()
			n++
			values[drivers.ValueAt] = began.Add(time.Duration(n) * time.Minute).Format(time.RFC3339Nano)
			known, err := json.Marshal(drivers.Receipt{Values: values})
			if err != nil {
				t.Fatal(err)
			}
			c := offsetstore.Command{ID: fmt.Sprint(n), Seq: int64(n), Lane: lane, Subject: "room:101", Known: known, Setting: true}
			if err := s.store.Settle(c, offsetstore.Processed); err != nil {
				t.Fatal(err)
			}
		}
		want := func(want string) {
			t.Helper()
			got := ""
			if last := s.agent.roomKey("101", []string{"a"}).until; !last.IsZero() {
				got = last.UTC().Format(time.RFC3339)
			}
			if got != want {
				t.Errorf("step %d: %q, want %q", n, got, want)
			}
		}
		want("")
		made("desk1", map[string]string{"stay": "a", "until": until(30)})
		want(until(30))
		made("pool", map[string]string{"stay": "a", "until": until(20)}) // shortened
		want(until(20))
		made("desk1", map[string]string{"stay": "b", "until": until(40)}) // another guest's
		want("")
		made("pool", map[string]string{"stay": "a", "until": until(25)})
		want(until(25))
		made("desk1", map[string]string{}) // the room was checked out
		want("")
	})
}

// The first card of two was cut: that one is remembered, so that the next does
// not end it.
func TestReceiptOfHalfASuccessIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.desk.behave(func(ctx context.Context, c drivers.Command) (drivers.Receipt, error) {
			receipt := drivers.Receipt{Values: map[string]string{"key_id": "k"}}
			if c.Subject == "room:102" {
				<-ctx.Done()
			}
			return receipt, fmt.Errorf("%w: 1 of 2 cards were made", drivers.ErrRefused)
		})
		s.say(cut("K1", "101"))
		text, err := s.store.Known("desk1", "room:101")
		var r drivers.Receipt
		if err != nil || json.Unmarshal(text, &r) != nil || r.Values["key_id"] != "k" || r.Values["until"] == "" {
			t.Errorf("known %s, %v", text, err)
		}
		s.say(cut("K2", "102"))
		s.say(withdrawn("K2"))
		s.want("answers", s.pms.answers(), []string{
			"K1 Error 1 of 2 cards were made",
			"K2 Error 1 of 2 cards were made; withdrawn in the PMS too late: take the card back",
		})
	})
}
