package inspire

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestCookies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c cookies
		at := func(address string) *url.URL {
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			return u
		}
		sent := func(address, want string) {
			t.Helper()
			var names []string
			for _, k := range c.Cookies(at(address)) {
				names = append(names, k.Name+"="+k.Value)
			}
			slices.Sort(names)
			if got := strings.Join(names, " "); got != want {
				t.Errorf("%s gets %q, want %q", address, got, want)
			}
		}
		sent("https://a.example/", "")
		c.SetCookies(at("https://a.example/token"), []*http.Cookie{
			{Name: "node", Value: "1"}, {Name: "safe", Value: "2", Secure: true}, {Name: "hour", Value: "3", MaxAge: 3600},
			{Name: "day", Value: "4", Expires: time.Now().Add(24 * time.Hour)}, {Name: "gone", Value: "5", MaxAge: -1},
			{Name: "big", Value: strings.Repeat("x", maxCookie)},
		})
		sent("https://a.example:8443/stream", "day=4 hour=3 node=1 safe=2")
		sent("http://a.example/stream", "day=4 hour=3 node=1")
		sent("https://b.example/", "")
		sent("https://sub.a.example/", "")
		time.Sleep(2 * time.Hour)
		sent("https://a.example/", "day=4 node=1 safe=2")
		c.SetCookies(at("https://a.example/"), []*http.Cookie{{Name: "node", Value: "9"}, {Name: "safe", MaxAge: -1}, {Name: "day", Expires: time.Now().Add(-time.Hour)}})
		sent("https://a.example/", "node=9")
		for i := range 2 * maxCookies {
			c.SetCookies(at("https://b.example/"), []*http.Cookie{{Name: fmt.Sprint("n", i), Value: "v"}})
		}
		if n := len(c.Cookies(at("https://b.example/"))); n != maxCookies {
			t.Errorf("%d cookies are kept of one host", n)
		}
		c.drop()
		sent("https://a.example/", "")
	})
}
