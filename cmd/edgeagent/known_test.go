package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"edgeagent/drivers"
	"edgeagent/drivers/iptv"
	"edgeagent/drivers/keycard"
	"edgeagent/internal/config"
	"edgeagent/offsetstore"
)

// A room has one key, whichever of the hotel's encoders made it last. After a
// job of which nobody knows the outcome it has none that anybody knows.
func TestKeyIsKnownToAllEncoders(t *testing.T) {
	store, err := offsetstore.Open(filepath.Join(t.TempDir(), "store.db"), offsetstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	l := &config.Loaded{}
	l.Devices = []config.Device{
		{Name: "desk", Keycard: &keycard.Config{}}, {Name: "tvs", IPTV: &iptv.Config{}}, {Name: "pool", Keycard: &keycard.Config{}},
	}
	began := time.Now().Add(-time.Hour)
	n := 0
	done := func(lane string, state offsetstore.State, values map[string]string) {
		t.Helper()
		n++
		c := offsetstore.Command{ID: time.Duration(n).String(), Lane: lane, Subject: "room:101", Created: time.Now(), Body: json.RawMessage(`{"action":"encode","params":{"stay":"next"}}`)}
		if err := store.Accept(offsetstore.Batch{Source: "pms", Commands: []offsetstore.Command{c}}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		c, err := store.Next(ctx, lane)
		if err != nil {
			t.Fatal(err)
		}
		if c.Unknown = state == offsetstore.Error; values != nil {
			if c.Known, err = json.Marshal(drivers.Receipt{Values: values}); err != nil {
				t.Fatal(err)
			}
		}
		if err := store.Settle(c, state); err != nil {
			t.Fatal(err)
		}
	}
	at := func(minute int) string {
		return began.Add(time.Duration(minute) * time.Minute).UTC().Format(time.RFC3339Nano)
	}
	key := func(device string) string { return known(l, store, device, "room:101")["key_id"] }
	if key("desk") != "" {
		t.Error("known before anything was made")
	}
	done("desk", offsetstore.Processed, map[string]string{"key_id": "a", "at": at(1)})
	done("pool", offsetstore.Processed, map[string]string{"key_id": "b", "at": at(2)})
	done("tvs", offsetstore.Processed, map[string]string{"key_id": "screen", "at": at(9)})
	if key("desk") != "b" || key("pool") != "b" || key("tvs") != "screen" {
		t.Errorf("desk %q, pool %q, tvs %q", key("desk"), key("pool"), key("tvs"))
	}
	done("desk", offsetstore.Processed, map[string]string{"at": at(3)}) // a check-out
	if key("desk") != "" || key("pool") != "" {
		t.Errorf("after a check-out: desk %q, pool %q", key("desk"), key("pool"))
	}
	done("pool", offsetstore.Processed, map[string]string{"key_id": "c", "at": at(4)})
	done("desk", offsetstore.Error, nil) // now
	if key("desk") != "" || key("pool") != "" {
		t.Errorf("after an unknown outcome: desk %q, pool %q", key("desk"), key("pool"))
	}
	if got := known(l, store, "pool", "room:101"); got[drivers.ValueStay] != "next" || got[drivers.ValueDoubted] == "" {
		t.Errorf("whose key is in doubt: %v", got)
	}
	if known(l, store, "tvs", "room:101") == nil {
		t.Error("an encoder's trouble is a screen's")
	}
	done("pool", offsetstore.Processed, map[string]string{"key_id": "d", "at": at(61)})
	if key("desk") != "d" {
		t.Errorf("after the next key: %q", key("desk"))
	}
}

// After jobs of which nobody knows the outcome, the stay of the last key that may
// have been made is known, and nothing else of what the room has.
func TestWhoseKeyIsInDoubt(t *testing.T) {
	key := func(settled int, body string) offsetstore.Command {
		return offsetstore.Command{Settled: time.Unix(int64(settled), 0), Body: json.RawMessage(body)}
	}
	for _, tc := range []struct {
		lost []offsetstore.Command
		want string
	}{
		{nil, ""},
		{[]offsetstore.Command{key(1, `{"action":"encode","params":{"stay":"a"}}`)}, "a"},
		{[]offsetstore.Command{key(2, `{"action":"encode","params":{"stay":"b"}}`), key(1, `{"action":"encode","params":{"stay":"a"}}`)}, "b"},
		{[]offsetstore.Command{key(1, `{"action":"mobile_key","params":{"stay":"a"}}`), key(2, `{"action":"read","params":{}}`)}, "a"},
		{[]offsetstore.Command{key(1, `{"action":"encode","params":{"stay":"a","key":"one_shot"}}`)}, ""},
		{[]offsetstore.Command{key(1, `{`)}, ""},
	} {
		got := doubted(tc.lost)
		if got[drivers.ValueStay] != tc.want || (got[drivers.ValueDoubted] != "") != (tc.want != "") || len(got["key_id"]) > 0 {
			t.Errorf("%v: %v, want %q", tc.lost, got, tc.want)
		}
	}
}

// A room's key of the lock system and one of our own locks know nothing of each
// other: the check-out of a former guest would find no owner, and a duplicate no
// generation.
func TestKeysOfTwoSystemsAreTwoKeys(t *testing.T) {
	store, err := offsetstore.Open(filepath.Join(t.TempDir(), "store.db"), offsetstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	l := &config.Loaded{}
	l.Devices = []config.Device{{Name: "desk", Keycard: &keycard.Config{}}, {Name: "lockers", Keycard: &keycard.Config{Protocol: "pn532"}}}
	for i, made := range []struct {
		lane   string
		values map[string]string
	}{
		{"desk", map[string]string{"key_id": "a", "key_stays": "guest"}},
		{"lockers", map[string]string{"key_id": "b", "generation": "2"}},
	} {
		c := offsetstore.Command{ID: made.lane, Lane: made.lane, Subject: "room:101", Created: time.Now()}
		if err := store.Accept(offsetstore.Batch{Source: "pms", Commands: []offsetstore.Command{c}}); err != nil {
			t.Fatal(err)
		}
		if c, err = store.Next(t.Context(), made.lane); err != nil {
			t.Fatal(err)
		}
		made.values[drivers.ValueAt] = time.Now().Add(time.Duration(i) * time.Minute).UTC().Format(time.RFC3339Nano)
		if c.Known, err = json.Marshal(drivers.Receipt{Values: made.values}); err != nil {
			t.Fatal(err)
		}
		if err := store.Settle(c, offsetstore.Processed); err != nil {
			t.Fatal(err)
		}
	}
	if got := known(l, store, "desk", "room:101"); got["key_stays"] != "guest" {
		t.Errorf("the desk knows %v", got)
	}
	if got := known(l, store, "lockers", "room:101"); got["generation"] != "2" {
		t.Errorf("the lockers know %v", got)
	}
}

// A job of which nobody knows the outcome, of this encoder and of lately, has the
// encoder wait for a late answer first.
func TestInterrupted(t *testing.T) {
	store, err := offsetstore.Open(filepath.Join(t.TempDir(), "store.db"), offsetstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if interrupted(store, "desk") {
		t.Error("a new store")
	}
	if err := store.Accept(offsetstore.Batch{Source: "pms", Commands: []offsetstore.Command{{ID: "a", Lane: "desk", Subject: "room:101", Created: time.Now()}}}); err != nil {
		t.Fatal(err)
	}
	c, err := store.Next(t.Context(), "desk")
	if err != nil {
		t.Fatal(err)
	}
	c.Unknown = true
	if err := store.Settle(c, offsetstore.Error); err != nil {
		t.Fatal(err)
	}
	if !interrupted(store, "desk") || interrupted(store, "pool") {
		t.Errorf("desk %v, pool %v", interrupted(store, "desk"), interrupted(store, "pool"))
	}
}

// A restored store knows the keys and screens of the time of the backup. Locks of
// our own have seen later keys, perhaps; and who is greeted may have left.
func TestRestoredStoreIsBelievedLess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	store, err := offsetstore.Open(path, offsetstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := &config.Loaded{}
	l.Devices = []config.Device{{Name: "desk", Keycard: &keycard.Config{}}, {Name: "lockers", Keycard: &keycard.Config{Protocol: "pn532"}}, {Name: "tvs", IPTV: &iptv.Config{}}}
	made := func(id, lane string) {
		t.Helper()
		c := offsetstore.Command{ID: id, Lane: lane, Subject: "room:101", Source: "pms", Setting: lane == "tvs", Created: time.Now(), Body: json.RawMessage(`{"action":"welcome"}`)}
		if err := store.Accept(offsetstore.Batch{Source: "pms", Commands: []offsetstore.Command{c}}); err != nil {
			t.Fatal(err)
		}
		if c, err = store.Next(t.Context(), lane); err != nil {
			t.Fatal(err)
		}
		if c.Known, err = json.Marshal(drivers.Receipt{Values: map[string]string{"key_id": id, drivers.ValueAt: time.Now().UTC().Format(time.RFC3339Nano)}}); err != nil {
			t.Fatal(err)
		}
		if err := store.Settle(c, offsetstore.Processed); err != nil {
			t.Fatal(err)
		}
	}
	greeted := func() bool {
		t.Helper()
		now := wanted(store, "tvs", zerolog.Nop())
		if len(now) != 1 {
			t.Fatalf("%d screens are wanted", len(now))
		}
		return !now[0].Due.After(time.Now())
	}
	for _, lane := range []string{"desk", "lockers", "tvs"} {
		made("then on "+lane, lane)
	}
	if known(l, store, "lockers", "room:101") == nil || !greeted() {
		t.Error("before: the key or the screen is unknown")
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := offsetstore.MarkRestored(path, time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if store, err = offsetstore.Open(path, offsetstore.Options{}); err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if got := known(l, store, "lockers", "room:101")["key_id"]; got != "" {
		t.Errorf("our own locks have the key %q", got)
	}
	if got := known(l, store, "desk", "room:101")["key_id"]; got != "then on desk" {
		t.Errorf("the lock system's key is %q", got)
	}
	if greeted() {
		t.Error("a guest of then is greeted before the PMS has caught up")
	}
	store.Release("pms")
	if !greeted() {
		t.Error("nobody is greeted afterwards")
	}
	made("now", "lockers")
	if got := known(l, store, "lockers", "room:101")["key_id"]; got != "now" {
		t.Errorf("our own locks have the key %q", got)
	}
}
