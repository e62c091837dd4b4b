package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"edgeagent/drivers"
	"edgeagent/offsetstore"
	"edgeagent/pms"
	"edgeagent/rules"
)

// What the store holds must be the ledger, whoever changes it: a stay that one
// loop has forgotten and another has brought back must not be forgotten later.
func TestStoreFollowsTheLedger(t *testing.T) {
	store, err := offsetstore.Open(filepath.Join(t.TempDir(), "store.db"), offsetstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	table, problems := rules.Compile(nil, nil, "")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	src := newSource("pms")
	a := New(Options{
		Store: store, Table: table, Clock: NewClock(), Log: zerolog.Nop(),
		Ledger: pms.NewLedger(pms.FoldOptions{Key: store.Key(), Zone: time.UTC}, nil),
	})
	say := func(i int, n pms.Notice) {
		n.Source, n.Offset, n.ID, n.Received = "pms", fmt.Sprint(i), fmt.Sprintf("pms/1/%d", i), time.Now()
		if err := a.take(src, []pms.Notice{n}); err != nil {
			t.Error(err)
		}
	}
	// Guests for the sweep to check out, so that it has something to write.
	var crowd pms.Change
	for i := range 500 {
		id := fmt.Sprintf("pms/D%d", i)
		crowd.Stays = append(crowd.Stays, pms.Stay{
			ID: id, Key: id, Source: "pms", Room: fmt.Sprint(i), Status: pms.StatusInHouse, Displaced: true, DisplacedAt: time.Now(),
		})
	}
	for i := range 20 {
		a.ledger.Apply(crowd)
		say(3*i, pms.Notice{Kind: pms.KindReservationNew, Reservation: "R1"})
		say(3*i+1, pms.Notice{Kind: pms.KindReservationCancel, Reservation: "R1"})
		var both sync.WaitGroup
		both.Go(func() {
			if err := a.sweep(time.Now().Add(48 * time.Hour)); err != nil {
				t.Error(err)
			}
		})
		both.Go(func() { say(3*i+2, pms.Notice{Kind: pms.KindReservationNew, Reservation: "R1"}) })
		both.Wait()
		stored, held := map[string]pms.Status{}, map[string]pms.Status{}
		if err := store.Records(func(id string, record []byte) error {
			var stay pms.Stay
			err := json.Unmarshal(record, &stay)
			stored[id] = stay.Status
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for id := range stored {
			if stay, ok := a.ledger.Stay(id); ok {
				held[id] = stay.Status
			}
		}
		if stay, ok := a.ledger.Stay("pms/R1"); ok {
			held[stay.ID] = stay.Status
		}
		if diff := cmp.Diff(held, stored); diff != "" {
			t.Fatalf("round %d: the store is not the ledger:\n%s", i, diff)
		}
	}
}

// A driver may go on with what it has begun although its context has ended, as
// an encoder does that holds a card. Only Halt ends that.
func TestSecondSignalReleasesTheDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.desk.halted = make(chan struct{})
		s.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) {
			select {
			case <-s.desk.halted:
			case <-time.After(time.Minute):
			}
			return drivers.Receipt{}, fmt.Errorf("%w: the port was closed", drivers.ErrUnknown)
		})
		s.say(checkIn("R1", "101", "Silva"))
		began := time.Now()
		s.soft()
		s.rest()
		s.hard()
		s.stop()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("stopping took %s", took)
		}
	})
}
