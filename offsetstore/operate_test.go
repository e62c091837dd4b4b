package offsetstore

import (
	"errors"
	"path/filepath"
	"testing"
	"time"
)

func TestCancelByHand(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	defer s.Close()
	later := job("later", "room:101")
	later.Due = time.Now().Add(time.Hour)
	accept(t, s, "1", job("first", "room:101"), later, setting("screen", "room:101"))
	under := next(t, s, "encoder")
	for id, want := range map[string]error{"first": ErrUnderWay, "screen": ErrSetting, "none": ErrNotWaiting, "later": nil} {
		if err := s.Cancel(id, "a person called it off"); !errors.Is(err, want) {
			t.Errorf("cancel %s: %v, want %v", id, err, want)
		}
	}
	if err := s.Settle(under, Processed); err != nil {
		t.Fatal(err)
	}
	nothing(t, s, "encoder")
	done, err := s.Done()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range done {
		if c.ID == "later" && (c.State != Cancelled || c.Note != "a person called it off") {
			t.Errorf("%+v", c)
		}
	}
}

func TestHasten(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	defer s.Close()
	screen := setting("screen", "room:101")
	screen.Due = time.Now().Add(time.Hour)
	held := setting("held", "room:102")
	held.Hold = time.Now().Add(time.Hour)
	accept(t, s, "1", screen, held)
	nothing(t, s, "tvs")
	if err := s.Hasten("held"); !errors.Is(err, ErrHeld) {
		t.Errorf("of a replay that is not over: %v", err)
	}
	if c, err := s.Waiting("screen"); err != nil || c.Lane != "tvs" {
		t.Fatalf("%+v, %v", c, err)
	}
	if err := s.Hasten("screen"); err != nil {
		t.Fatal(err)
	}
	if c := next(t, s, "tvs"); c.ID != "screen" {
		t.Errorf("handed out %s", c.ID)
	}
	if err := s.Hasten("screen"); !errors.Is(err, ErrUnderWay) {
		t.Error(err)
	}
}
