package wifi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
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
	manners // set by the product before the first call

	base   *url.URL
	cfg    Config
	secret func(file string) (string, error)
	now    func() time.Time
	needs  map[string]string // product.needs
	pace   pace
	// stays are those that the agent knows of, for a product that cannot list.
	stays func() []Stay
	// key is the property's, for a product whose guests' codes must be found again.
	key []byte

	clocks // the controller's from its last Date header
	// trouble is what a person should know though the command succeeded; nil or
	// "" for none.
	trouble atomic.Pointer[string]

	mu   sync.Mutex
	http *http.Client
}

func newClient(base *url.URL, cfg Config, secret func(string) (string, error), now func() time.Time) *client {
	return &client{base: &url.URL{Scheme: base.Scheme, Host: base.Host}, cfg: cfg, secret: secret, now: now}
}

// manners are what products want differently of whoever calls them.
type manners struct {
	// sign puts the credential on a request. It may call the controller itself,
	// to log in.
	sign func(ctx context.Context, r *http.Request) error
	// renew makes sign forget what was refused with 401; nil if it keeps nothing.
	renew func()
	// heard sees the head of every answer; nil if nothing is kept of it.
	heard func(*http.Response)
	// explain turns an answer that needs words of the product's own into an
	// error; nil, or a nil error: the words that all have.
	explain func(err error, answer *answerError) error
	// close ends what the product holds open beside HTTP; nil for nothing.
	close func()
	// sweepEvery is how often the controller is compared with what is wanted;
	// hourly if zero.
	sweepEvery time.Duration
	// What to do about a credential that is refused (401), one without the
	// rights (403), and an answer that sends us elsewhere (3xx).
	refused, rights, elsewhere string
}

// request is one call. The answer goes to decode, at most limit bytes of it.
type request struct {
	method, path string
	query        url.Values
	body         any    // sent as JSON; nil for none
	raw          []byte // sent as it is, as contentType
	contentType  string
	decode       func(io.Reader) error
	limit        int64
	// fault reads the product's own error code out of an error answer.
	fault func([]byte) string
}

// call makes the request; a refused key is read again and tried once more,
// since it may have been renewed this moment.
func (c *client) call(ctx context.Context, r request) error {
	err := c.once(ctx, r)
	var answer *answerError
	if errors.As(err, &answer) && answer.status == http.StatusUnauthorized {
		if c.renew != nil {
			c.renew()
		}
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
	done, err := c.pace.turn(ctx)
	if err != nil {
		return err
	}
	defer done()
	res, err := web.Do(req)
	if err != nil {
		return shorten(err)
	}
	defer res.Body.Close()
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		c.learn(date, c.now())
	}
	if c.heard != nil {
		c.heard(res)
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
	target := *c.base
	target.Path, target.RawPath = r.path, r.path // so that the * of a router's ids stays one
	target.RawQuery = r.query.Encode()
	text, kind := r.raw, r.contentType
	if r.body != nil {
		var err error
		if text, err = json.Marshal(r.body); err != nil {
			return nil, fmt.Errorf("%w: %w", drivers.ErrRefused, err)
		}
		kind = "application/json"
	}
	var body io.Reader
	if text != nil {
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target.String(), body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", drivers.ErrRefused, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", kind)
	}
	req.Header.Set("Accept", cmp.Or(kind, "application/json"))
	if c.sign == nil {
		return req, nil
	}
	return req, c.sign(ctx, req)
}

// secretFile reads the secret in a file that the property file names by key.
func (c *client) secretFile(key, file string) (string, error) {
	if c.secret == nil {
		return "", &drivers.LinkDown{Err: errors.New("no way to read " + key)}
	}
	text, err := c.secret(file)
	if err != nil {
		return "", &drivers.LinkDown{Err: fmt.Errorf("%s: %w", key, err)}
	}
	if text = strings.TrimSpace(text); text == "" {
		source, ok := c.needs[key]
		if !ok {
			source = "write the secret into the file"
		}
		return "", &drivers.LinkDown{Err: fmt.Errorf("%s is empty: %s", key, source)}
	}
	return text, nil
}

// basicAuth signs with user and password_file.
func (c *client) basicAuth(_ context.Context, r *http.Request) error {
	password, err := c.secretFile("password_file", c.cfg.PasswordFile)
	if err == nil {
		r.SetBasicAuth(c.cfg.User, password)
	}
	return err
}

// into decodes one JSON value.
func into(v any) func(io.Reader) error {
	return func(r io.Reader) error { return json.NewDecoder(r).Decode(v) }
}

var errNoList = errors.New("it holds no list")

// listed decodes a list. Nothing where a list should be is no empty list: what
// is not seen there would be taken for gone.
func listed[T any](to *[]T) func(io.Reader) error {
	return func(r io.Reader) error {
		var list *[]T
		if err := json.NewDecoder(r).Decode(&list); err != nil {
			return err
		}
		if list == nil {
			return errNoList
		}
		*to = *list
		return nil
	}
}

// ignore reads nothing: the status has said it all.
func ignore(io.Reader) error { return nil }
