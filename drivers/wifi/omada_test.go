package wifi

import (
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/omadasim"

	"github.com/google/go-cmp/cmp"
)

func newOmadaStage(t *testing.T, opts omadasim.Options, credentials string) (*stage, *omadasim.Controller) {
	t.Helper()
	s := newStage(t, suiteProduct{name: "omada", create: omadaCreates, start: func(now func() time.Time) (world, Config, map[string]string, error) {
		opts.Now = now
		return startOmadaOf(opts, credentials)
	}})
	return s, s.world.(*omadasim.Controller)
}

// omadaCalls are the requests since the last look, short; secret and body with
// patterns in place of what differs from run to run.
func (s *stage) omadaCalls(replace ...string) []string {
	var list []string
	for _, r := range s.Requests() {
		line := strings.TrimSpace(r.Method + " " + r.Path + " " + r.Body)
		line = strings.ReplaceAll(line, "/openapi/v1/"+simOmadaID, "")
		if before, rest, ok := strings.Cut(line, "/sites/"); ok {
			line = before + "SITE" + rest[24:] // ids have 24 digits
		}
		list = append(list, strings.NewReplacer(replace...).Replace(line))
	}
	s.ForgetRequests()
	return list
}

// Down is the guest's download, in kbit/s; data is in MB; the end is in ms.
func TestOmadaUserOnTheWire(t *testing.T) {
	s, _ := newOmadaStage(t, omadasim.Options{}, "")
	s.section.Tiers = map[string]Tier{"suite": {DownKbps: 90_000, UpKbps: 40_000, DataMB: 5000}, "standard": {UpKbps: 5000}}
	s.restart()
	told := s.must(ensure(keyA, tomorrow, "tier", "suite", "devices", "3"))
	user, code := told["user"], told["code"]
	fields := `"enable":true,"expirationTime":1795449600000,"bindingType":0,"maxUsers":3,"name":"htl:` + keyA + `"`
	want := []string{
		"POST /openapi/authorize/token?grant_type=client_credentials",
		"GET /sites?page=1&pageSize=500",
		`POST SITE/hotspot/localusers {"userName":"USER","password":"CODE",` + fields +
			`,"rateLimit":{"mode":0,"customRateLimit":{"downLimitEnable":true,"downLimit":90000,"upLimitEnable":true,"upLimit":40000}}` +
			`,"trafficLimitEnable":true,"trafficLimit":5000,"trafficLimitFrequency":0,"portals":[],"applyToAllPortals":true}`,
	}
	if diff := cmp.Diff(want, s.omadaCalls(user, "USER", code, "CODE")); diff != "" {
		t.Errorf("make (-want +got):\n%s", diff)
	}
	if time.UnixMilli(1795449600000).UTC() != tomorrow.Add(2*time.Hour) {
		t.Error("the end is not departure and grace in ms")
	}
	id := told["voucher"]
	s.must(ensure(keyA, tomorrow, "tier", "standard", "devices", "3"))
	want = []string{
		"GET SITE/hotspot/localusers?page=1&pageSize=500&searchKey=USER",
		"GET SITE/hotspot/authed-records?page=1&pageSize=500&searchKey=USER",
		`POST SITE/hotspot/localusers/ID {"password":"CODE",` + fields +
			`,"rateLimit":{"mode":0,"customRateLimit":{"downLimitEnable":false,"upLimitEnable":true,"upLimit":5000}}` +
			`,"trafficLimitEnable":false,"trafficLimitFrequency":0,"portals":[],"applyToAllPortals":true}`,
	}
	if diff := cmp.Diff(want, s.omadaCalls(user, "USER", code, "CODE", id, "ID")); diff != "" {
		t.Errorf("change (-want +got):\n%s", diff)
	}
	s.must(ensure(keyA, tomorrow, "tier", "standard", "devices", "3"))
	if diff := cmp.Diff(want[:2], s.omadaCalls(user, "USER", code, "CODE")); diff != "" {
		t.Errorf("repeat (-want +got):\n%s", diff)
	}
	s.must(revoke(keyA))
	want = []string{
		"GET SITE/hotspot/localusers?page=1&pageSize=500&searchKey=USER",
		"DELETE SITE/hotspot/localusers/ID",
		"GET SITE/hotspot/authed-records?page=1&pageSize=500&searchKey=USER",
		"GET SITE/hotspot/voucher-groups?page=1&pageSize=500&searchKey=htl:00112233445566aa",
	}
	if diff := cmp.Diff(want, s.omadaCalls(user, "USER", id, "ID")); diff != "" {
		t.Errorf("revoke (-want +got):\n%s", diff)
	}
}

func TestOmadaVoucherOnTheWire(t *testing.T) {
	s, _ := newOmadaStage(t, omadasim.Options{}, "vouchers")
	told := s.must(ensure(keyA, tomorrow, "devices", "3"))
	want := []string{
		"POST /openapi/authorize/token?grant_type=client_credentials",
		"GET /sites?page=1&pageSize=500",
		`POST SITE/hotspot/voucher-groups {"name":"htl:` + keyA + `","amount":1,"codeLength":10,"codeForm":[0],"limitType":1,"limitNum":3` +
			`,"durationType":1,"duration":1560,"timingType":0` +
			`,"rateLimit":{"mode":0,"customRateLimit":{"downLimitEnable":true,"downLimit":20000,"upLimitEnable":true,"upLimit":5000}}` +
			`,"trafficLimitEnable":false,"trafficLimitFrequency":0,"applyToAllPortals":true,"portals":[]` +
			`,"validityType":1,"effectiveTime":1795356000000,"expirationTime":1795449600000}`,
		"GET SITE/hotspot/voucher-groups/ID?page=1&pageSize=10",
	}
	if diff := cmp.Diff(want, s.omadaCalls(told["voucher"], "ID")); diff != "" {
		t.Errorf("make (-want +got):\n%s", diff)
	}
	if code := told["code"]; len(code) != 10 || strings.Trim(code, "0123456789") != "" || told["user"] != "" {
		t.Errorf("told %d characters, user %q", len(code), told["user"])
	}
	_, err := s.try(ensure(keyB, tomorrow, "devices", "1000"))
	if class(err) != "refused" || !strings.Contains(err.Error(), "1000 devices: a voucher takes at most 999") {
		t.Errorf("1000 devices: %v", err)
	}
}

// A change takes the whole object: what people have set at the controller's
// page has to be written back.
func TestOmadaChangeKeepsWhatIsNotOurs(t *testing.T) {
	s, sim := newOmadaStage(t, omadasim.Options{}, "")
	told := s.must(ensure(keyA, tomorrow))
	if !sim.SetUser(told["user"], "+351 21 000") {
		t.Fatal("no such user")
	}
	s.must(ensure(keyA, tomorrow.Add(24*time.Hour)))
	if phone, daily := sim.Phone(told["user"]); phone != "+351 21 000" || !daily {
		t.Errorf("phone %q, daily limit %v", phone, daily)
	}
}

// A search finds whatever contains what is looked for: people's own accounts too.
func TestOmadaLeavesOthersAlone(t *testing.T) {
	for _, credentials := range []string{"users", "vouchers"} {
		s, sim := newOmadaStage(t, omadasim.Options{}, credentials)
		other := map[string]string{"user": "x" + Stay{Key: keyA}.userName(), "code": "staff"}
		if credentials == "vouchers" {
			other = map[string]string{"code": sim.AddGroup("htl:" + keyA + "-bar")}
		} else {
			sim.AddUser(other["user"], "staff")
		}
		s.joins(mac3, other)
		s.joins(mac1, s.must(ensure(keyA, tomorrow)))
		s.must(ensure(keyA, tomorrow.Add(24*time.Hour)))
		s.must(revoke(keyA))
		if !s.Online(mac3) || s.Online(mac1) {
			t.Errorf("%s: the wrong device was cut", credentials)
		}
		s.joins(mac2, other)
		s.sweep()
		s.joins(mac1, other)
	}
}

func TestOmadaOtherNumberOfDevicesKeepsTheCode(t *testing.T) {
	s, _ := newOmadaStage(t, omadasim.Options{}, "")
	told := s.must(ensure(keyA, tomorrow, "devices", "1"))
	s.joins(mac1, told)
	s.refuses(mac2, told)
	again := s.must(ensure(keyA, tomorrow, "devices", "2"))
	if again["code"] != told["code"] || again["user"] != told["user"] || !s.Online(mac1) {
		t.Error("another credential, or the guest was thrown off")
	}
	s.joins(mac2, again)
	s.must(revoke(keyA))
	if s.Online(mac1) || s.Online(mac2) {
		t.Error("a device that the first user let in is still online")
	}
}

// Devices have an end of their own; whichever way the controller counts a
// period, it follows an extension and never outlasts it.
func TestOmadaDevicesFollowTheStay(t *testing.T) {
	for _, credentials := range []string{"users", "vouchers"} {
		for name, fromNow := range map[string]bool{"from the end": false, "from now": true} {
			t.Run(credentials+" "+name, func(t *testing.T) {
				s, sim := newOmadaStage(t, omadasim.Options{PeriodFromNow: fromNow}, credentials)
				told := s.must(ensure(keyA, tomorrow))
				s.joins(mac1, told)
				other := s.must(ensure(keyB, tomorrow))
				s.joins(mac3, other)
				s.advance(20 * time.Hour)
				for _, days := range []int{3, 5} {
					s.must(ensure(keyA, tomorrow.AddDate(0, 0, days)))
					if end, ok := sim.Ends(mac1); !ok || end.Sub(tomorrow.AddDate(0, 0, days).Add(2*time.Hour)).Abs() > tolerance {
						t.Errorf("%d days later the device ends %v", days, end)
					}
				}
				if end, _ := sim.Ends(mac3); !end.Equal(tomorrow.Add(2 * time.Hour)) {
					t.Errorf("another guest's device ends %v", end)
				}
				told = s.must(ensure(keyA, tomorrow.AddDate(0, 0, 2)))
				if s.Online(mac1) {
					t.Error("a device outlasts the shortened stay")
				}
				s.joins(mac1, told)
				if end, _ := sim.Ends(mac1); end.After(tomorrow.AddDate(0, 0, 2).Add(2 * time.Hour)) {
					t.Errorf("it ends %v", end)
				}
			})
		}
	}
}

// A guest whose departure lies in the past gets four hours, once.
func TestOmadaOverdueGuestIsNotProlonged(t *testing.T) {
	for _, credentials := range []string{"users", "vouchers"} {
		s, _ := newOmadaStage(t, omadasim.Options{}, credentials)
		told := s.must(ensure(keyA, start.Add(-5*time.Hour)))
		end := s.only(keyA).Until
		if !end.Equal(start.Add(minAccess)) {
			t.Errorf("%s: it ends %v", credentials, end)
		}
		s.advance(time.Hour)
		if again := s.must(ensure(keyA, start.Add(-5*time.Hour))); again["code"] != told["code"] || !s.only(keyA).Until.Equal(end) {
			t.Errorf("%s: an hour later it ends %v", credentials, s.only(keyA).Until)
		}
		if got := s.sweep(); got.Removed != 0 || got.Held != 1 {
			t.Errorf("%s: swept %+v", credentials, got)
		}
	}
}

// The codes of a stay's former vouchers are in the receipts: their devices are cut.
func TestOmadaCutFindsDevicesOfFormerVouchers(t *testing.T) {
	s, _ := newOmadaStage(t, omadasim.Options{}, "vouchers")
	s.joins(mac1, s.must(ensure(keyA, tomorrow)))
	s.joins(mac2, s.must(ensure(keyA, tomorrow, "tier", "suite")))
	s.restart()
	if receipt, err := s.try(revoke(keyA)); err != nil || receipt.Note != "WiFi access closed: 1 code removed, 2 devices cut" {
		t.Errorf("%q, %v", receipt.Note, err)
	}
	if s.Online(mac1) || s.Online(mac2) {
		t.Error("a departed guest is online")
	}
}

// Calls go one at a time and ten a second at most, from however many lanes.
func TestOmadaPace(t *testing.T) {
	s, sim := newOmadaStage(t, omadasim.Options{}, "")
	if p := &s.drv.web.pace; !p.single {
		t.Error("calls may overlap")
	}
	s.drv.web.pace.every = omadaEvery
	began := time.Now()
	done := make(chan error)
	keys := []string{keyA, keyB, keyC}
	for _, key := range keys {
		go func() {
			_, err := s.drv.Do(t.Context(), ensure(key, tomorrow))
			done <- err
		}()
	}
	for range keys {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	calls := len(s.Requests())
	if least := time.Duration(calls-1) * 100 * time.Millisecond; time.Since(began) < least {
		t.Errorf("%d calls in %v, want at least %v", calls, time.Since(began), least)
	}
	if n := sim.Crowd(); n != 1 {
		t.Errorf("%d calls at once", n)
	}
}

func TestOmadaRestoredController(t *testing.T) {
	s, sim := newOmadaStage(t, omadasim.Options{}, "")
	s.must(ensure(keyA, tomorrow))
	sim.Say(-33000, "/hotspot/")
	_, err := s.try(ensure(keyB, tomorrow))
	s.failure(err, "down")
	sim.Say(0, "")
	s.ForgetRequests()
	s.must(ensure(keyB, tomorrow))
	if calls := s.omadaCalls(); !strings.HasPrefix(calls[0], "GET /sites?") {
		t.Errorf("the site was not looked up again: %v", calls)
	}
}

// Which code says that an id is unknown is not published: what is gone when we
// come to delete it is fine, and what is still there is not.
func TestOmadaDeletedMeanwhile(t *testing.T) {
	for _, credentials := range []string{"users", "vouchers"} {
		s, sim := newOmadaStage(t, omadasim.Options{}, credentials)
		told := s.must(ensure(keyA, tomorrow))
		sim.Say(-39999, "DELETE ")
		_, err := s.try(revoke(keyA))
		s.failure(err, "retry")
		sim.Say(0, "")
		s.must(revoke(keyA))
		switch ctl := s.drv.ctl.(*omadaBoth).wanted.(type) {
		case *omadaUsers:
			err = ctl.delete(t.Context(), Stay{Key: keyA}, told["voucher"])
		case *omadaVouchers:
			err = ctl.delete(t.Context(), Stay{Key: keyA}, told["voucher"])
		}
		if err != nil {
			t.Errorf("%s: %v", credentials, err)
		}
	}
}
