package mews

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

const (
	// maxAnswer bounds an answer of the API; a page of 1,000 reservations has about 2 MB.
	maxAnswer = 32 << 20
	// maxIDs is how many ids a filter takes, maxPage how many rows a page has
	// (Connector API, Pagination).
	maxIDs  = 1000
	maxPage = 1000
	// leastPage is as far as a page shrinks for a server that is too slow.
	leastPage = 25
)

// client asks the Connector API: every call is a POST of JSON with the tokens
// in its body, so no body is ever logged.
type client struct {
	base, product string
	http          *http.Client
	secret        func(file string) (string, error)
	files         [2]string // of the client token and the access token
	budget        *budget
	clock         *clock
	waits         *Waits
	log           zerolog.Logger
	now           func() time.Time
	heard         func(time.Time)
	// raise shows an alarm, calm takes alarms down.
	raise func(code, text string)
	calm  func(codes ...string)

	mu      sync.Mutex
	floods  int             // answers 429 in a row
	lacking map[string]bool // operations that are not granted
	retired map[string]bool // operations that are gone
}

func newClient(s *Source) *client {
	product := s.cfg.Client
	if v := s.deps.Version; v != "" {
		product += " " + v
	}
	return &client{
		base: s.cfg.PlatformURL + "/api/connector/v1/", product: product,
		http: s.net.client(), secret: s.deps.Secret, files: [2]string{s.cfg.ClientTokenFile, s.cfg.AccessTokenFile},
		budget: newBudget(s.cfg.Budget, s.deps.Now), clock: s.clock, waits: &s.waits, log: s.log, now: s.deps.Now,
		heard: s.board.Heard, raise: s.board.Raise, calm: s.board.Clear, lacking: map[string]bool{}, retired: map[string]bool{},
	}
}

// tokens reads both tokens. They are read for each call: a token that the hotel
// had Mews make anew is put into its file, and no restart is needed.
func (c *client) tokens() (client, access string, err error) {
	if client, err = c.secret(c.files[0]); err == nil {
		access, err = c.secret(c.files[1])
	}
	if err != nil {
		return "", "", err
	}
	for _, token := range []string{client, access} {
		if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' || r == ';' || r == '"' }) {
			return "", "", errors.New("a token file does not hold a token: write just the token, hex digits and hyphens, on one line")
		}
	}
	return client, access, nil
}

// tokenPair tells two pairs of tokens apart, and gives none away; 0 is none.
type tokenPair uint64

var pairs = maphash.MakeSeed()

func pairOf(client, access string) tokenPair {
	return tokenPair(maphash.String(pairs, client+";"+access) | 1)
}

// fields are what a request has beside its tokens.
type fields map[string]any

// call makes one request and reads its answer into out, which may be nil. An
// error is a *refusal, one of ctx, or about the settings.
func (c *client) call(ctx context.Context, errand errand, operation string, body fields, out any) error {
	clientToken, accessToken, err := c.tokens()
	if err != nil {
		return err
	}
	full := fields{"ClientToken": clientToken, "AccessToken": accessToken, "Client": c.product}
	maps.Copy(full, body)
	text, err := json.Marshal(full)
	if err != nil {
		return err
	}
	if err := c.budget.take(ctx, errand); err != nil {
		return err
	}
	limit := c.waits.Bulk
	if errand == urgent {
		limit = c.waits.Quick
	}
	err = c.within(ctx, limit, operation, text, out)
	e, known := errors.AsType[*refusal](err)
	if known {
		e.with = pairOf(clientToken, accessToken)
	}
	if known && e.status == http.StatusUnauthorized && operation != tokenTest {
		// One status for bad tokens and for an operation that is not granted
		// (Connector API, Responses): whether the tokens are good another one shows.
		e.permission = c.call(ctx, errand, tokenTest, nil, nil) == nil
	}
	c.note(operation, err)
	return err
}

// tokenTest is an operation that every integration is granted.
const tokenTest = "configuration/get"

func (c *client) within(ctx context.Context, limit time.Duration, operation string, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return c.send(ctx, operation, body, out)
}

func (c *client) send(ctx context.Context, operation string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+operation, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", c.product)
	sent := c.now()
	resp, err := c.http.Do(req)
	if err != nil {
		return &refusal{operation: operation, host: req.URL.Hostname(), cause: netCause(ctx, err)}
	}
	defer resp.Body.Close()
	received := c.now()
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		c.clock.learn(date.Add(500*time.Millisecond), sent, received) // the header leaves out the fraction
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	fail := &refusal{operation: operation, host: req.URL.Hostname(), status: resp.StatusCode, requestID: printable(resp.Header.Get("Request-Id"), 64)}
	c.log.Debug().Str("operation", operation).Int("status", resp.StatusCode).Str("request_id", fail.requestID).
		Int("bytes", len(answer)).Dur("took", received.Sub(sent)).Msg("mews answered")
	switch {
	case resp.StatusCode == http.StatusNoContent:
		return nil
	case resp.StatusCode != http.StatusOK:
		fail.message, fail.wait = messageOf(answer), retryAfter(resp.Header, received)
		return fail
	case err != nil:
		fail.status, fail.cause = 0, netCause(ctx, err)
		return fail
	case len(answer) > maxAnswer:
		fail.status, fail.cause = http.StatusRequestEntityTooLarge, fmt.Errorf("the answer is over %d MB", maxAnswer>>20)
		return fail
	}
	c.heard(received)
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		fail.cause = errors.New("the text cannot be read")
		return fail
	}
	return nil
}

var errLate = errors.New("no answer in time")

// netCause leaves the address out: it stands in the property file.
func netCause(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil {
		if errors.Is(cause, context.DeadlineExceeded) {
			return errLate
		}
		return cause
	}
	var wrapped interface{ Unwrap() error }
	if errors.As(err, &wrapped) && strings.HasPrefix(err.Error(), "Post ") {
		err = wrapped.Unwrap()
	}
	return err
}

// messageOf is the text that Mews gives with an error.
func messageOf(answer []byte) string {
	var body struct{ Message string }
	if json.Unmarshal(answer, &body) != nil {
		return ""
	}
	return printable(body.Message, 200)
}

// printable cuts a foreign text to what a line can show.
func printable(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return strings.TrimSpace(text)
}

// note learns from the outcome of a request, whoever made it.
func (c *client) note(operation string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch status := statusOf(err); {
	case err == nil:
		c.floods = 0
		c.calm(alarmRefused)
		c.works(operation)
	case status == http.StatusTooManyRequests:
		c.floods++
		wait := c.pause(err, c.floods)
		c.budget.rest(wait)
		c.raise(alarmLimit, fmt.Sprintf("%s; the agent rests for %s", reactionTo(status).means, max(wait.Round(time.Second), time.Second)))
	case forbidden(err):
		c.lacking[operation] = true
		c.raise(alarmPermission, fmt.Sprintf("Mews does not grant %s to this integration, and grants others: ask Mews to enable it", listed(c.lacking)))
	case status == http.StatusUnauthorized:
		c.raise(alarmRefused, reactionTo(status).means)
	case status == http.StatusGone || status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		c.retired[operation] = true
		c.raise(alarmRetired, listed(c.retired)+": "+reactionTo(status).means)
	}
}

// works takes back what was said of an operation. c.mu is held.
func (c *client) works(operation string) {
	for code, list := range map[string]map[string]bool{alarmPermission: c.lacking, alarmRetired: c.retired} {
		if list[operation] {
			delete(list, operation)
			if len(list) == 0 {
				c.calm(code)
			}
		}
	}
}

func listed(names map[string]bool) string {
	return strings.Join(slices.Sorted(maps.Keys(names)), ", ")
}

// pause is how long to wait after the nth failure in a row: what Mews asks for,
// or else ever longer, never twice the same.
func (c *client) pause(err error, n int) time.Duration {
	first, most := c.waits.BackoffMin, c.waits.BackoffMax
	e, known := errors.AsType[*refusal](err)
	if known && e.wait > 0 {
		return e.wait + rand.N(first/4+1)
	}
	if known && e.reaction().refused {
		first, most = c.waits.Refused, c.waits.RefusedMax
	}
	return backoff(first, most, n)
}

// backoff doubles with every failure in a row, with jitter.
func backoff(first, most time.Duration, n int) time.Duration {
	d := min(first, most)
	for ; n > 1 && d < most; n-- {
		d = min(2*d, most)
	}
	return d/2 + rand.N(d/2+1)
}
