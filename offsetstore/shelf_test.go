package offsetstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// patient opens a store that files settled commands late.
func patient(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path, Options{Linger: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func settled(t testing.TB, s *Store, c Command) {
	t.Helper()
	if err := s.Settle(c, Processed); err != nil {
		t.Fatal(err)
	}
}

func TestOnTheShelfIsSettled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := patient(t, path)
	accept(t, s, "1", job("key", "room:101"), setting("tv", "room:101"))
	settled(t, s, next(t, s, "encoder"))
	shown := next(t, s, "tvs")
	shown.Known = json.RawMessage(`{"gen":"1"}`)
	settled(t, s, shown)
	look := func(when string) {
		t.Helper()
		for _, id := range []string{"key", "tv"} {
			if c := state(t, s, id); c.State != Processed {
				t.Errorf("%s: %s is %s", when, id, c.State)
			}
		}
		if open, _ := s.Open(); len(open) != 0 {
			t.Errorf("%s: open are %v", when, open)
		}
		if known, _ := s.Known("tvs", "room:101"); string(known) != `{"gen":"1"}` {
			t.Errorf("%s: known is %q", when, known)
		}
		if wanted, _ := s.Wanted("tvs"); len(wanted) != 1 || wanted[0].ID != "tv" {
			t.Errorf("%s: wanted %v", when, wanted)
		}
		accept(t, s, "2", job("key", "room:101"), setting("tv", "room:101")) // a replay
		nothing(t, s, "encoder")
		nothing(t, s, "tvs")
	}
	look("on the shelf")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = patient(t, path)
	defer s.Close()
	look("after an orderly stop")
}

// A power cut empties the shelf: the job stays settled, the setting is done again.
func TestShelfAfterPowerCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := patient(t, path)
	accept(t, s, "1", job("key", "room:101"), setting("tv", "room:101"))
	settled(t, s, next(t, s, "encoder"))
	settled(t, s, next(t, s, "tvs"))
	crash(t, s)

	s = patient(t, path)
	defer s.Close()
	if c := state(t, s, "key"); c.State != Processed {
		t.Errorf("the job is %s, want Processed", c.State)
	}
	nothing(t, s, "encoder")
	if c := next(t, s, "tvs"); c.ID != "tv" {
		t.Errorf("next is %s, want tv", c.ID)
	}
}

// What the room was told before must not come back after a power cut.
func TestOlderSettingIsNotRepeated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := patient(t, path)
	accept(t, s, "1", setting("old", "room:101"))
	settled(t, s, next(t, s, "tvs"))
	accept(t, s, "2", setting("new", "room:101"))
	crash(t, s)

	s = patient(t, path)
	defer s.Close()
	if c := next(t, s, "tvs"); c.ID != "new" {
		t.Errorf("next is %s: the room was told old news", c.ID)
	}
	nothing(t, s, "tvs")
	if c := state(t, s, "old"); c.State != Cancelled {
		t.Errorf("the older one is %s, want Cancelled", c.State)
	}
}

func TestShelfIsBounded(t *testing.T) {
	s := patient(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	for i := range 3 * shelfSize {
		accept(t, s, fmt.Sprint(i), setting(fmt.Sprint("tv", i), fmt.Sprint("room:", i%7)))
		settled(t, s, next(t, s, "tvs"))
		if n := len(s.onShelf()); n > shelfSize {
			t.Fatalf("%d on the shelf", n)
		}
	}
	if done, _ := s.Done(); len(done) != 3*shelfSize {
		t.Errorf("%d settled, want %d", len(done), 3*shelfSize)
	}
	if wanted, _ := s.Wanted("tvs"); len(wanted) != 7 {
		t.Errorf("%d wanted, want 7", len(wanted))
	}
}

// waiting calls Next in the background and returns once it waits.
func waiting(t testing.TB, ctx context.Context, s *Store, lane string) <-chan Command {
	t.Helper()
	got := make(chan Command, 1)
	before := waiters(s, lane)
	go func() {
		defer close(got)
		if c, err := s.Next(ctx, lane); err == nil {
			got <- c
		} else if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}()
	for waiters(s, lane) == before {
		time.Sleep(time.Millisecond)
	}
	return got
}

func waiters(s *Store, lane string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.lane(lane).waiting)
}

// A waiter gets its job marked with the commit that accepts it.
func TestWaiterGetsItsJobMarked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := patient(t, path)
	got := waiting(t, t.Context(), s, "encoder")
	accept(t, s, "1", job("first", "room:101"), job("second", "room:101"))
	if c := <-got; c.ID != "first" || c.State != Processing || c.Tries != 1 {
		t.Errorf("handed out %s, %s, try %d", c.ID, c.State, c.Tries)
	}
	nothing(t, s, "encoder") // the second waits for the first
	crash(t, s)

	s = patient(t, path)
	defer s.Close()
	if c := state(t, s, "first"); !c.Unknown {
		t.Errorf("after a power cut the first is %s, want unknown", c.State)
	}
	if c := next(t, s, "encoder"); c.ID != "second" {
		t.Errorf("next is %s", c.ID)
	}
}

// Two waiters of a lane never get two jobs of one subject.
func TestWaitersKeepTheOrderOfASubject(t *testing.T) {
	s := patient(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	a, b := waiting(t, ctx, s, "encoder"), waiting(t, ctx, s, "encoder")
	accept(t, s, "1", job("first", "room:101"), job("second", "room:101"), job("other", "room:102"))
	ids := map[string]bool{(<-a).ID: true, (<-b).ID: true}
	if !ids["first"] || !ids["other"] {
		t.Errorf("handed out %v, want first and other", ids)
	}
}

// A job that was marked when its waiter gave up is handed out all the same: it
// must not end as unknown for nothing.
func TestMarkedJobIsHandedOutOnStop(t *testing.T) {
	for i := range 50 {
		s := patient(t, filepath.Join(t.TempDir(), "store.db"))
		ctx, stop := context.WithCancel(t.Context())
		got := waiting(t, ctx, s, "encoder")
		go stop()
		accept(t, s, "1", job(fmt.Sprint(i), "room:101"))
		c, handed := <-got
		if stored := state(t, s, fmt.Sprint(i)); handed != (stored.State == Processing) {
			t.Fatalf("handed out: %v (%s), but in the file it is %s", handed, c.ID, stored.State)
		}
		s.Close()
	}
}
