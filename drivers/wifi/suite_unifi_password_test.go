package wifi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/console"
	"edgeagent/hwsim/unifisim"

	"github.com/google/go-cmp/cmp"
)

func newPasswordStage(t *testing.T, opts unifisim.Options) (*stage, *unifisim.Controller) {
	t.Helper()
	s := newStage(t, suiteProduct{name: "unifi", start: startUnifiBy(opts)})
	return s, s.world.(*unifisim.Controller)
}

// bothKinds plays on a software controller and on a console.
func bothKinds(t *testing.T, opts unifisim.Options, play func(t *testing.T, s *stage, sim *unifisim.Controller, prefix string)) {
	for name, classic := range map[string]bool{"classic": true, "console": false} {
		t.Run(name, func(t *testing.T) {
			opts.Classic = classic
			s, sim := newPasswordStage(t, opts)
			prefix := "/proxy/network"
			if classic {
				prefix = ""
			}
			play(t, s, sim, prefix)
		})
	}
}

func logIns(s *stage) int {
	n := 0
	for _, r := range s.Requests() {
		if strings.HasSuffix(r.Path, "/login") {
			n++
		}
	}
	return n
}

// expire is minutes, up and down are kbit/s as the guest sees them, bytes is MB.
func TestUnifiPasswordCalls(t *testing.T) {
	bothKinds(t, unifisim.Options{}, func(t *testing.T, s *stage, sim *unifisim.Controller, prefix string) {
		s.section.Tiers = map[string]Tier{"standard": {DownKbps: 20_000, UpKbps: 5_000, DataMB: 700}}
		s.restart()
		told := s.must(ensure(keyA, tomorrow, "devices", "2"))
		login := "/api/auth/login"
		if prefix == "" {
			login = "/api/login"
		}
		want := []string{
			"GET /",
			"POST " + login,
			"GET " + prefix + "/api/s/default/stat/voucher",
			"POST " + prefix + `/api/s/default/cmd/hotspot {"cmd":"create-voucher","expire":1560,"n":1,"quota":2,"note":"htl:` + keyA + `","up":5000,"down":20000,"bytes":700}`,
			"POST " + prefix + `/api/s/default/stat/voucher {"create_time":1795356000}`,
		}
		if diff := cmp.Diff(want, s.lines()); diff != "" {
			t.Errorf("check-in (-want +got):\n%s", diff)
		}
		v := sim.Vouchers()[0]
		if v.DownKbps != 20_000 || v.UpKbps != 5_000 || v.DataMB != 700 || v.Devices != 2 || v.Minutes != 1560 {
			t.Errorf("voucher %+v", v)
		}
		s.joins(mac1, told)
		s.restart()
		s.must(ensure(keyA, tomorrow.Add(time.Hour), "devices", "2"))
		session, _ := sim.Session(mac1)
		if session.DownKbps != 20_000 || session.UpKbps != 5_000 || session.DataMB != 700 || !session.End.Equal(tomorrow.Add(3*time.Hour)) {
			t.Errorf("the device's session %+v", session)
		}
	})
}

// Two check-ins in one second share a create_time; the note tells them apart.
func TestUnifiPasswordSameSecond(t *testing.T) {
	bothKinds(t, unifisim.Options{}, func(t *testing.T, s *stage, _ *unifisim.Controller, _ string) {
		a, b := s.must(ensure(keyA, tomorrow)), s.must(ensure(keyB, tomorrow))
		if a["code"] != s.only(keyA).Code || b["code"] != s.only(keyB).Code || a["code"] == b["code"] {
			t.Error("a guest was told another guest's code")
		}
	})
}

// A session that ends is replaced by one log-in, however many calls find out.
func TestUnifiPasswordSessionEnds(t *testing.T) {
	for _, as200 := range []bool{false, true} {
		bothKinds(t, unifisim.Options{LogInRequiredAs200: as200}, func(t *testing.T, s *stage, sim *unifisim.Controller, _ string) {
			told := s.must(ensure(keyA, tomorrow))
			s.joins(mac1, told)
			sim.EndSessions()
			s.ForgetRequests()
			var all sync.WaitGroup
			for _, key := range []string{keyB, keyC, "00112233445566dd", "00112233445566ee", "00112233445566ff"} {
				all.Go(func() {
					if _, err := s.drv.Do(t.Context(), s.wish(ensure(key, tomorrow))); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if n := logIns(s); n != 1 {
				t.Errorf("%d log-ins", n)
			}
			sim.EndSessions()
			s.must(revoke(keyA))
			if s.Online(mac1) {
				t.Error("a departed guest is online")
			}
		})
	}
}

func TestUnifiPasswordCSRF(t *testing.T) {
	s, sim := newPasswordStage(t, unifisim.Options{})
	s.must(ensure(keyA, tomorrow))
	s.ForgetRequests()
	sim.RenewCSRF()
	s.must(ensure(keyB, tomorrow)) // the first answer renews it
	if n := logIns(s); n != 0 {
		t.Errorf("%d log-ins, though the answer held the new token", n)
	}
	sim.RenewCSRF()
	s.Inject(console.Fault{Kind: console.DropAfterCommit, Match: "cmd/hotspot"})
	_, err := s.try(ensure(keyC, tomorrow)) // the list's answer renews it
	s.failure(err, "retry")
	sim.RenewCSRF()
	s.Inject(console.Fault{Kind: console.DropAfterCommit, Match: "GET ", Count: 2})
	_, err = s.try(revoke(keyA)) // the answer with the new token gets lost
	s.failure(err, "retry")
	s.Heal()
	s.must(revoke(keyA))
	if n := logIns(s); n != 1 || len(s.live(keyA)) != 0 {
		t.Errorf("%d log-ins, want 1", n)
	}
}

// Without the right there is nothing to gain from another log-in.
func TestUnifiPasswordRights(t *testing.T) {
	bothKinds(t, unifisim.Options{}, func(t *testing.T, s *stage, _ *unifisim.Controller, _ string) {
		s.Inject(console.Fault{Kind: console.Forbidden, Match: "cmd/", Count: -1})
		for range 6 {
			_, err := s.try(ensure(keyA, tomorrow))
			s.failure(err, "down")
			if !strings.Contains(err.Error(), "the account lacks the right to manage hotspot guests: make it a hotspot manager or a site administrator") {
				t.Fatal(err)
			}
		}
		if n := logIns(s); n != 1 {
			t.Errorf("%d log-ins", n)
		}
	})
}

func TestUnifiPasswordWrong(t *testing.T) {
	bothKinds(t, unifisim.Options{}, func(t *testing.T, s *stage, _ *unifisim.Controller, prefix string) {
		s.secrets["password"] = "not-it-81"
		status := "401"
		if prefix == "" {
			status = "400"
		}
		_, err := s.drv.Report(t.Context())
		s.failure(err, "down")
		want := "guest-wifi: list vouchers: log in: HOST answered " + status + ": log-in refused: compare user and the file of password_file with the controller's; it must be a local account without a second factor"
		want = strings.ReplaceAll(want, "HOST", strings.TrimPrefix(s.URL(), "https://"))
		if err.Error() != want || strings.Contains(err.Error(), "not-it-81") {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		// Whatever the lanes try: never more than the controller stands.
		for range 20 {
			_, err = s.try(ensure(keyA, tomorrow))
		}
		s.failure(err, "later")
		if n := logIns(s); n != logInsAMinute {
			t.Errorf("%d log-ins within a minute", n)
		}
		s.secrets["password"] = "sim-password-Uk27"
		s.advance(time.Minute)
		s.must(ensure(keyA, tomorrow))
	})
}

// Somebody else has used up the log-ins: all wait, and nobody asks again.
func TestUnifiPasswordLockedOut(t *testing.T) {
	s, _ := newPasswordStage(t, unifisim.Options{LogInsPerMinute: 1})
	s.must(ensure(keyB, tomorrow))
	s.restart()
	s.ForgetRequests()
	for range 3 {
		_, err := s.try(ensure(keyA, tomorrow))
		s.failure(err, "later")
	}
	if n := logIns(s); n != 1 {
		t.Errorf("%d log-ins", n)
	}
	s.advance(61 * time.Second)
	s.must(ensure(keyA, tomorrow))
}

func TestUnifiPasswordProbe(t *testing.T) {
	bothKinds(t, unifisim.Options{}, func(t *testing.T, s *stage, _ *unifisim.Controller, prefix string) {
		report, err := s.drv.Report(t.Context())
		if want := (Report{Product: "UniFi Network", Version: "9.4.19", Site: "default"}); err != nil || report != want {
			t.Errorf("%+v, %v", report, err)
		}
		s.Inject(console.Fault{Kind: console.Forbidden, Match: "stat/sysinfo", Count: -1}) // a hotspot manager
		if report, err := s.drv.Report(t.Context()); err != nil || report.Version != "" {
			t.Errorf("%+v, %v", report, err)
		}
		s.Heal()
		s.section.Site = "annexe"
		s.restart()
		for range 6 {
			if _, err := s.drv.Report(t.Context()); class(err) != "down" || !strings.Contains(err.Error(), `no site "annexe" for this account or key`) {
				t.Fatalf("another site: %v", err)
			}
		}
		s.section.Site = ""
		s.secrets["password"] = ""
		s.restart()
		_, err = s.drv.Report(t.Context())
		if want := "password_file is empty: write the name of the file that holds the password of user"; class(err) != "down" || !strings.Contains(err.Error(), want) {
			t.Errorf("%v", err)
		}
	})
}

// A device that a voucher of an earlier second let in is cut by its code, and
// nobody else's is.
func TestUnifiPasswordSweep(t *testing.T) {
	bothKinds(t, unifisim.Options{}, func(t *testing.T, s *stage, sim *unifisim.Controller, _ string) {
		s.joins(mac1, s.must(ensure(keyA, tomorrow)))
		sim.AddVoucher("by hand", 600, 0)
		s.wish(drivers.Command{Device: "guest-wifi", Action: "revoke", Subject: "stay:" + keyA, Params: map[string]string{"stay": keyA}})
		if got := s.sweep(); got != (Swept{Held: 1, Removed: 1}) || s.Online(mac1) || len(sim.Vouchers()) != 1 {
			t.Errorf("swept %+v, %d vouchers", got, len(sim.Vouchers()))
		}
	})
}

// Of calls that are refused together, one ends the session: the others would
// end the new one, and each of them would log in.
func TestUnifiRefusedTogether(t *testing.T) {
	answer := func(status int, token string) *http.Response {
		r := httptest.NewRequest(http.MethodGet, "/proxy/network/api/s/default/stat/guest", nil)
		r.AddCookie(&http.Cookie{Name: "TOKEN", Value: token})
		return &http.Response{StatusCode: status, Request: r, Header: http.Header{"X-Csrf-Token": {"of " + token}}}
	}
	older := &unifiSession{cookies: map[string]string{"TOKEN": "a"}, reads: true}
	newer := &unifiSession{cookies: map[string]string{"TOKEN": "b"}, reads: true}
	l := &unifiLogin{now: time.Now, session: older}
	l.heard(answer(401, "a"))
	if l.session != nil {
		t.Fatal("the refused session is still in use")
	}
	l.session = newer
	l.heard(answer(401, "a"))
	l.leave(older)
	l.heard(answer(200, "a"))
	if l.session != newer || newer.csrf != "" {
		t.Error("an answer to the older session changed the newer one")
	}
	l.heard(answer(200, "b"))
	if newer.csrf != "of b" {
		t.Error("the newer session's token was not kept")
	}
	// Never answered well, and younger than a minute: it is not about the session.
	fresh := &unifiSession{cookies: map[string]string{"TOKEN": "c"}, since: time.Now()}
	l.session = fresh
	l.heard(answer(401, "c"))
	if l.session != fresh {
		t.Error("a fresh session was dropped")
	}
	fresh.since = time.Now().Add(-time.Hour)
	l.heard(answer(401, "c"))
	if l.session != nil {
		t.Error("an old session was kept")
	}
}

func TestUnifiPasswordListsExpired(t *testing.T) {
	bothKinds(t, unifisim.Options{}, func(t *testing.T, s *stage, sim *unifisim.Controller, _ string) {
		s.joins(mac1, map[string]string{"code": sim.AddVoucher("htl:"+keyA, 1, 0)})
		for _, live := range []bool{true, false} {
			list, err := s.drv.ctl.List(t.Context())
			if err != nil || len(list) != 1 || list[0].Key != keyA || list[0].Live != live {
				t.Errorf("%+v, %v; want live %v", list, err, live)
			}
			s.advance(2 * time.Minute)
		}
	})
}
