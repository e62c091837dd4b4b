package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"edgeagent/internal/config"
	"edgeagent/internal/password"
	"edgeagent/internal/web"
)

// operator is a browser at the page of a whole agent, logged in by a link of the
// control socket.
type operator struct {
	t      *testing.T
	client http.Client
	at     string
	stream *logBuffer
}

func (w *whole) operator() *operator {
	w.t.Helper()
	link, err := ask(w.t.Context(), filepath.Join(filepath.Dir(w.hotel.PropertyFile), "control.sock"), http.MethodPost, "/api/page")
	if err != nil {
		w.t.Fatal(err)
	}
	at, token, ok := strings.Cut(strings.TrimSpace(string(link)), "/#link=")
	if !ok || at != w.hotel.StatusURL {
		w.t.Fatalf("link %q, page %q", link, w.hotel.StatusURL)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	o := &operator{t: w.t, client: http.Client{Jar: jar}, at: at, stream: &logBuffer{}}
	if code, text := o.post("/api/login", fmt.Sprintf(`{"link":%q}`, token)); code != http.StatusNoContent {
		w.t.Fatalf("%d %s", code, text)
	}
	return o
}

func (o *operator) post(path, body string) (int, string) {
	o.t.Helper()
	r, err := http.NewRequestWithContext(o.t.Context(), http.MethodPost, o.at+path, strings.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	r.Header.Set("X-Edgeagent", "1")
	resp, err := o.client.Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		o.t.Error(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

// listen keeps all that the stream says, until the test ends.
func (o *operator) listen() {
	o.t.Helper()
	ctx, stop := context.WithCancel(o.t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, o.at+"/api/stream", http.NoBody)
	if err != nil {
		o.t.Fatal(err)
	}
	resp, err := o.client.Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() { _, _ = io.Copy(o.stream, resp.Body) })
	o.t.Cleanup(func() { stop(); reading.Wait(); resp.Body.Close() })
}

// The page of a whole agent: a day's work is told as it happens, an operator tests,
// explains and asks for names, and a guest's name is nowhere but in that answer.
func TestPageOfAWholeAgent(t *testing.T) {
	w := newWhole(t)
	o := w.operator()
	o.listen()
	told := func(text string) func() bool { return func() bool { return strings.Contains(o.stream.String(), text) } }
	w.send("1-guide-check-in.json")
	w.eventually("the page shows the key", told(`"keycard":{"device":"lobby-encoder","action":"encode","state":"Processed"`))
	w.eventually("the page shows the TV", told(`"iptv":{"device":"tvs","action":"welcome","state":"Processed"`))
	w.eventually("the page shows the WiFi", told(`"action":"ensure","state":"Processed"`))
	w.eventually("the page shows the event", told(`"kind":"stay.checked_in"`))
	w.send("2-check-in-as-update.json")
	w.send("4-message.json")
	w.eventually("the page shows the message", told(`"kind":"guest.message"`))
	w.eventually("the page shows the log", told(`"message":"command settled"`))
	if code, text := o.post("/api/devices/tvs/probe", ""); code != http.StatusNoContent {
		t.Errorf("probe: %d %s", code, text)
	}
	code, text := o.post("/api/rooms/101/names", "")
	if code != http.StatusOK || !strings.Contains(text, "Sohn") {
		t.Errorf("names: %d %s", code, text)
	}
	w.eventually("the page says that somebody asked", told(`"message":"names of guests asked for"`))
	code, text = o.post("/api/explain", `{"text":"stay.checked_in room=101"}`)
	if code != http.StatusOK || !strings.Contains(text, `"rule":"greet on the TV"`) {
		t.Errorf("explain: %d %s", code, text)
	}
	v := struct {
		Events []struct{ ID, Kind string }
	}{}
	resp, err := o.client.Get(o.at + "/api/status")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var status bytes.Buffer
	if err := json.NewDecoder(io.TeeReader(resp.Body, &status)).Decode(&v); err != nil || len(v.Events) == 0 {
		t.Fatal(err, len(v.Events))
	}
	for _, e := range v.Events {
		code, text := o.post("/api/events/"+url.PathEscape(e.ID)+"/explain", "")
		if code != http.StatusOK || strings.Contains(text, "Sohn") {
			t.Errorf("explain %s: %d %s", e.ID, code, text)
		}
		if e.Kind == "guest.message" && (!strings.Contains(text, `"fires":[{"rule":"show`) || !strings.Contains(text, "Please call the front desk.")) {
			t.Errorf("a message that was shown: %s", text)
		}
		if e.Kind == "room.occupied" && !strings.Contains(text, "Sample") {
			t.Errorf("no sample guest: %s", text)
		}
	}
	plain, err := o.client.Get(o.at + "/status.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Body.Close()
	text2, _ := io.ReadAll(plain.Body)
	for where, text := range map[string]string{"stream": o.stream.String(), "log": w.log.String(), "status": status.String(), "text": string(text2)} {
		for _, name := range []string{"Sohn", "Ås"} {
			if strings.Contains(text, name) {
				t.Errorf("the %s has the guest's name %q", where, name)
			}
		}
		if len(text) < 500 {
			t.Errorf("the %s has only %q", where, text)
		}
	}
	for lines := bufio.NewScanner(strings.NewReader(o.stream.String())); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok && !json.Valid([]byte(text)) {
			t.Errorf("no JSON: %s", text)
		}
	}
}

// networkPage writes what a page on the network needs, with the settings that name it.
func networkPage(t *testing.T) (dir string, l *config.Loaded) {
	t.Helper()
	dir = t.TempDir()
	line, err := password.New("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"page.pem", "page.key"} {
		text, err := os.ReadFile(filepath.Join("../../internal/config/testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(text))
	}
	write(t, filepath.Join(dir, "desk"), line+"\n")
	write(t, filepath.Join(dir, "token"), strings.Repeat("0123456789abcdef", 4)+"\n")
	l = &config.Loaded{}
	l.Status = config.Status{Listen: "0.0.0.0:0", CertFile: filepath.Join(dir, "page.pem"), KeyFile: filepath.Join(dir, "page.key"), Users: []config.User{
		{Name: "desk", Role: "operate", PasswordFile: filepath.Join(dir, "desk")}, {Name: "scripts", Role: "look", TokenFile: filepath.Join(dir, "token")},
	}}
	return dir, l
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPageOnTheNetwork(t *testing.T) {
	dir, l := networkPage(t)
	ctx, stop := context.WithCancel(t.Context())
	page, listener, err := openPage(ctx, l, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(page.Address, "https://"), ":")
	if page.Address != "https://gateway.hotel.lan:"+port || !page.Open || !page.Secure || len(page.Users) != 2 || !page.Users[0].Operates || page.Users[1].Operates {
		t.Errorf("%+v", page)
	}
	served := make(chan error, 1)
	go func() { served <- web.Serve(ctx, listener, page.Handler()) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	text, err := os.ReadFile(filepath.Join(dir, "page.pem"))
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(text)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: trusted, ServerName: "gateway.hotel.lan"}}}
	get := func(token string) string {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://127.0.0.1:"+port+"/api/me", http.NoBody)
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := client.Do(r)
		if err != nil {
			return err.Error()
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return strings.TrimSpace(string(body))
	}
	if got := get(strings.Repeat("0123456789abcdef", 4)); !strings.HasPrefix(got, `{"user":"scripts","look":true,"operate":false`) {
		t.Error(got)
	}
	if got := get("wrong"); got != `{"look":false,"operate":false,"users":true}` {
		t.Error(got)
	}
	// In the clear nobody gets anything.
	resp, err := http.Get("http://127.0.0.1:" + port + "/api/me")
	if err == nil {
		resp.Body.Close()
	}
	if err == nil && resp.StatusCode != http.StatusBadRequest {
		t.Errorf("without TLS: %d", resp.StatusCode)
	}
}

// A certificate that is renewed is taken up; one that is broken changes nothing.
func TestCertificateIsRenewed(t *testing.T) {
	dir, l := networkPage(t)
	c := &ownCertificate{cert: l.Status.CertFile, key: l.Status.KeyFile}
	first, err := c.get(nil)
	if err != nil {
		t.Fatal(err)
	}
	if !c.names("gateway.hotel.lan") || c.names("evil.example") || c.name() != "gateway.hotel.lan" {
		t.Error("the names are wrong")
	}
	later := func() *tls.Certificate {
		t.Helper()
		c.looked = time.Time{}
		got, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if later() != first {
		t.Error("an unchanged one was read again")
	}
	write(t, l.Status.CertFile, "half a certif")
	if later() != first {
		t.Error("a broken one was taken up")
	}
	ended, err := os.ReadFile("../../internal/config/testdata/ended.pem")
	if err != nil {
		t.Fatal(err)
	}
	write(t, l.Status.CertFile, string(ended))
	if err := os.Chtimes(filepath.Join(dir, "page.pem"), time.Now(), time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if got := later(); got == first || got.Leaf.NotAfter.Year() != 2021 {
		t.Error("the new one was not taken up")
	}
}

func TestPageCannotOpen(t *testing.T) {
	for name, spoil := range map[string]func(*config.Loaded){
		"the status page's certificate: open ": func(l *config.Loaded) { l.Status.CertFile += ".absent" },
		"user desk: there is no file ":         func(l *config.Loaded) { l.Status.Users[0].PasswordFile += ".absent" },
		"user desk: the password file is not what edgeagent password writes": func(l *config.Loaded) {
			l.Status.Users[0].PasswordFile = l.Status.Users[1].TokenFile
		},
	} {
		_, l := networkPage(t)
		spoil(l)
		if _, _, err := openPage(t.Context(), l, zerolog.Nop()); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
