package wifi

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Where a credential lasts for so long from now, none is made or extended while
// the clocks disagree; what there is stays, and can be ended.
func TestNothingRelativeByClocksThatDisagree(t *testing.T) {
	for _, p := range suiteProducts {
		if strings.HasPrefix(p.name, "omada") {
			continue // its ends are instants
		}
		for off, words := range map[time.Duration]string{
			-26 * time.Hour: "26h0m0s behind", 150 * time.Second: "2m30s ahead of", 2 * time.Hour: "2h0m0s ahead of",
		} {
			t.Run(p.name+" "+off.String(), func(t *testing.T) {
				t.Parallel()
				var skew atomic.Int64
				own := p
				own.start = func(now func() time.Time) (world, Config, map[string]string, error) {
					return p.start(func() time.Time { return now().Add(time.Duration(skew.Load())) })
				}
				s := newStage(t, own)
				told := s.must(ensure(keyA, tomorrow))
				s.joins(mac1, told)
				skew.Store(int64(off))
				s.restart() // it knows nothing of the clocks yet
				s.ForgetRequests()
				host := strings.TrimPrefix(s.URL(), "https://")
				want := "guest-wifi: open access: " + host + ": the controller's clock is " + words + " the gateway's, so access would not end with its stay: give both the same time server"
				for name, cmd := range map[string]struct {
					key   string
					until time.Time
				}{
					"new": {keyB, tomorrow}, "extended": {keyA, tomorrow.Add(72 * time.Hour)},
				} {
					_, err := s.try(ensure(cmd.key, cmd.until))
					if s.failure(err, "down"); err.Error() != want {
						t.Errorf("%s: got  %v\nwant %s", name, err, want)
					}
				}
				for _, r := range s.Requests() {
					if line := r.Method + " " + r.Path; p.create != "" && strings.Contains(line, p.create) {
						t.Errorf("asked for a credential: %s", line)
					}
				}
				if len(s.live(keyB)) != 0 {
					t.Error("made all the same")
				}
				s.must(revoke(keyA))
				if len(s.live(keyA)) != 0 || s.Online(mac1) {
					t.Error("the departed guest has access")
				}
				skew.Store(0)
				s.must(ensure(keyB, tomorrow))
				s.only(keyB)
			})
		}
	}
}

// A step of the controller's clock, also one too small to be told of, changes
// nobody's code.
func TestStepOfTheClockKeepsTheCode(t *testing.T) {
	for _, p := range suiteProducts {
		if !strings.HasPrefix(p.name, "unifi") {
			continue
		}
		for _, off := range []time.Duration{-26 * time.Hour, -4 * time.Minute, 4 * time.Minute, time.Hour} {
			t.Run(p.name+" "+off.String(), func(t *testing.T) {
				t.Parallel()
				var skew atomic.Int64
				own := p
				own.start = func(now func() time.Time) (world, Config, map[string]string, error) {
					return p.start(func() time.Time { return now().Add(time.Duration(skew.Load())) })
				}
				s := newStage(t, own)
				first := s.must(ensure(keyA, tomorrow))
				skew.Store(int64(off))
				if again := s.must(ensure(keyA, tomorrow)); again["code"] != first["code"] {
					t.Error("another code")
				}
				skew.Store(0)
				if again := s.must(ensure(keyA, tomorrow.Add(48*time.Hour))); again["code"] == first["code"] {
					t.Error("an extension kept a code that ends too early")
				}
			})
		}
	}
}
