package inspiresim

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"time"
)

// maxTokenBody bounds the form of a token request.
const maxTokenBody = 16 << 10

func readBody(r *http.Request) (string, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxTokenBody+1))
	if err == nil && len(body) > maxTokenBody {
		return string(body[:maxTokenBody]), fmt.Errorf("body is longer than %d bytes", maxTokenBody)
	}
	return string(body), err
}

func writePage(w http.ResponseWriter, status int, page string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, page) // the client may have left
}

func writeOAuthError(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "{\"error\":%q}\n", code) // the client may have left
}

func cookieNames(r *http.Request) []string {
	var out []string
	for _, c := range r.Cookies() {
		out = append(out, c.Name)
	}
	return out
}

// setCookies sets the two stickiness cookies of an Azure front end.
func (s *Server) setCookies(w http.ResponseWriter) {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	value := hex.EncodeToString(id)
	http.SetCookie(w, &http.Cookie{Name: "ARRAffinity", Value: value, Path: "/", HttpOnly: true, Secure: s.options.TLS})
	if s.options.TLS {
		http.SetCookie(w, &http.Cookie{Name: "ARRAffinitySameSite", Value: value, Path: "/", HttpOnly: true,
			SameSite: http.SameSiteNoneMode, Secure: true})
	}
}

// sleep waits, and reports false if the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
