package wifi

import (
	"fmt"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/omadasim"

	"pgregory.net/rapid"
)

// Whatever was ensured and revoked, tried once or until it got through, with
// faults, lost tokens and restarts in between: a stay has one credential that
// works if the last word was ensure, and no device outlasts it; and none, nor a
// device online, if the last word was revoke.
func TestOmadaAnySequenceEndsAsTheLastWordSays(t *testing.T) {
	for _, credentials := range []string{"users", "vouchers"} {
		t.Run(credentials, func(t *testing.T) {
			s, sim := newOmadaStage(t, omadasim.Options{}, credentials)
			rapid.Check(t, func(rt *rapid.T) { playOmada(rt, s, sim) })
		})
	}
}

func playOmada(rt *rapid.T, s *stage, sim *omadasim.Controller) {
	s.ForgetRequests()
	s.told = nil // or each round would look for the codes of all before
	last, devices := map[string]drivers.Command{}, map[string][]string{}
	for i := range rapid.IntRange(1, 12).Draw(rt, "steps") {
		key := rapid.SampledFrom([]string{keyA, keyB, keyC}).Draw(rt, "stay")
		cmd := revoke(key)
		if rapid.IntRange(0, 2).Draw(rt, "what") > 0 {
			hours := rapid.SampledFrom([]int{-3, 5, 24, 72}).Draw(rt, "hours")
			tier := rapid.SampledFrom([]string{"", "suite"}).Draw(rt, "tier")
			n := rapid.SampledFrom([]string{"3", "4"}).Draw(rt, "devices")
			cmd = ensure(key, s.now().Add(time.Duration(hours)*time.Hour).Truncate(time.Second), "tier", tier, "devices", n)
		}
		last[key] = cmd
		for range rapid.IntRange(0, 2).Draw(rt, "faults") {
			s.Inject(drawFault(rt))
		}
		switch rapid.IntRange(0, 8).Draw(rt, "tokens") {
		case 0:
			sim.ExpireTokens()
		case 1:
			sim.EditClient()
		}
		receipt, err := s.try(cmd)
		s.Heal()
		if err == nil && cmd.Action == "ensure" && len(s.live(key)) == 1 && rapid.Bool().Draw(rt, "used") {
			mac := fmt.Sprintf("02:00:00:00:%02x:%s", i, key[14:])
			if err := s.Join(mac, receipt.Values["user"], receipt.Values["code"]); err != nil {
				rt.Fatalf("join: %v", err)
			}
			devices[key] = append(devices[key], mac)
		}
		if rapid.IntRange(0, 5).Draw(rt, "restart") == 0 {
			s.restart()
		}
		s.advance(time.Duration(rapid.IntRange(0, 90).Draw(rt, "minutes")) * time.Minute)
	}
	for key, cmd := range last {
		values := s.must(cmd)
		online := 0
		for _, mac := range devices[key] {
			end, ok := sim.Ends(mac)
			if !ok {
				continue
			}
			online++
			if until, err := instant(values["until"]); cmd.Action == "ensure" && (err != nil || end.After(until.Add(tolerance))) {
				rt.Fatalf("a device of stay %s ends %v, after %v", key, end, until)
			}
		}
		held := 0
		for _, a := range s.Access() {
			if a.Marker == markerPrefix+key {
				held++
				if cmd.Action == "ensure" && a.Code != values["code"] {
					rt.Fatalf("stay %s has another code than its receipt", key)
				}
			}
		}
		if want := map[string]int{"ensure": 1, "revoke": 0}[cmd.Action]; held != want || want == 0 && online > 0 {
			rt.Fatalf("%s: stay %s has %d credentials and %d devices online", cmd.Action, key, held, online)
		}
		s.must(revoke(key))
	}
}
