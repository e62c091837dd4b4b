package wifi

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/console"
	"edgeagent/hwsim/omadasim"
)

// Every code of the table: what the lanes do, and what a person reads.
func TestOmadaCodes(t *testing.T) {
	const host = "HOST: the controller answered 200 "
	for _, test := range []struct {
		code         int
		class, words string
	}{
		{-1001, "refused", "the controller finds a value out of its range"},
		{-1005, "down", "the client may not do that: give its role Site Hotspot Manager, view and modify"},
		{-1200, "down", "logged out again and again"},
		{-1505, "down", "the client has no right on this site: add the site to its privileges"},
		{-7131, "down", "write the Omada ID that the page of the Open API client shows into controller_id"},
		{-33000, "down", "the site is gone; it is looked for by its name next time"},
		{-33004, "retry", "the site is being copied or restored"},
		{-33732, "refused", "the rate profile does not exist"},
		{-41006, "retry", "no such client"},
		{-41009, "retry", "the client is not connected"},
		{-41010, "retry", "the client is not connected"},
		{-41017, "retry", "no such record"},
		{-41018, "retry", "the record has ended"},
		{-42010, "retry", "the controller holds as many vouchers as it can"},
		{-42012, "retry", "the controller holds as many local users as it can"},
		{-42013, "retry", "a local user of that name exists"},
		{-42020, "refused", "the local user is bound to a device with an impossible address"},
		{-42036, "retry", "no portal takes vouchers: switch Voucher on in a portal of the type Hotspot"},
		{-42037, "retry", "the controller wants a portal by name: list portals"},
		{-42039, "retry", "a portal takes no local users: switch Local User on there, or list the ones that do under portals"},
		{-42059, "retry", "a voucher group of that name exists"},
		{-42062, "refused", "longer than the 1000 days that the controller takes"},
		{-42063, "refused", "longer than the 1000 days that the controller takes"},
		{-44106, "down", "client refused: compare client_id and the file of client_secret_file"},
		{-44111, "down", "the client takes no client credentials: make one in that mode"},
		{-44112, "down", "a new token has expired already: is the controller's clock right?"},
		{-44113, "down", "a new token is refused"},
		{-44114, "down", "the refresh token has expired"},
		{-44116, "down", "compare controller_id, client_id and the client's mode, client credentials"},
		{-44118, "down", "the client is in authorization code mode"},
		{-12345, "retry", ""}, // nobody has published that
	} {
		t.Run(fmt.Sprint(test.code), func(t *testing.T) {
			t.Parallel()
			s, sim := newOmadaStage(t, omadasim.Options{}, "")
			told := s.must(ensure(keyB, tomorrow))
			s.joins(mac2, told)
			sim.Say(test.code, "POST /openapi/v1/")
			_, err := s.try(ensure(keyA, tomorrow))
			s.failure(err, test.class)
			text := strings.ReplaceAll(err.Error(), strings.TrimPrefix(s.URL(), "https://"), "HOST")
			if !strings.Contains(text, host+fmt.Sprint(test.code)) || !strings.Contains(text, test.words) {
				t.Errorf("%q does not say %q", text, test.words)
			}
			sim.Say(0, "")
			s.must(ensure(keyA, tomorrow))
			if st := s.drv.State(); st.Condition != drivers.Online {
				t.Errorf("afterwards: %+v", st)
			}
		})
	}
}

// The codes above are the table's, one each, and one that is not in it.
func TestOmadaCodesAreAllTested(t *testing.T) {
	if n := len(omadaCodes); n != 30 {
		t.Errorf("the table has %d codes", n)
	}
}

// A device that has gone by itself is no reason to repeat a check-out.
func TestOmadaDeviceGoneMeanwhile(t *testing.T) {
	for _, code := range []int{-41006, -41009, -41010, -41017, -41018} {
		s, sim := newOmadaStage(t, omadasim.Options{}, "")
		s.joins(mac1, s.must(ensure(keyA, tomorrow)))
		sim.Say(code, "/disconnect")
		if _, err := s.try(revoke(keyA)); err != nil {
			t.Errorf("%d: %v", code, err)
		}
	}
}

// An extension that broke off after the devices were moved, and was then taken
// back: the credential has the wanted end all along, the devices must get it too.
func TestOmadaExtensionThatBrokeOff(t *testing.T) {
	for _, credentials := range []string{"users", "vouchers"} {
		t.Run(credentials, func(t *testing.T) {
			s, sim := newOmadaStage(t, omadasim.Options{}, credentials)
			short := s.now().Add(5 * time.Hour)
			s.joins(mac1, s.must(ensure(keyA, short)))
			s.Inject(console.Fault{Kind: console.ServerError, Match: "DELETE ", Count: -1})
			if _, err := s.try(ensure(keyA, tomorrow, "devices", "7")); err == nil {
				t.Fatal("the extension did not break off")
			}
			if end, ok := sim.Ends(mac1); !ok || !end.After(short) {
				t.Fatalf("the extension broke off too early to tell: the device ends %v", end)
			}
			s.Heal()
			s.must(ensure(keyA, short))
			if end, ok := sim.Ends(mac1); ok && end.After(short.Add(tolerance)) {
				t.Errorf("the device ends %v, after %v", end, short)
			}
		})
	}
}

// What holds no list is not an empty list: that would pass for a guest without
// access, and for a check-out that is done.
func TestOmadaListIsMissing(t *testing.T) {
	for answer, want := range map[string]string{
		`{}`:                         "the answer holds no list",
		`{"rows":[1]}`:               "the answer holds no list",
		`{"data":[]}`:                "",
		`{"totalRows":0}`:            "",
		`{"totalRows":1,"data":[7]}`: "",
	} {
		_, err := omadaPages[int](t.Context(), func(_ context.Context, _ request, result any) error {
			return json.Unmarshal([]byte(answer), result)
		}, "/x", "")
		if got := fmt.Sprint(err); want != "" && got != want || want == "" && err != nil {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

// No number that a controller sends as its code passes for more than a code.
func TestOmadaCodeText(t *testing.T) {
	for code, want := range map[int]string{0: "", -1005: "-1005", -99_999: "-99999", -100_000: "and an unknown code", 1234567890: "and an unknown code", 7: "and an unknown code"} {
		if got := omadaCodeText(code); got != want {
			t.Errorf("%d: %q", code, got)
		}
	}
}

// tokens are the grants that were asked for since the last look.
func (s *stage) tokens() []string {
	var list []string
	for _, r := range s.Requests() {
		if rest, ok := strings.CutPrefix(r.Path, omadaTokenPath+"?grant_type="); ok {
			grant, _, _ := strings.Cut(rest, "&")
			list = append(list, grant)
		}
	}
	s.ForgetRequests()
	return list
}

func TestOmadaTokens(t *testing.T) {
	for _, test := range []struct {
		name    string
		trouble func(*stage, *omadasim.Controller)
		want    string
	}{
		{"good", func(*stage, *omadasim.Controller) {}, ""},
		{"about to end", func(s *stage, _ *omadasim.Controller) { s.advance(2*time.Hour - time.Minute) }, "refresh_token"},
		{"over", func(s *stage, _ *omadasim.Controller) { s.advance(3 * time.Hour) }, "refresh_token"},
		{"refused as expired", func(_ *stage, c *omadasim.Controller) { c.ExpireTokens() }, "refresh_token"},
		{"refused as invalid", func(_ *stage, c *omadasim.Controller) { c.EditClient() }, "client_credentials"},
		{"refresh token used up", func(_ *stage, c *omadasim.Controller) { c.ExpireTokens(); c.ForgetRefreshTokens() }, "refresh_token client_credentials"},
		{"refresh token over", func(s *stage, _ *omadasim.Controller) { s.advance(15 * 24 * time.Hour) }, "refresh_token client_credentials"},
		{"reply to the refresh lost", func(s *stage, c *omadasim.Controller) {
			c.ExpireTokens()
			s.Inject(console.Fault{Kind: console.DropAfterCommit, Match: "refresh_token"})
		}, "refresh_token client_credentials"},
		{"401", func(s *stage, _ *omadasim.Controller) {
			s.Inject(console.Fault{Kind: console.Unauthorized, Match: "/sites/"})
		}, "client_credentials"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, sim := newOmadaStage(t, omadasim.Options{}, "")
			s.must(ensure(keyA, tomorrow))
			s.ForgetRequests()
			test.trouble(s, sim)
			s.must(ensure(keyB, s.now().Add(24*time.Hour)))
			if got := strings.Join(s.tokens(), " "); got != test.want {
				t.Errorf("asked for %q, want %q", got, test.want)
			}
			s.must(ensure(keyC, s.now().Add(24*time.Hour)))
			if got := s.tokens(); len(got) > 0 {
				t.Errorf("and then again for %v", got)
			}
		})
	}
}

// A refresh token works once: whatever came of it, it is not sent again.
func TestOmadaRefreshTokenIsUsedOnce(t *testing.T) {
	s, sim := newOmadaStage(t, omadasim.Options{}, "")
	s.must(ensure(keyA, tomorrow))
	sim.ExpireTokens()
	s.Inject(console.Fault{Kind: console.DropAfterCommit, Match: "refresh_token"})
	s.Inject(console.Fault{Kind: console.ServerError, Match: "client_credentials"})
	s.ForgetRequests()
	_, err := s.try(ensure(keyB, tomorrow))
	s.failure(err, "retry")
	s.must(ensure(keyB, tomorrow))
	if got := strings.Join(s.tokens(), " "); got != "refresh_token client_credentials client_credentials" {
		t.Errorf("asked for %s", got)
	}
}

// Many lanes find the token expired at once: one refreshes, and nobody throws
// away what it got.
func TestOmadaTokenRace(t *testing.T) {
	s, sim := newOmadaStage(t, omadasim.Options{}, "")
	s.must(ensure(keyA, tomorrow))
	for round := range 5 {
		s.ForgetRequests()
		sim.ExpireTokens()
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				if _, err := s.drv.Do(t.Context(), ensure(fmt.Sprintf("%08x%08x", round, i), tomorrow)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := s.tokens(); !slices.Equal(got, []string{"refresh_token"}) {
			t.Errorf("round %d asked for %v", round, got)
		}
	}
}

// While a present token is good, a controller that does not renew it is no trouble.
func TestOmadaWorkingTokenIsKept(t *testing.T) {
	s, sim := newOmadaStage(t, omadasim.Options{}, "")
	s.must(ensure(keyA, tomorrow))
	s.advance(2*time.Hour - time.Minute)
	sim.Say(-44106, omadaTokenPath)
	s.must(ensure(keyB, tomorrow))
	s.advance(2 * time.Minute)
	_, err := s.try(ensure(keyC, tomorrow))
	s.failure(err, "down")
}

func TestOmadaWrongSecret(t *testing.T) {
	s, _ := newOmadaStage(t, omadasim.Options{}, "")
	s.secrets["secret"] = "another-secret" // the controller's message quotes it
	_, err := s.try(ensure(keyA, tomorrow))
	s.failure(err, "down")
	if want := "the controller answered 200 -44106: client refused: compare client_id and the file of client_secret_file with Settings, Platform Integration, Open API"; !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%q does not end in %q", err, want)
	}
	s.secrets["secret"] = "secret-of-the-client-Zq81"
	s.must(ensure(keyA, tomorrow))
}

// The file was changed a moment ago: nobody need wait for the next try.
func TestOmadaSecretIsReadAgain(t *testing.T) {
	s, _ := newOmadaStage(t, omadasim.Options{}, "")
	s.secrets["secret"] = "old"
	read := s.drv.web.secret
	s.drv.web.secret = func(file string) (string, error) {
		defer func() { s.secrets["secret"] = "secret-of-the-client-Zq81" }()
		return read(file)
	}
	s.must(ensure(keyA, tomorrow))
}

func TestOmadaFull(t *testing.T) {
	s, _ := newOmadaStage(t, omadasim.Options{MaxUsers: 1}, "")
	s.must(ensure(keyA, tomorrow))
	_, err := s.try(ensure(keyB, tomorrow))
	s.failure(err, "retry")
	s.must(revoke(keyA)) // which must not wait behind it
	s.must(ensure(keyB, tomorrow))
}
