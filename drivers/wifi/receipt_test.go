package wifi

import (
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/console"
)

// A revoke says that what the guest was told is dead, and keeps it for a stay
// that is reinstated.
func TestRevokeClosesTheReceipt(t *testing.T) {
	for _, p := range suiteProducts {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, p)
			told := s.must(ensure(keyA, tomorrow))
			if !drivers.LetsIn(told, s.now()) {
				t.Error("a fresh code counts as dead")
			}
			closed := s.must(revoke(keyA))
			if drivers.LetsIn(closed, s.now()) {
				t.Error("a dead code would be shown to its guest")
			}
			delete(closed, drivers.ValueClosed)
			if !maps.Equal(closed, told) {
				t.Error("the revoke changed more of the receipt than that it is closed")
			}
			s.must(revoke(keyA)) // again: still closed
			s.Inject(console.Fault{Kind: console.ServerError, Count: -1})
			if _, err := s.try(ensure(keyA, tomorrow)); err == nil {
				t.Fatal("reinstated by a controller that is down")
			}
			if drivers.LetsIn(s.known["stay:"+keyA], s.now()) {
				t.Error("a dead code would be shown while the reinstatement fails")
			}
			s.Heal()
			if again := s.must(ensure(keyA, tomorrow)); !drivers.LetsIn(again, s.now()) {
				t.Error("the reinstated guest's code counts as dead")
			}
			if got := s.must(revoke(keyB)); got != nil {
				t.Errorf("a stay without access has the values %v", got)
			}
		})
	}
}

// UniFi's portal takes a hyphen in the middle; no other is known to.
func TestCodesAreShownAsThePortalTakesThem(t *testing.T) {
	fives := regexp.MustCompile(`^[0-9]{5}-[0-9]{5}$`)
	for _, p := range suiteProducts {
		told := newStage(t, p).must(ensure(keyA, start.Add(24*time.Hour)))
		if strings.ReplaceAll(told["shown"], "-", "") != strings.ReplaceAll(told["code"], "-", "") {
			t.Errorf("%s: another code is shown", p.name)
		}
		unifi := strings.HasPrefix(p.name, "unifi")
		if fives.MatchString(told["shown"]) != unifi || !unifi && told["shown"] != told["code"] {
			t.Errorf("%s: shown otherwise than its portal takes it", p.name)
		}
	}
	if got := inFives("12345"); got != "12345" {
		t.Errorf("got %s", got)
	}
}
