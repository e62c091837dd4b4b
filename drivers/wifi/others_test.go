package wifi

import (
	"context"
	"strings"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/console"
	"edgeagent/hwsim/mikrotiksim"
	"edgeagent/hwsim/unifisim"
)

// What a controller shows of others, though only one stay was asked for, is left
// alone: their access, and their devices.
func TestOthersAreLeftAlone(t *testing.T) {
	for _, p := range suiteProducts {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, p)
			other, told := s.must(ensure(keyB, tomorrow)), s.must(ensure(keyA, tomorrow))
			s.joins(mac1, other)
			s.joins(mac2, told)
			s.Inject(console.Fault{Kind: console.IgnoresFilter, Match: "GET ", Count: -1})
			if again := s.must(ensure(keyA, tomorrow)); again["code"] != told["code"] {
				t.Error("a repeat gave another code")
			}
			if fresh := s.must(ensure(keyC, tomorrow)); fresh["code"] == told["code"] || fresh["code"] == other["code"] {
				t.Error("a new guest was given another's code")
			}
			s.must(ensure(keyA, tomorrow.Add(48*time.Hour)))
			s.must(revoke(keyA))
			if len(s.live(keyA)) != 0 || s.Online(mac2) {
				t.Error("the departed guest has access")
			}
			if got := s.only(keyB); got.Code != other["code"] || !s.Online(mac1) {
				t.Error("another guest lost access")
			}
			s.only(keyC)
		})
	}
}

// Vouchers that the house made by hand, as the stay's own name begins or not.
func TestUnifiLeavesTheHousesVouchers(t *testing.T) {
	for _, p := range suiteProducts {
		if !strings.HasPrefix(p.name, "unifi") {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			s := newStage(t, p)
			sim := s.world.(*unifisim.Controller)
			told := s.must(ensure(keyA, tomorrow))
			var theirs []string
			for _, name := range []string{"staff", "", "htl:" + keyA + "-1", "htl:" + keyA + " bar"} {
				theirs = append(theirs, sim.AddVoucher(name, 6000, 3))
			}
			s.joins(mac1, map[string]string{"code": theirs[0]})
			s.Inject(console.Fault{Kind: console.IgnoresFilter, Match: "GET ", Count: -1})
			if again := s.must(ensure(keyA, tomorrow)); again["code"] != told["code"] {
				t.Error("a repeat gave another code")
			}
			s.must(revoke(keyA))
			for i, code := range theirs {
				if !sim.CodeWorks(code) {
					t.Errorf("voucher %d of the house is gone", i)
				}
			}
			if !s.Online(mac1) || sim.CodeWorks(told["code"]) {
				t.Error("a device of the house was cut, or the guest's code left")
			}
		})
	}
}

// Users that the house made by hand carry no marker.
func TestMikrotikLeavesTheHousesUsers(t *testing.T) {
	s := newStage(t, suiteProduct{name: "mikrotik", start: startMikrotik})
	m, sim := s.drv.ctl.(*mikrotik), s.world.(*mikrotiksim.Router)
	if _, err := m.add(t.Context(), map[string]string{"name": "barkeeper", "password": "pw", "profile": "guest"}); err != nil {
		t.Fatal(err)
	}
	told := s.must(ensure(keyA, tomorrow))
	s.joins(mac1, map[string]string{"user": "barkeeper", "code": "pw"})
	s.joins(mac2, told)
	s.Inject(console.Fault{Kind: console.IgnoresFilter, Match: "GET ", Count: -1})
	if again := s.must(ensure(keyA, tomorrow)); again["code"] != told["code"] {
		t.Error("a repeat gave another code")
	}
	cookies := sim.Cookies("barkeeper")
	s.must(revoke(keyA))
	if !s.Online(mac1) || sim.Cookies("barkeeper") != cookies {
		t.Error("a device of the house was cut")
	}
	if s.Online(mac2) {
		t.Error("the departed guest is online")
	}
	s.joins(mac3, map[string]string{"user": "barkeeper", "code": "pw"})
}

// Devices of the voucher that stays keep what they have; only those of one that
// goes are let in anew.
func TestUnifiMovesOnlyWhoHasTo(t *testing.T) {
	b := newBench(t, nil)
	told := b.must(t, ensure(keyA, start.Add(24*time.Hour)))
	b.join(t, mac1, told["code"])
	b.join(t, mac2, b.sim.AddVoucher("htl:"+keyA, 6000, 5))
	b.sim.ForgetRequests()
	if again := b.must(t, ensure(keyA, start.Add(24*time.Hour))); again["code"] != told["code"] {
		t.Error("another code")
	}
	var moved []string
	for _, r := range b.sim.Requests() {
		if strings.Contains(r.Body, "authorize-guest") {
			moved = append(moved, r.Body)
		}
	}
	if len(moved) != 1 || !strings.Contains(moved[0], mac2) {
		t.Errorf("let in anew: %v, want the one device of the voucher that went", moved)
	}
}

// A stay that was reinstated since the sweep looked keeps its access.
func TestSweepLooksAgainBeforeItEnds(t *testing.T) {
	b := newBench(t, nil)
	told := b.must(t, ensure(keyA, start.Add(24*time.Hour)))
	asked := 0
	b.drv.site.Wanted = func(string) []drivers.Command {
		if asked++; asked == 1 {
			return []drivers.Command{revoke(keyA)}
		}
		return []drivers.Command{ensure(keyA, start.Add(24*time.Hour))}
	}
	if out := b.sweep(t); out != (Swept{Held: 1}) || asked != 2 {
		t.Errorf("swept %+v, asked %d times", out, asked)
	}
	if !b.sim.CodeWorks(told["code"]) {
		t.Error("the reinstated guest lost access")
	}
}

// An answer that says nothing does not say that there is nothing.
func TestNothingIsNoEmptyList(t *testing.T) {
	lists := map[string][]string{
		"unifi":          {"GET /proxy/network/integration/v1/sites/", "GET /proxy/network/api/s/default/stat/guest"},
		"unifi-password": {"GET /proxy/network/api/s/default/stat/voucher", "GET /proxy/network/api/s/default/stat/guest"},
		"opnsense":       {"GET /api/captiveportal/voucher/list_vouchers", "POST /api/captiveportal/session/search"},
		"mikrotik":       {"GET /rest/ip/hotspot/user", "GET /rest/ip/hotspot/active", "GET /rest/ip/hotspot/cookie"},
	}
	for _, p := range suiteProducts {
		for _, match := range lists[p.name] {
			for _, text := range []string{"{}", "null", `{"meta":{"rc":"ok"}}`, `{"totalCount":3,"data":[]}`} {
				s := newStage(t, p)
				told := s.must(ensure(keyA, tomorrow))
				s.joins(mac1, told)
				s.wish(revoke(keyA))
				s.Inject(console.Fault{Kind: console.Says, Text: text, Match: match, Count: -1})
				_, err := s.try(revoke(keyA))
				if s.Heal(); class(err) != "retry" {
					t.Errorf("%s: %s answered %s: class %s, want one that is tried again: %v", p.name, match, text, class(err), err)
				}
				s.must(revoke(keyA))
				if len(s.live(keyA)) != 0 || s.Online(mac1) {
					t.Errorf("%s: %s answered %s: the departed guest has access", p.name, match, text)
				}
			}
		}
	}
}

// What a sweep lists is held to the same.
func TestNothingIsNoEmptyGroupList(t *testing.T) {
	for _, p := range suiteProducts {
		if p.name != "opnsense" {
			continue
		}
		for _, match := range []string{"list_providers", "list_voucher_groups", "list_vouchers"} {
			s := newStage(t, p)
			s.must(ensure(keyA, tomorrow))
			s.Inject(console.Fault{Kind: console.Says, Text: "null", Match: match})
			if _, err := s.drv.Sweep(context.Background()); class(err) != "retry" || !strings.HasSuffix(err.Error(), "it holds no list") {
				t.Errorf("%s: %v", match, err)
			}
		}
	}
}
