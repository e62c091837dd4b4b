package wifi

import (
	"testing"

	"edgeagent/hwsim/omadasim"
)

// After a change of credentials a guest has one access, of the kind that the
// property file says, and a departed one none, whether or not the agent still
// knows what it once gave.
func TestOmadaCredentialsChange(t *testing.T) {
	for _, change := range [][2]string{{"users", "vouchers"}, {"vouchers", "users"}} {
		t.Run(change[0]+" to "+change[1], func(t *testing.T) {
			s, sim := newOmadaStage(t, omadasim.Options{}, change[0])
			stays, left, lost := s.must(ensure(keyA, tomorrow)), s.must(ensure(keyB, tomorrow)), s.must(ensure(keyC, tomorrow))
			s.joins(mac1, stays)
			s.joins(mac2, left)
			s.section.Credentials = change[1]
			s.restart()
			if got := s.sweep(); got.Held != 3 {
				t.Errorf("swept %+v, want 3 held", got)
			}
			s.must(revoke(keyB))
			if len(s.live(keyB)) != 0 || s.Online(mac2) {
				t.Error("the departed guest has access")
			}
			delete(s.known, "stay:"+keyC)
			if got := s.wish(revoke(keyC)); s.sweep().Removed != 1 || len(s.live(keyC)) != 0 {
				t.Errorf("%s of a stay without receipt: access is left", got.Action)
			}
			sim.Say(-39999, "DELETE ")
			if _, err := s.try(ensure(keyA, tomorrow)); class(err) != "retry" {
				t.Errorf("the old access cannot be ended: %v", err)
			}
			sim.Say(0, "")
			again := s.must(ensure(keyA, tomorrow))
			if again["code"] == stays["code"] || again["user"] == stays["user"] {
				t.Error("it is the same access")
			}
			s.only(keyA)
			s.refuses(mac3, stays)
			s.refuses(mac3, lost)
			s.joins(mac1, again)
			calls := s.Requests()
			s.must(ensure(keyA, tomorrow))
			for _, r := range s.Requests()[len(calls):] {
				if r.Method != "GET" {
					t.Errorf("asked once more: %s %s", r.Method, r.Path)
				}
			}
		})
	}
}
