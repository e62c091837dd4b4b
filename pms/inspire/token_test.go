package inspire

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/inspiresim"
)

func TestQ22_KeyModesAndEscaping(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]string{
		"base64": "QVBQS0VZMDAx", "sha256hex": "144c31efe3a5f77bf7569665a92437709cdd6c5ebd9e113e16cf91607874b87a", "literal": "APPKEY001",
	} {
		if got := urlKey(mode, "APPKEY001"); got != want {
			t.Errorf("%s: %s, want %s", mode, got, want)
		}
	}
	// Keys whose forms hold + / = and worse must arrive as they were sent.
	for _, key := range []string{"\xfb\xff>?>", "a+b/c&d=e", "ÿ~~~", "????>>>>"} {
		for _, mode := range []string{"base64", "base64url", "sha256hex", "literal"} {
			address, err := streamAddress(&Config{StreamURL: "wss://h.example/ohip-ws/subscriptions", KeyMode: mode}, key)
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(address)
			if err != nil || u.Query().Get("key") != urlKey(mode, key) || u.Path != "/ohip-ws/subscriptions" {
				t.Errorf("%s: %s", mode, address)
			}
			if strings.ContainsAny(u.RawQuery, "+ /") {
				t.Errorf("%s: not escaped: %s", mode, u.RawQuery)
			}
		}
	}
	for mode, server := range map[string]inspiresim.KeyMode{
		"base64": inspiresim.KeyBase64, "base64url": inspiresim.KeyBase64URL, "sha256hex": inspiresim.KeySHA256Hex, "literal": inspiresim.KeyLiteral,
	} {
		t.Run(mode, func(t *testing.T) {
			sim := startPMS(t, inspiresim.Options{})
			sim.Change(func(f *inspiresim.Faults) { f.Upgrade.Key = server })
			cfg := quickConfig(sim)
			cfg.KeyMode = mode
			newLink(t, cfg).run("").waitLive()
		})
	}
	t.Run("the hint names the mode", func(t *testing.T) {
		sim := startPMS(t, inspiresim.Options{})
		sim.Change(func(f *inspiresim.Faults) { f.Upgrade.KeyStatus = 403 })
		cfg := quickConfig(sim)
		cfg.KeyMode = "literal"
		l := newLink(t, cfg).run("")
		if a := l.waitAlarm(alarmRefused); !strings.Contains(a.Text, "key_mode") {
			t.Error(a.Text)
		}
	})
}

func TestQ23_TokenResponses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		set  func(*inspiresim.TokenFaults)
		want time.Duration
	}{
		{"number", func(f *inspiresim.TokenFaults) { f.Lifetime = 30 * time.Minute }, 30 * time.Minute},
		{"numeric string", func(f *inspiresim.TokenFaults) {
			f.Lifetime, f.Expires = 30*time.Minute, inspiresim.ExpiresString
		}, 30 * time.Minute},
		{"from the JWT, with a clock that is wrong", func(f *inspiresim.TokenFaults) {
			f.Lifetime, f.Expires, f.ClockAhead = 30*time.Minute, inspiresim.ExpiresMissing, 240*time.Hour
		}, 30 * time.Minute},
		{"neither", func(f *inspiresim.TokenFaults) {
			f.Lifetime, f.Expires, f.Opaque = 30*time.Minute, inspiresim.ExpiresMissing, true
		}, time.Hour},
		{"accessToken", func(f *inspiresim.TokenFaults) { f.Member = "accessToken" }, time.Hour},
		{"token", func(f *inspiresim.TokenFaults) { f.Member = "token" }, time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sim := startPMS(t, inspiresim.Options{})
			sim.ChangeTokens(tt.set)
			l := newLink(t, quickConfig(sim))
			tok, err := l.src.fetchToken(t.Context(), credentials{secret: testSecret, appKey: testAppKey})
			if err != nil {
				t.Fatal(err)
			}
			if tok.lifetime != tt.want {
				t.Errorf("lives %s, want %s", tok.lifetime, tt.want)
			}
		})
	}
}

func TestTokenFailures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		set    func(*inspiresim.TokenFaults)
		signal string
		wait   time.Duration
	}{
		{"401", func(f *inspiresim.TokenFaults) { f.Status, f.Times = 401, -1 }, "token 401", 0},
		{"400", func(f *inspiresim.TokenFaults) { f.Status, f.Times = 400, -1 }, "token 400", 0},
		{"429", func(f *inspiresim.TokenFaults) { f.Status, f.Times, f.RetryAfter = 429, -1, "7" }, "http 429", 7 * time.Second},
		{"503", func(f *inspiresim.TokenFaults) { f.Status, f.Times = 503, -1 }, "http 5xx", 0},
		{"portal page", func(f *inspiresim.TokenFaults) { f.Portal = inspiresim.PortalPage }, "http other", 0},
		{"portal redirect", func(f *inspiresim.TokenFaults) { f.Portal = inspiresim.PortalRedirect }, "http other", 0},
		{"garbage", func(f *inspiresim.TokenFaults) { f.Garbage = true }, "http other", 0},
		{"no such member", func(f *inspiresim.TokenFaults) { f.Member = "jwt" }, "token unusable", 0},
		{"too slow", func(f *inspiresim.TokenFaults) { f.Delay = 10 * time.Second }, "network", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sim := startPMS(t, inspiresim.Options{})
			sim.ChangeTokens(tt.set)
			l := newLink(t, quickConfig(sim), func(_ *Config, d *Deps) { d.Waits.Token = time.Second })
			_, err := l.src.fetchToken(t.Context(), credentials{secret: testSecret, appKey: testAppKey})
			f, ok := err.(*failure)
			if !ok {
				t.Fatal(err)
			}
			if r := classify(&f.ending, false); r.signal != tt.signal || f.retryAfter != tt.wait {
				t.Errorf("taken for %q with %s, want %q", r.signal, f.retryAfter, tt.signal)
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		sim := startPMS(t, inspiresim.Options{})
		l := newLink(t, quickConfig(sim))
		sim.Close()
		_, err := l.src.fetchToken(t.Context(), credentials{secret: testSecret, appKey: testAppKey})
		if f, ok := err.(*failure); !ok || f.signal != "network" || strings.Contains(f.detail, "http://") {
			t.Errorf("%v", err)
		}
	})
	t.Run("certificate not trusted", func(t *testing.T) {
		sim := startPMS(t, inspiresim.Options{TLS: true})
		l := newLink(t, quickConfig(sim))
		_, err := l.src.fetchToken(t.Context(), credentials{secret: testSecret, appKey: testAppKey})
		if f, ok := err.(*failure); !ok || f.signal != "tls" {
			t.Errorf("%v", err)
		}
	})
}

func TestTokenRequestHasAllHeaders(t *testing.T) {
	sim := startPMS(t, inspiresim.Options{})
	newLink(t, quickConfig(sim)).run("").waitLive()
	c := sim.Audit().Tokens[0]
	if c.Enterprise != "HOTELX" || c.ClientID != "vendor-1" || len(c.RequestID) != 36 || c.Status != 200 {
		t.Errorf("%+v", c)
	}
}

func TestPasswordGrantOfOlderOperaCloud(t *testing.T) {
	client := testClient()
	client.Enterprise, client.Username, client.Password = "", "user", "pa55word-of-the-user"
	sim := startPMS(t, inspiresim.Options{Dialect: inspiresim.OHIP, Clients: []inspiresim.Client{client}})
	cfg := quickConfig(sim)
	cfg.Dialect, cfg.GrantType, cfg.Username, cfg.PasswordFile, cfg.EnterpriseID = "ohip", "password", "user", "password", ""
	newLink(t, cfg).run("").waitLive()
}

func TestJWTLifetime(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"e30.eyJpYXQiOjEwMCwiZXhwIjo0MDB9.x": 300 * time.Second, "e30.eyJleHAiOjQwMH0.x": 0, "opaque": 0, "a.!.c": 0, "e30.W10.x": 0,
		"e30.eyJpYXQiOjQwMCwiZXhwIjoxMDB9.x": 0,
	} {
		if got, _ := jwtLifetime(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestRedactTakesOutEveryForm(t *testing.T) {
	c := credentials{secret: "s3cr3t-value", appKey: "APP+KEY/1=", password: "pa55word"}
	var text strings.Builder
	for _, s := range []string{c.secret, c.appKey, c.password, "tok.en.abc"} {
		for _, mode := range []string{"literal", "base64", "base64url", "sha256hex"} {
			fmt.Fprintf(&text, "%s %s ", urlKey(mode, s), url.QueryEscape(urlKey(mode, s)))
		}
	}
	got := c.redact(text.String(), "tok.en.abc")
	if strings.Trim(got, "* ") != "" {
		t.Errorf("left: %s", got)
	}
}
