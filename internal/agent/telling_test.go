package agent

import (
	"errors"
	"testing"
	"time"

	"edgeagent/offsetstore"
	"edgeagent/pms"
)

// The same trouble is said once, another one again, and after a success anew.
func TestTroubleOfTellingIsNewsOnce(t *testing.T) {
	tell := newTelling(true)
	tell.follow(offsetstore.Ask{ID: "K1", Open: 1})
	now, p := time.Now(), Patience{}.withDefaults()
	for i, c := range []struct {
		err  error
		want bool
	}{
		{errors.New("503"), true}, {errors.New("503"), false}, {errors.New("429"), true}, {nil, false}, {errors.New("429"), true},
	} {
		if got := tell.heard(pms.Answer{State: pms.CommandReceived}, c.err, now, p); got != c.want {
			t.Errorf("step %d: news %v", i, got)
		}
	}
}

// After a failure the newest is told, not what failed, and an outcome does not
// wait for the failures before it.
func TestTellingSkipsToTheNewest(t *testing.T) {
	tell := newTelling(true)
	tell.follow(offsetstore.Ask{ID: "K1", Open: 1, Begun: true})
	now, p := time.Now(), Patience{}.withDefaults()
	first, _ := tell.next(now)
	if first.State != pms.CommandReceived {
		t.Fatalf("first %s", first.State)
	}
	tell.heard(first, errors.New("503"), now, p)
	if a, pause := tell.next(now); a.State != "" || pause <= 0 || pause > p.First {
		t.Errorf("at once after a failure: %+v, in %s", a, pause)
	}
	if a, _ := tell.next(now.Add(p.First)); a.State != pms.CommandProcessing {
		t.Errorf("then %+v", a)
	}
	tell.follow(offsetstore.Ask{ID: "K1", Begun: true, Outcome: offsetstore.Error, Note: "no card"})
	a, _ := tell.next(now)
	if a != (pms.Answer{CommandID: "K1", State: pms.CommandError, Note: "no card"}) {
		t.Errorf("the outcome: %+v", a)
	}
	tell.heard(a, errors.New("503"), now, p)
	if a, pause := tell.next(now); a.State != "" || pause <= 0 {
		t.Errorf("a PMS in trouble is asked again at once: %+v", a)
	}
}

// That it was received is told until it is, or something newer is.
func TestReceivedIsTriedAgain(t *testing.T) {
	for _, greet := range []bool{true, false} {
		tell := newTelling(greet)
		tell.follow(offsetstore.Ask{ID: "K1", Open: 1})
		now, p := time.Now(), Patience{}.withDefaults()
		for range 2 {
			a, _ := tell.next(now)
			if a.State != pms.CommandReceived {
				t.Fatalf("told %+v", a)
			}
			tell.heard(a, errors.New("503"), now, p)
			now = now.Add(p.Most)
		}
		tell.heard(pms.Answer{CommandID: "K1", State: pms.CommandReceived}, nil, now, p)
		if a, pause := tell.next(now); a.State != "" || pause != 0 {
			t.Errorf("there is no more to tell, and yet %+v in %s", a, pause)
		}
	}
}
