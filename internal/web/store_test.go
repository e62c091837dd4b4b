package web

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A snapshot that breaks off is no snapshot for whoever reads it.
func TestStoreThatBreaksOff(t *testing.T) {
	for name, test := range map[string]struct {
		snapshot func(begin func(int64) (io.Writer, error)) error
		status   int
		text     string
		whole    bool
	}{
		"whole": {func(begin func(int64) (io.Writer, error)) error {
			w, err := begin(5)
			if err != nil {
				return err
			}
			_, err = io.WriteString(w, "store")
			return err
		}, 200, "store", true},
		"broken off": {func(begin func(int64) (io.Writer, error)) error {
			w, err := begin(5)
			if err != nil {
				return err
			}
			_, _ = io.WriteString(w, "st")
			return errors.New("the card is dead")
		}, 200, "", false},
		"not begun": {func(func(int64) (io.Writer, error)) error { return errors.New("the card is dead") }, 409, "the card is dead\n", true},
	} {
		p := &Page{Operator: &Operator{Snapshot: test.snapshot}}
		server := httptest.NewServer(p.Control())
		resp, err := http.Get(server.URL + "/api/store")
		if err != nil {
			if test.whole {
				t.Errorf("%s: %v", name, err)
			}
			server.Close()
			continue
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != test.status || (err == nil) != test.whole || test.whole && string(body) != test.text {
			t.Errorf("%s: %d %q, %v", name, resp.StatusCode, body, err)
		}
		server.Close()
	}
}
