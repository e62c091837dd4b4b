package inspiresim

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTokenRequestIsCheckedStrictly(t *testing.T) {
	body := func(text string) func(*http.Request) {
		return func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
		}
	}
	for _, tt := range []struct {
		name   string
		spoil  func(*http.Request)
		status int
		rule   string // part of the problem
	}{
		{"good", func(*http.Request) {}, 200, ""},
		{"good with request id", func(r *http.Request) { r.Header.Set("X-Request-Id", "6f1b0e0a-1111-4222-8333-444455556666") }, 200, ""},
		{"get", func(r *http.Request) { r.Method = "GET" }, 405, "GET instead of POST"},
		{"json", func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 400, "content type"},
		{"no basic", func(r *http.Request) { r.Header.Del("Authorization") }, 401, "no basic credentials"},
		{"wrong secret", func(r *http.Request) { r.SetBasicAuth("client", "guess") }, 401, "wrong secret"},
		{"unknown client", func(r *http.Request) { r.SetBasicAuth("nobody", "secret") }, 401, "unknown client"},
		{"no app key", func(r *http.Request) { r.Header.Del("x-app-key") }, 401, "x-app-key"},
		{"app key in base64", func(r *http.Request) { r.Header.Set("x-app-key", "QVBQS0VZMDAx") }, 401, "x-app-key"},
		{"other enterprise", func(r *http.Request) { r.Header.Set("enterpriseId", "HOTELY") }, 403, "enterpriseId"},
		{"no grant type", body("scope=urn%3Apms%3Aevents"), 400, "grant_type"},
		{"two grant types", body("grant_type=client_credentials&grant_type=x&scope=urn%3Apms%3Aevents"), 400, "grant_type"},
		{"other scope", body("grant_type=client_credentials&scope=urn%3Aother"), 400, "scope"},
		{"request id no uuid", func(r *http.Request) { r.Header.Set("X-Request-Id", "1") }, 400, "X-Request-Id"},
		{"endless body", body("grant_type=client_credentials&scope=urn%3Apms%3Aevents&x=" + strings.Repeat("a", maxTokenBody)), 400, "body"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{})
			r := tokenRequest(t, s)
			tt.spoil(r)
			status, _, _ := roundTrip(t, r)
			a := s.Audit()
			if status != tt.status || a.Tokens[0].Status != tt.status || !strings.Contains(a.Tokens[0].Problem, tt.rule) {
				t.Fatalf("status %d, audit %+v, want %d and %q", status, a.Tokens[0], tt.status, tt.rule)
			}
			if (len(a.Violations) > 0) != (tt.status != 200) {
				t.Fatalf("violations %v", a.Violations)
			}
		})
	}
}

func TestTokenIsAJWTWithTheLifetime(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	s := start(t, Options{Now: func() time.Time { return now }})
	s.ChangeTokens(func(f *TokenFaults) { f.Lifetime, f.ClockAhead = 10*time.Minute, time.Hour })
	parts := strings.Split(fetchToken(t, s), ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Iat, Exp int64 }
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	if claims.Exp-claims.Iat != 600 || claims.Iat != now.Unix()+3600 {
		t.Fatalf("claims %+v", claims)
	}
}

func TestTokenFaults(t *testing.T) {
	ask := func(t *testing.T, s *Server) (int, http.Header, string) { return roundTrip(t, tokenRequest(t, s)) }
	for _, tt := range []struct {
		name   string
		faults TokenFaults
		check  func(t *testing.T, s *Server)
	}{
		{"401 once", TokenFaults{Status: 401, Times: 1}, func(t *testing.T, s *Server) {
			first, _, _ := ask(t, s)
			second, _, _ := ask(t, s)
			if first != 401 || second != 200 {
				t.Fatalf("got %d, %d", first, second)
			}
		}},
		{"401 for ever", TokenFaults{Status: 401, Times: -1}, func(t *testing.T, s *Server) {
			for range 5 {
				if status, _, _ := ask(t, s); status != 401 {
					t.Fatalf("got %d", status)
				}
			}
		}},
		{"429", TokenFaults{Status: 429, Times: 1, RetryAfter: "7"}, func(t *testing.T, s *Server) {
			if status, h, _ := ask(t, s); status != 429 || h.Get("Retry-After") != "7" {
				t.Fatalf("got %d, %v", status, h)
			}
		}},
		{"no expires_in", TokenFaults{Expires: ExpiresMissing}, func(t *testing.T, s *Server) {
			if _, _, body := ask(t, s); strings.Contains(body, "expires_in") {
				t.Fatal(body)
			}
		}},
		{"expires_in as text", TokenFaults{Expires: ExpiresString}, func(t *testing.T, s *Server) {
			if _, _, body := ask(t, s); !strings.Contains(body, `"expires_in":"3600"`) {
				t.Fatal(body)
			}
		}},
		{"other member, opaque", TokenFaults{Member: "accessToken", Opaque: true}, func(t *testing.T, s *Server) {
			if _, _, body := ask(t, s); !strings.Contains(body, `"accessToken":"`) || strings.Contains(body, "eyJ") {
				t.Fatal(body)
			}
		}},
		{"cookies", TokenFaults{Cookies: true}, func(t *testing.T, s *Server) {
			if _, h, _ := ask(t, s); !strings.HasPrefix(h.Get("Set-Cookie"), "ARRAffinity=") {
				t.Fatal(h)
			}
		}},
		{"portal page", TokenFaults{Portal: PortalPage}, func(t *testing.T, s *Server) {
			if status, h, _ := ask(t, s); status != 200 || !strings.HasPrefix(h.Get("Content-Type"), "text/html") {
				t.Fatal(status, h)
			}
		}},
		{"portal redirect", TokenFaults{Portal: PortalRedirect}, func(t *testing.T, s *Server) {
			if status, h, _ := ask(t, s); status != 302 || h.Get("Location") != "/portal" {
				t.Fatal(status, h)
			}
		}},
		{"garbage", TokenFaults{Garbage: true}, func(t *testing.T, s *Server) {
			if status, _, body := ask(t, s); status != 200 || json.Valid([]byte(body)) {
				t.Fatal(status, body)
			}
		}},
		{"slow", TokenFaults{Delay: time.Hour}, func(t *testing.T, s *Server) {
			r := tokenRequest(t, s)
			client := http.Client{Timeout: 50 * time.Millisecond}
			if resp, err := client.Do(r); err == nil {
				_ = resp.Body.Close()
				t.Fatal("answered")
			}
			s.wait(t, func(a Audit) bool { return len(a.Tokens) == 1 && a.Tokens[0].Problem == "client left" })
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{})
			s.ChangeTokens(func(f *TokenFaults) { *f = tt.faults })
			tt.check(t, s)
		})
	}
}

func TestPasswordGrantOfOlderOHIP(t *testing.T) {
	c := testClient
	c.Username, c.Password = "user", "pass"
	s := start(t, Options{Dialect: OHIP, Clients: []Client{c}})
	for password, want := range map[string]int{"pass": 200, "other": 401} {
		r := tokenRequest(t, s)
		text := "grant_type=password&username=user&password=" + password
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
		r.Header.Del("enterpriseId")
		if status, _, _ := roundTrip(t, r); status != want {
			t.Fatalf("%s: status %d, want %d", password, status, want)
		}
	}
}
