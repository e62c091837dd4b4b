package wifi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/console"
)

func TestLostReplyIsFoundAgain(t *testing.T) {
	for _, kind := range []console.FaultKind{console.DropAfterCommit, console.SilentAfterCommit} {
		t.Run(string(kind), func(t *testing.T) {
			b := newBench(t, nil)
			b.sim.Inject(console.Fault{Kind: kind, Match: "POST "})
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			go func() { // patience ends once the voucher exists
				for len(b.sim.Vouchers()) == 0 && ctx.Err() == nil {
					time.Sleep(time.Millisecond)
				}
				if kind == console.SilentAfterCommit {
					cancel()
				}
			}()
			if _, err := b.drv.Do(ctx, ensure(keyA, start.Add(24*time.Hour))); class(err) != "retry" {
				t.Fatalf("the lost reply gave %v, want an error that is tried again", err)
			}
			committed := b.sim.Vouchers()
			if len(committed) != 1 {
				t.Fatalf("%d vouchers after the lost reply", len(committed))
			}
			b.restart(t, nil)
			if got := b.must(t, ensure(keyA, start.Add(24*time.Hour))); got["code"] != committed[0].Code || len(b.sim.Vouchers()) != 1 {
				t.Error("the voucher of the lost reply was not adopted")
			}
		})
	}
}

// A revoke that breaks off after the voucher is gone still has to find its devices.
func TestRevokeSurvivesEveryBreak(t *testing.T) {
	for _, match := range []string{"GET /proxy/network/integration", "stat/guest", "DELETE", "stamgr"} {
		for _, kind := range []console.FaultKind{console.Drop, console.DropAfterCommit, console.ServerError} {
			for _, restart := range []bool{false, true} {
				t.Run(fmt.Sprint(match, " ", kind, " restart ", restart), func(t *testing.T) {
					b := newBench(t, nil)
					a := b.must(t, ensure(keyA, start.Add(24*time.Hour)))
					b.join(t, mac1, a["code"])
					b.sim.Inject(console.Fault{Kind: kind, Match: match, Count: 2}) // net/http itself repeats a GET or DELETE once
					_, err := b.try(t, revoke(keyA))
					b.sim.Heal()
					if restart {
						b.restart(t, nil)
					}
					if err != nil {
						b.must(t, revoke(keyA))
					}
					if b.sim.Online(mac1) || b.sim.CodeWorks(a["code"]) {
						t.Error("the departed guest still has access")
					}
				})
			}
		}
	}
}

func TestRetryClasses(t *testing.T) {
	date := start.Add(90 * time.Second).Format(http.TimeFormat)
	for _, test := range []struct {
		name   string
		fault  console.Fault
		legacy bool
		want   string // class
		wait   time.Duration
		words  string
	}{
		{"429 with seconds", console.Fault{Kind: console.TooMany, RetryAfter: "7"}, false, "later", 7 * time.Second, "the controller answered 429 api.rate-limit.exceeded"},
		{"429 with a date", console.Fault{Kind: console.TooMany, RetryAfter: date}, false, "later", 90 * time.Second, "429"},
		{"429 with an absurd wait", console.Fault{Kind: console.TooMany, RetryAfter: "99999999999"}, false, "later", time.Hour, "429"},
		{"429 with a past date", console.Fault{Kind: console.TooMany, RetryAfter: start.Add(-time.Hour).Format(http.TimeFormat)}, false, "later", 0, "429"},
		{"429 with nonsense", console.Fault{Kind: console.TooMany, RetryAfter: "soon"}, false, "later", 0, "429"},
		{"429 without", console.Fault{Kind: console.TooMany}, false, "later", 0, "429"},
		{"500", console.Fault{Kind: console.ServerError}, false, "retry", 0, "the controller answered 500 api.internal-error"},
		{"401 twice", console.Fault{Kind: console.Unauthorized, Count: 2}, false, "down", 0, "API key refused: make a new one under Network, Integrations"},
		{"401 once", console.Fault{Kind: console.Unauthorized}, false, "none", 0, ""},
		{"403", console.Fault{Kind: console.Forbidden}, false, "down", 0, "the API key lacks the right to manage hotspot guests"},
		{"302", console.Fault{Kind: console.Redirect}, false, "down", 0, "it sends us elsewhere: write the address of a UniFi OS console into url"},
		{"not JSON", console.Fault{Kind: console.NotJSON}, false, "retry", 0, "it is not what this product sends"},
		{"silent", console.Fault{Kind: console.Silent, Count: -1}, false, "retry", 0, ""},
		{"slow body", console.Fault{Kind: console.SlowBody, Count: -1}, false, "retry", 0, "read the answer"},
		{"legacy 401", console.Fault{Kind: console.Unauthorized, Count: 2}, true, "down", 0, "api.err.LoginRequired: API key refused"},
		{"legacy 403", console.Fault{Kind: console.Forbidden}, true, "down", 0, "api.err.NoPermission"},
		{"legacy 500", console.Fault{Kind: console.ServerError}, true, "retry", 0, "500"},
		{"legacy 429", console.Fault{Kind: console.TooMany, RetryAfter: "3"}, true, "later", 3 * time.Second, "429"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			values := b.must(t, ensure(keyA, start.Add(24*time.Hour)))
			b.join(t, mac1, values["code"])
			if test.fault.Count < 0 { // never answered: do not wait long for nothing
				b.drv.web.http.Timeout = 300 * time.Millisecond
			}
			test.fault.Match = "vouchers"
			if test.legacy {
				test.fault.Match = "stat/guest"
			}
			b.sim.Inject(test.fault)
			_, err := b.try(t, revoke(keyA))
			if got := class(err); got != test.want {
				t.Fatalf("class %s, want %s: %v", got, test.want, err)
			}
			var later *drivers.RetryAfter
			if errors.As(err, &later) && later.Wait != test.wait {
				t.Errorf("wait %v, want %v", later.Wait, test.wait)
			}
			if err != nil && !strings.Contains(err.Error(), test.words) {
				t.Errorf("%q does not say %q", err, test.words)
			}
			b.sim.Heal()
			b.drv.web.http.Timeout = time.Minute
			b.must(t, revoke(keyA))
			if b.sim.Online(mac1) || b.drv.State().Condition != drivers.Online {
				t.Errorf("afterwards: online %v, state %+v", b.sim.Online(mac1), b.drv.State())
			}
		})
	}
}

func TestValidationErrorIsRefused(t *testing.T) {
	b := newBench(t, nil)
	b.drv.cfg.Tiers["standard"] = Tier{DownKbps: 1} // what Problems would not let through
	_, err := b.try(t, ensure(keyA, start.Add(24*time.Hour)))
	if class(err) != "refused" || !strings.Contains(err.Error(), "create voucher: refused: "+b.sim.URL()[len("https://"):]+": the controller answered 400 api.request.argument-invalid") {
		t.Errorf("got %v", err)
	}
}

func TestEndlessBodyIsBounded(t *testing.T) {
	b := newBench(t, nil)
	b.sim.Inject(console.Fault{Kind: console.EndlessBody, Match: "vouchers"})
	if _, err := b.try(t, ensure(keyA, start.Add(24*time.Hour))); class(err) != "retry" || !strings.Contains(err.Error(), errTooLarge.Error()) {
		t.Errorf("got %v", err)
	}
}

func TestSilentControllerIsBounded(t *testing.T) {
	b := newBench(t, nil)
	b.drv.web.cfg.Timeout = 250 * time.Millisecond
	b.sim.Mute(true)
	if _, err := b.try(t, ensure(keyA, start.Add(24*time.Hour))); class(err) != "retry" {
		t.Errorf("got %v", err)
	}
	b.sim.Mute(false)
	b.restart(t, nil)
	b.must(t, ensure(keyA, start.Add(24*time.Hour)))
}

func TestAbsentController(t *testing.T) {
	b := newBench(t, nil)
	if err := b.sim.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := b.try(t, ensure(keyA, start.Add(24*time.Hour)))
	if class(err) != "down" || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v", err)
	}
	if s := b.drv.State(); s.Condition != drivers.Offline {
		t.Errorf("state %+v", s)
	}
}

// What a controller writes into its answers must not reach a log.
func TestAnswersDoNotLeak(t *testing.T) {
	for _, test := range []struct {
		name, body string
		status     int
	}{
		{"code as number", `{"totalCount":1,"data":[{"id":"a","code":1234567890}]}`, 200},
		{"bad time", `{"totalCount":1,"data":[{"id":"a","createdAt":"1234567890"}]}`, 200},
		{"code in the error code", `{"code":"api.voucher.1234567890","message":"voucher 1234567890"}`, 400},
		{"code in the id", `{"totalCount":1,"data":[{"id":"1234567890/../x"}]}`, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newClient(&url.URL{Scheme: "https", Host: "192.0.2.1"}, Config{}, nil, time.Now)
			var err error
			if test.status == 200 {
				var page struct {
					Data []voucher `json:"data"`
				}
				if err = into(&page)(strings.NewReader(test.body)); err != nil {
					err = unreadable(err)
				}
			} else {
				res := &http.Response{StatusCode: test.status, Header: http.Header{}}
				err = c.classify(c.refusal(res, strings.NewReader(test.body), func([]byte) string { return "api.voucher.1234567890" }))
			}
			if err != nil && strings.Contains(err.Error(), "1234567890") {
				t.Errorf("%q shows what the controller wrote", err)
			}
		})
	}
}

func TestOpenStaysUpWithoutController(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	drv, err := Open("w", Config{Controller: "unifi", URL: "https://" + address, APIKeyFile: "k", TLS: TLS{System: true}},
		drivers.Site{Secret: func(string) (string, error) { return "x", nil }})
	if err != nil {
		t.Fatal(err)
	}
	if err := drv.Halt(); err != nil {
		t.Fatal(err)
	}
}

// Nobody can say which devices a departed guest has: the code dies all the
// same, and the devices are cut once somebody can.
func TestRevokeWithoutALookUp(t *testing.T) {
	for _, again := range []string{"lane", "lane after a restart", "sweep"} {
		t.Run(again, func(t *testing.T) {
			b := newBench(t, nil)
			a := b.must(t, ensure(keyA, start.Add(24*time.Hour)))
			b.join(t, mac1, a["code"])
			b.sim.Inject(console.Fault{Kind: console.ServerError, Match: "stat/guest", Count: -1})
			for range 2 {
				_, err := b.try(t, revoke(keyA))
				if class(err) != "retry" || !strings.Contains(err.Error(), "list guests") {
					t.Fatalf("got %v, want an error that is tried again", err)
				}
			}
			if b.sim.CodeWorks(a["code"]) {
				t.Error("the departed guest's code works as long as nobody can look")
			}
			b.sim.Heal()
			switch again {
			case "lane after a restart":
				b.restart(t, nil)
				fallthrough
			case "lane":
				b.must(t, revoke(keyA))
			case "sweep":
				b.want = []drivers.Command{revoke(keyA)}
				b.sweep(t)
			}
			if b.sim.Online(mac1) {
				t.Error("the departed guest's device is still online")
			}
		})
	}
}

// A stay that was reinstated, or that the agent has forgotten, owes no cut.
func TestNothingIsOwedForEver(t *testing.T) {
	b := newBench(t, nil)
	for _, key := range []string{keyA, keyB, keyC} {
		b.join(t, mac1, b.must(t, ensure(key, start.Add(24*time.Hour)))["code"])
		b.sim.Inject(console.Fault{Kind: console.ServerError, Match: "stat/guest"})
		if _, err := b.try(t, revoke(key)); err == nil {
			t.Fatal("revoked without a look")
		}
	}
	b.must(t, ensure(keyA, start.Add(24*time.Hour)))
	b.want = []drivers.Command{ensure(keyA, start.Add(24*time.Hour)), revoke(keyB)}
	u := b.drv.ctl.(*unifi)
	if owed := u.owed(); len(owed) != 1 || owed[0].Key != keyB {
		t.Errorf("%d stays are owed a cut, want the one that departed and is known", len(owed))
	}
}
