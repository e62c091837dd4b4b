package tvpage

import (
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the hashes of the page's policy anew")

// TestPolicyNamesEveryScript would fail for a script or style that was edited
// without its hash: a browser would not run it.
func TestPolicyNamesEveryScript(t *testing.T) {
	text := string(page)
	for _, tag := range []string{"script", "style"} {
		var hashes []string
		for _, match := range regexp.MustCompile(`(?s)<`+tag+`>(.*?)</`+tag+`>`).FindAllStringSubmatch(text, -1) {
			sum := sha256.Sum256([]byte(match[1]))
			hashes = append(hashes, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
		}
		want := tag + "-src " + strings.Join(hashes, " ") + ";"
		if len(hashes) == 0 || !strings.Contains(text, want) {
			if !*update {
				t.Errorf("the policy of the page must say %s (run go test ./hwsim/tvpage -update)", want)
			}
			text = regexp.MustCompile(tag+`-src [^;]*;`).ReplaceAllLiteralString(text, want)
		}
	}
	if *update {
		if err := os.WriteFile("index.html", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPageStandsAlone reads the page as a reviewer would: names are text, and
// nothing is loaded or kept.
func TestPageStandsAlone(t *testing.T) {
	for _, word := range []string{
		"innerHTML", "outerHTML", "insertAdjacent", "document.write", "createContextualFragment", "DOMParser", "eval(", "new Function",
		"localStorage", "sessionStorage", "indexedDB", "caches", "serviceWorker", "document.cookie",
		"fetch(", "XMLHttpRequest", "sendBeacon", "import(", "import {", "http://", "https://", " src=", " href=", " style=", "url(", "@font-face", " on",
	} {
		for n, line := range strings.Split(string(page), "\n") {
			switch {
			case !strings.Contains(line, word):
			case word == " on" && !regexp.MustCompile(` on[a-z]+="`).MatchString(line):
			default:
				t.Errorf("line %d holds %q", n+1, word)
			}
		}
	}
	if !strings.Contains(string(page), "default-src 'none'") || !strings.Contains(string(page), "require-trusted-types-for 'script'; trusted-types 'none'") {
		t.Error("the page's policy lets something in")
	}
}

func TestServing(t *testing.T) {
	const broker = "ws://127.0.0.1:9001/mqtt"
	s, err := Start(broker)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	answer, err := http.Get(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || string(body) != string(page) {
		t.Errorf("%d bytes of %d come, error %v", len(body), len(page), err)
	}
	for name, want := range map[string]string{
		"Content-Type":            "text/html; charset=utf-8",
		"Content-Security-Policy": "connect-src ws://127.0.0.1:9001; frame-ancestors 'none'",
		"Cache-Control":           "no-store",
		"Referrer-Policy":         "no-referrer",
		"X-Content-Type-Options":  "nosniff",
	} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestWhatIsNotServed(t *testing.T) {
	for _, tt := range []struct {
		method, path string
		code         int
		text         string
	}{
		{"GET", "/favicon.ico", 404, "404 page not found\n"},
		{"POST", "/", 405, "the page can only be read\n"},
	} {
		w := httptest.NewRecorder()
		Handler("no address").ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, nil))
		if w.Code != tt.code || w.Body.String() != tt.text {
			t.Errorf("%s %s: %d %q", tt.method, tt.path, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	Handler("no address").ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if got := w.Header().Get("Content-Security-Policy"); got != "connect-src 'none'; frame-ancestors 'none'" {
		t.Errorf("policy %q", got)
	}
}

func TestAddress(t *testing.T) {
	set := Set{
		Broker: "wss://broker.hotel.lan:8884/mqtt", Property: "seaview", Room: "101-a", ID: "tv1", Password: "a b#&+=%ü", Hotel: "Sea & View",
	}
	got := set.Address("http://bench/")
	const want = "http://bench/#broker=wss://broker.hotel.lan:8884/mqtt&hotel=Sea+%26+View" +
		"&password=a+b%23%26%2B%3D%25%C3%BC&property=seaview&room=101-a&tv=tv1"
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	u, err := url.Parse(got)
	if err != nil || u.RawQuery != "" || u.Path != "/" {
		t.Errorf("something of the set stands before the fragment: %v, error %v", u, err)
	}
}
