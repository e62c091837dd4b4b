package inspire

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxTokenBody bounds the token server's answer.
const maxTokenBody = 1 << 20

// defaultLifetime is what a token without any hint is taken to live, as the
// Destinity integration guide and Oracle's both say.
const defaultLifetime = time.Hour

// token is an access token. Its end is reckoned from its arrival with the
// process's own clock, so that a wrong date does not matter.
type token struct {
	text     string
	arrived  time.Time
	lifetime time.Duration
}

func (t *token) left(now time.Time) time.Duration {
	if t == nil {
		return 0
	}
	return t.lifetime - now.Sub(t.arrived)
}

// enough reports whether a connection is worth starting with what is left.
func (t *token) enough(now time.Time, lead time.Duration) bool {
	return t != nil && t.left(now) > min(lead+time.Minute, t.lifetime/2)
}

// failure is an ending as an error.
type failure struct{ ending }

func (f *failure) Error() string { return f.detail }

// fetchToken asks for a new token. The error is a *failure, or one that the
// property file or a secret is to blame for.
func (s *Source) fetchToken(ctx context.Context, c credentials) (*token, error) {
	ctx, cancel := context.WithTimeout(ctx, s.waits.Token)
	defer cancel()
	u, err := endpoint(s.cfg.TokenURL, "/oauth/v1/tokens")
	if err != nil {
		return nil, fmt.Errorf("token_url: %w", err)
	}
	form := url.Values{"grant_type": {s.cfg.GrantType}}
	if s.cfg.Scope != "" {
		form.Set("scope", s.cfg.Scope)
	}
	if s.cfg.GrantType == "password" {
		form.Set("username", s.cfg.Username)
		form.Set("password", c.password)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("token_url: %w", err)
	}
	id := newUUID()
	h := req.Header
	h.Set("Content-Type", "application/x-www-form-urlencoded")
	h.Set("Accept", "application/json")
	h.Set("User-Agent", s.agent())
	// Client id and secret are joined as they are, without form-encoding, as in
	// the vendor's sample.
	h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(s.cfg.ClientID+":"+c.secret)))
	h["x-app-key"] = []string{c.appKey}
	if s.cfg.EnterpriseID != "" {
		h["enterpriseId"] = []string{s.cfg.EnterpriseID}
	}
	h["X-Request-Id"] = []string{id}
	s.log.Debug().Str("request", id).Msg("fetching pms token")

	resp, err := s.httpClient().Do(req)
	if err != nil {
		return nil, s.networkFailure(atToken, c, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxTokenBody+1))
	if err != nil {
		return nil, s.networkFailure(atToken, c, err)
	}
	return s.readToken(resp, body, c)
}

func (s *Source) readToken(resp *http.Response, body []byte, c credentials) (*token, error) {
	f := &failure{ending{stage: atToken, status: resp.StatusCode, retryAfter: retryAfter(resp, s.now())}}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusCreated {
		f.detail = c.redact(tokenError(body), "")
		return nil, f
	}
	var answer struct {
		AccessToken  string          `json:"access_token"`
		AccessToken2 string          `json:"accessToken"`
		Token        string          `json:"token"`
		ExpiresIn    json.RawMessage `json:"expires_in"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(body) > maxTokenBody {
		f.signal, f.detail = "token unusable", "the answer is no JSON"
		if isHTML(resp.Header, body) {
			f.signal, f.detail = "http other", "a web page came back"
		}
		return nil, f
	}
	t := &token{arrived: s.now(), lifetime: defaultLifetime}
	for _, text := range []string{answer.AccessToken, answer.AccessToken2, answer.Token} {
		if t.text == "" {
			t.text = strings.TrimSpace(text)
		}
	}
	if t.text == "" || strings.ContainsFunc(t.text, func(r rune) bool { return r < 0x21 || r > 0x7e }) {
		f.signal, f.detail = "token unusable", "the answer has no access_token"
		return nil, f
	}
	if life, ok := lifetimeNumber(strings.Trim(string(answer.ExpiresIn), `"`)); ok {
		t.lifetime = life
	} else if life, ok := jwtLifetime(t.text); ok {
		t.lifetime = life
	}
	return t, nil
}

// tokenError is what an OAuth error answer says.
func tokenError(body []byte) string {
	var answer struct {
		Error       any    `json:"error"`
		Description string `json:"error_description"`
		Message     string `json:"message"`
		Title       string `json:"title"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	var parts []string
	if text, ok := answer.Error.(string); ok {
		parts = append(parts, text)
	}
	for _, text := range []string{answer.Description, answer.Message, answer.Title} {
		if text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, ", ")
}

// jwtLifetime is exp - iat of a JWT: a difference, so no clock of ours matters.
func jwtLifetime(text string) (time.Duration, bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return 0, false
	}
	claims, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return 0, false
	}
	var c struct {
		Exp json.Number `json:"exp"`
		Iat json.Number `json:"iat"`
	}
	if json.Unmarshal(claims, &c) != nil {
		return 0, false
	}
	exp, err1 := c.Exp.Float64()
	iat, err2 := c.Iat.Float64()
	if err1 != nil || err2 != nil {
		return 0, false
	}
	return lifetimeNumber(strconv.FormatFloat(exp-iat, 'f', 3, 64))
}

// isHTML tells a captive portal's page from a server's answer.
func isHTML(h http.Header, body []byte) bool {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && kind == "text/html" || bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
}

// retryAfter reads the header in both of its forms.
func retryAfter(resp *http.Response, now time.Time) time.Duration {
	text := resp.Header.Get("Retry-After")
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n < 1<<20 {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(text); err == nil && t.After(now) {
		return t.Sub(now)
	}
	return 0
}

// networkFailure words an error of the network without the address, which can
// hold the key.
func (s *Source) networkFailure(at stage, c credentials, err error) error {
	f := &failure{ending{stage: at, signal: "network"}}
	if inURL, ok := errors.AsType[*url.Error](err); ok {
		err = inURL.Err
	}
	if isCertificateError(err) {
		f.signal = "tls"
	}
	f.detail = c.redact(err.Error(), "")
	if errors.Is(err, context.DeadlineExceeded) {
		f.detail = "no answer in time"
	}
	return f
}

// newUUID is a random UUID (version 4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails, by its contract
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
