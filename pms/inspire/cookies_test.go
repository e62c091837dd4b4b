package inspire

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The cookies go where net/http/cookiejar sends them.
func TestCookiesGoWhereTheyBelong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := []string{"https://a.example.com/oauth/v1/tokens", "http://a.example.com", "https://example.com/x/", "https://10.0.0.1:8443/t"}
		lines := []string{"n=1", "n=1; Path=/", "n=1; Path=/oauth", "n=1; Path=/oauth/; Secure", "n=1; Path=x", "n=1; Domain=example.com", "n=1; Domain=.Example.com; Path=/",
			"n=1; Domain=b.example.com", "n=1; Domain=evil.org", "n=1; Domain=0.0.1", "n=1; Domain=10.0.0.1; Path=/", "n=1; Max-Age=60; Path=/", "n=1; Max-Age=0; Path=/", "n=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/"}
		to := []string{"https://a.example.com/oauth/v1/tokens", "https://a.example.com/oauth", "https://a.example.com/oauthx", "http://a.example.com/oauth/", "https://A.EXAMPLE.com", "https://example.com/x/y", "https://b.example.com/",
			"https://xexample.com/", "https://10.0.0.1:9/t", "https://9.0.0.1/", "https://evil.org/"}
		for _, f := range from {
			for _, line := range lines {
				theirs, err := cookiejar.New(nil)
				if err != nil {
					t.Fatal(err)
				}
				ours := &cookies{}
				c, err := http.ParseSetCookie(line)
				if err != nil {
					t.Fatal(err)
				}
				for _, jar := range []http.CookieJar{theirs, ours} {
					jar.SetCookies(parsed(t, f), []*http.Cookie{{Name: "n", Value: "old", Path: "/"}, c})
				}
				for _, when := range []time.Duration{0, 61 * time.Second} {
					time.Sleep(when)
					for _, at := range to {
						if got, want := carried(ours, parsed(t, at)), carried(theirs, parsed(t, at)); got != want {
							t.Errorf("%q from %s, %v later to %s: %s, not %s", line, f, when, at, got, want)
						}
					}
				}
			}
		}
	})
}

// Without a list of public suffixes theirs would let one company speak for all.
func TestCookiesForATopLevelDomain(t *testing.T) {
	j := &cookies{}
	j.SetCookies(parsed(t, "https://a.example.com/"), []*http.Cookie{{Name: "n", Value: "1", Domain: "com"}})
	if len(j.held) > 0 {
		t.Errorf("%+v", j.held)
	}
}

func carried(jar http.CookieJar, u *url.URL) string {
	var all []string
	for _, c := range jar.Cookies(u) {
		all = append(all, c.String())
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

func parsed(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestCookiesAreBounded(t *testing.T) {
	j, u := &cookies{}, parsed(t, "https://a.example.com/")
	for i := range 3 * maxCookies {
		j.SetCookies(u, []*http.Cookie{{Name: fmt.Sprint("n", i), Value: "v"}})
	}
	if n := len(j.Cookies(u)); n != maxCookies {
		t.Errorf("%d are kept", n)
	}
}
