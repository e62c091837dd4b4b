package wifi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// omadaTokens holds the access token and the means to get the next one. A
// refresh token works once, so one goroutine at a time may fetch, and what it
// used is forgotten before it is sent: if the answer is lost, the client's own
// credentials do. Nothing of it outlives the process.
type omadaTokens struct {
	gate    chan struct{} // holds one token while nobody looks
	access  string
	refresh string
	until   time.Time // when access ends
}

const (
	omadaTokenPath = "/openapi/authorize/token"
	// omadaMargin is how long before its end an access token is replaced.
	omadaMargin = 5 * time.Minute
)

func newOmadaTokens() omadaTokens {
	t := omadaTokens{gate: make(chan struct{}, 1)}
	t.gate <- struct{}{}
	return t
}

func (t *omadaTokens) enter(ctx context.Context) error {
	select {
	case <-t.gate:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *omadaTokens) leave() { t.gate <- struct{}{} }

// token is an access token that was not refused yet.
func (o *omada) token(ctx context.Context) (string, error) {
	t := &o.tokens
	if err := t.enter(ctx); err != nil {
		return "", err
	}
	defer t.leave()
	if t.access != "" && o.now().Before(t.until.Add(-omadaMargin)) {
		return t.access, nil
	}
	err := o.renewToken(ctx)
	if err != nil && t.access != "" && o.now().Before(t.until) {
		err = nil // the present one is good for some minutes more
	}
	return t.access, err
}

// renewToken refreshes the token or, where that cannot be done, logs in. A
// client that is refused is read again and tried once more, since its secret
// may have been changed this moment.
func (o *omada) renewToken(ctx context.Context) error {
	t := &o.tokens
	if refresh := t.refresh; refresh != "" {
		t.refresh = ""
		err := o.fetchToken(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
	var err error
	for range 2 {
		err = o.fetchToken(ctx, url.Values{"grant_type": {"client_credentials"}})
		if answer, ok := errors.AsType[*answerError](err); !ok || answer.status != http.StatusUnauthorized && omadaCodeOf(err) != -44106 {
			break
		}
	}
	return err
}

func (o *omada) fetchToken(ctx context.Context, query url.Values) error {
	secret, err := o.secretFile("client_secret_file", o.cfg.ClientSecretFile)
	if err != nil {
		return err
	}
	var got struct {
		Access  string `json:"accessToken"`
		Refresh string `json:"refreshToken"`
		Seconds int64  `json:"expiresIn"`
	}
	body := map[string]string{"omadacId": o.cfg.ControllerID, "client_id": o.cfg.ClientID, "client_secret": secret}
	if err := o.ask(ctx, request{method: http.MethodPost, path: omadaTokenPath, query: query, body: body}, &got); err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	if !goodToken(got.Access) || got.Seconds <= 0 {
		return errors.New("log in: the answer holds no token")
	}
	life := time.Duration(min(got.Seconds, int64(24*time.Hour/time.Second))) * time.Second
	o.tokens.access, o.tokens.refresh, o.tokens.until = got.Access, got.Refresh, o.now().Add(life)
	return nil
}

// goodToken reports whether a token can stand in a header.
func goodToken(text string) bool {
	return text != "" && len(text) < 4096 && !strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' })
}

// dropToken forgets a token that was refused, unless another one has taken its
// place since: that one works. Only one that has merely expired may be refreshed.
func (o *omada) dropToken(ctx context.Context, refused string, expired bool) error {
	t := &o.tokens
	if err := t.enter(ctx); err != nil {
		return err
	}
	defer t.leave()
	if t.access != refused {
		return nil
	}
	t.access = ""
	if !expired {
		t.refresh = ""
	}
	return nil
}

// tokenKey is under what a call's token stands in its context.
type tokenKey struct{}

// signOmada puts the token on a request; the one for a token has none.
func signOmada(ctx context.Context, r *http.Request) error {
	if token, ok := ctx.Value(tokenKey{}).(string); ok {
		r.Header.Set("Authorization", "AccessToken="+token)
	}
	return nil
}
