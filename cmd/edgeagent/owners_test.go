package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/drivers/keycard"
	"edgeagent/internal/config"
	"edgeagent/offsetstore"
)

// Whose keys a room has is known to all encoders too. A check-out that is left
// alone leaves nothing to know, and so forgets nothing; a key that another
// encoder is making is waited for.
func TestWhoseKeyIsKnownToAllEncoders(t *testing.T) {
	store, err := offsetstore.Open(filepath.Join(t.TempDir(), "store.db"), offsetstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	l := &config.Loaded{}
	l.Devices = []config.Device{{Name: "desk", Keycard: &keycard.Config{}}, {Name: "pool", Keycard: &keycard.Config{}}}
	n, began := 0, time.Now().Add(-time.Hour)
	begin := func(lane string, setting bool) offsetstore.Command {
		t.Helper()
		n++
		c := offsetstore.Command{ID: strconv.Itoa(n), Lane: lane, Subject: "room:101", Setting: setting, Created: time.Now()}
		if err := store.Accept(offsetstore.Batch{Source: "pms", Commands: []offsetstore.Command{c}}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		c, err := store.Next(ctx, lane)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	settle := func(c offsetstore.Command, values map[string]string) {
		t.Helper()
		if values != nil {
			values[drivers.ValueAt] = began.Add(time.Duration(n) * time.Minute).UTC().Format(time.RFC3339Nano)
			if c.Known, err = json.Marshal(drivers.Receipt{Values: values}); err != nil {
				t.Fatal(err)
			}
		}
		if err := store.Settle(c, offsetstore.Processed); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what, stays string, underWay bool) {
		t.Helper()
		for _, encoder := range []string{"desk", "pool"} {
			v := known(l, store, encoder, "room:101")
			busy := underWay && encoder == "desk" // the pool encoder knows what it does itself
			if v["key_stays"] != stays || (v[drivers.ValueUnderWay] != "") != busy {
				t.Errorf("%s: %s knows %v, want stays %q, under way %v", what, encoder, v, stays, busy)
			}
		}
	}
	settle(begin("desk", false), map[string]string{"key_stays": "one"})
	want("a key", "one", false)
	next := begin("pool", false)
	want("the next guest's is being made", "one", true)
	settle(next, map[string]string{"key_stays": "two"})
	want("it is made", "two", false)
	out := begin("desk", true)
	want("a check-out is no key in the making", "two", false)
	settle(out, nil)
	want("the check-out was left alone", "two", false)
	if err := store.Flush(); err != nil {
		t.Fatal(err)
	}
	want("and filed", "two", false)
	settle(begin("desk", true), map[string]string{})
	want("the room was checked out", "", false)
	next = begin("pool", false)
	want("a first key is being made", "", true)
	settle(next, nil)
}
