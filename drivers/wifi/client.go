package wifi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"edgeagent/drivers"
)

// maxAnswer bounds what is read of one answer.
const maxAnswer = 4 << 20

// client speaks HTTPS with one controller: its own connections, few of them,
// no redirects (a POST would silently become a GET), bounded answers.
type client struct {
	base   *url.URL
	cfg    Config
	secret func(file string) (string, error)
	now    func() time.Time

	// skew is how far the controller's clock is ahead, from its last Date header.
	skew atomic.Int64

	mu   sync.Mutex
	http *http.Client
}

func newClient(base *url.URL, cfg Config, secret func(string) (string, error), now func() time.Time) *client {
	return &client{base: &url.URL{Scheme: base.Scheme, Host: base.Host}, cfg: cfg, secret: secret, now: now}
}

// request is one call. The answer goes to decode, at most limit bytes of it.
type request struct {
	method, path string
	query        url.Values
	body         any // nil for none
	decode       func(io.Reader) error
	limit        int64
	// fault reads the product's own error code out of an error answer.
	fault func([]byte) string
}

// answerError is an answer that is not a success. It holds nothing but status
// and the product's error code: messages of a controller may quote a voucher.
type answerError struct {
	status int
	code   string
}

func (e *answerError) Error() string {
	if e.code == "" {
		return fmt.Sprintf("the controller answered %d", e.status)
	}
	return fmt.Sprintf("the controller answered %d %s", e.status, e.code)
}

func notFound(err error) bool {
	var answer *answerError
	return errors.As(err, &answer) && answer.status == http.StatusNotFound
}

// call makes the request; a refused key is read again and tried once more,
// since it may have been renewed this moment.
func (c *client) call(ctx context.Context, r request) error {
	err := c.once(ctx, r)
	var answer *answerError
	if errors.As(err, &answer) && answer.status == http.StatusUnauthorized {
		err = c.once(ctx, r)
	}
	return c.classify(err)
}

func (c *client) once(ctx context.Context, r request) error {
	req, err := c.prepare(ctx, r)
	if err != nil {
		return err
	}
	web, err := c.web()
	if err != nil {
		return err
	}
	res, err := web.Do(req)
	if err != nil {
		return shorten(err)
	}
	defer res.Body.Close()
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		c.skew.Store(int64(date.Sub(c.now()).Round(time.Second)))
	}
	if r.limit == 0 {
		r.limit = maxAnswer
	}
	body := &bounded{r: res.Body, left: r.limit}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return c.refusal(res, body, r.fault)
	}
	if err := r.decode(body); err != nil {
		return fmt.Errorf("read the answer to %s %s: %w", r.method, r.path, unreadable(err))
	}
	_, err = io.Copy(io.Discard, body) // lets the connection be used again
	return shorten(err)
}

func (c *client) prepare(ctx context.Context, r request) (*http.Request, error) {
	if c.secret == nil {
		return nil, &drivers.LinkDown{Err: errors.New("no way to read api_key_file")}
	}
	key, err := c.secret(c.cfg.APIKeyFile)
	if err != nil {
		return nil, &drivers.LinkDown{Err: fmt.Errorf("api_key_file: %w", err)}
	}
	if key = strings.TrimSpace(key); key == "" {
		return nil, &drivers.LinkDown{Err: errors.New("api_key_file is empty: write the key from Network, Integrations into it")}
	}
	target := *c.base
	target.Path = r.path
	target.RawQuery = r.query.Encode()
	var body io.Reader
	if r.body != nil {
		text, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", drivers.ErrRefused, err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target.String(), body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", drivers.ErrRefused, err)
	}
	req.Header.Set("X-API-KEY", key)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// refusal turns an error answer into an error, with the wait it asks for.
func (c *client) refusal(res *http.Response, body io.Reader, fault func([]byte) string) error {
	answer := &answerError{status: res.StatusCode}
	text, err := io.ReadAll(io.LimitReader(body, 64<<10))
	if err == nil && fault != nil {
		answer.code = cleanCode(fault(text))
	}
	if res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500 {
		if wait, ok := retryAfter(res.Header.Get("Retry-After"), c.now(), time.Duration(c.skew.Load())); ok {
			return &drivers.RetryAfter{Wait: wait, Err: answer}
		}
	}
	return answer
}

var codeFormat = regexp.MustCompile(`^[A-Za-z][A-Za-z_-]*([._-][A-Za-z_-]+)*$`)

// cleanCode lets through what looks like an error code, and no digits: nothing
// that a controller writes there can carry a voucher's code into a log.
func cleanCode(code string) string {
	if len(code) > 80 || !codeFormat.MatchString(code) {
		return ""
	}
	return code
}

// maxWait bounds what a controller may ask for.
const maxWait = time.Hour

// retryAfter reads both forms of the header: seconds, or a date by the
// controller's clock.
func retryAfter(text string, now time.Time, skew time.Duration) (time.Duration, bool) {
	if text == "" {
		return 0, false
	}
	var wait time.Duration
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		wait = time.Duration(min(max(n, 0), int64(maxWait/time.Second))) * time.Second
	} else if date, err := http.ParseTime(text); err == nil {
		wait = date.Sub(now.Add(skew))
	} else {
		return 0, false
	}
	return min(max(wait, 0), maxWait), true
}

// classify turns an error into what the lanes act on: the whole controller is
// down, this command is refused, come back later, or simply again.
func (c *client) classify(err error) error {
	if err == nil {
		return nil
	}
	if answer, ok := errors.AsType[*answerError](err); ok {
		return c.classifyAnswer(err, answer)
	}
	var down *drivers.LinkDown
	if errors.As(err, &down) || errors.Is(err, drivers.ErrRefused) {
		return err
	}
	where := fmt.Errorf("%s: %w", c.base.Host, err)
	var pin *PinError
	var dial *net.OpError
	switch {
	case errors.As(err, &pin):
		return &drivers.LinkDown{Err: where}
	case untrusted(err):
		return &drivers.LinkDown{Err: fmt.Errorf("%w: the certificate is not trusted; compare `edgeagent probe` with the controller's own page and set tls.pin_sha256", where)}
	case errors.As(err, &dial) && dial.Op == "dial":
		return &drivers.LinkDown{Err: where} // nothing was sent
	}
	return where
}

func (c *client) classifyAnswer(err error, answer *answerError) error {
	where := fmt.Errorf("%s: %w", c.base.Host, err)
	switch {
	case answer.status == http.StatusUnauthorized && answer.code == "api.err.NoSiteContext":
		return &drivers.LinkDown{Err: fmt.Errorf("%w: no site %q for this key: write the internal name from the address bar of the controller's pages", where, c.cfg.Site)}
	case answer.status == http.StatusUnauthorized:
		return &drivers.LinkDown{Err: fmt.Errorf("%w: API key refused: make a new one under Network, Integrations and put it into the file of api_key_file", where)}
	case answer.status == http.StatusForbidden:
		return &drivers.LinkDown{Err: fmt.Errorf("%w: the API key lacks the right to manage hotspot guests: give it to the admin who made the key", where)}
	case answer.status >= 300 && answer.status < 400:
		return &drivers.LinkDown{Err: fmt.Errorf("%w: it sends us elsewhere: write the address of a UniFi OS console into url, without a path", where)}
	case answer.status == http.StatusNotFound, answer.status == http.StatusRequestTimeout,
		answer.status == http.StatusTooManyRequests, answer.status >= 500:
		return where
	}
	return fmt.Errorf("%w: %w", drivers.ErrRefused, where)
}

// shorten drops the URL that net/http puts around its errors: it says nothing
// new, and it may hold what does not belong into a log.
func shorten(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// unreadable keeps what the line did and hides what the text was: an error of
// the JSON decoder quotes the value that it stumbled over.
func unreadable(err error) error {
	var line net.Error
	switch {
	case errors.As(err, &line), errors.Is(err, errTooLarge), errors.Is(err, context.Canceled), errors.Is(err, io.ErrUnexpectedEOF):
		return shorten(err)
	case errors.Is(err, io.EOF):
		return errors.New("it is empty")
	}
	return errors.New("it is not what this product sends; does url lead to the controller itself?")
}

var errTooLarge = errors.New("the answer is larger than it may be")

// bounded is a reader that fails, rather than ends, at its limit.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		var one [1]byte
		if n, err := b.r.Read(one[:]); n == 0 && err != nil {
			return 0, err
		}
		return 0, errTooLarge
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	return n, err
}

// into decodes one JSON value.
func into(v any) func(io.Reader) error {
	return func(r io.Reader) error { return json.NewDecoder(r).Decode(v) }
}

// ignore reads nothing: the status has said it all.
func ignore(io.Reader) error { return nil }
