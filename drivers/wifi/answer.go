package wifi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"edgeagent/drivers"
)

// What an answer, or none, means to the lanes.

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
	if res.StatusCode == http.StatusTooManyRequests { // it did not say for how long
		return &drivers.RetryAfter{Err: answer}
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
	if c.explain != nil {
		if own := c.explain(where, answer); own != nil {
			return own
		}
	}
	switch {
	case answer.status == http.StatusUnauthorized:
		return &drivers.LinkDown{Err: fmt.Errorf("%w: %s", where, c.refused)}
	case answer.status == http.StatusForbidden:
		return &drivers.LinkDown{Err: fmt.Errorf("%w: %s", where, c.rights)}
	case answer.status >= 300 && answer.status < 400:
		return &drivers.LinkDown{Err: fmt.Errorf("%w: it sends us elsewhere: %s", where, c.elsewhere)}
	case answer.status == http.StatusNotFound, answer.status == http.StatusRequestTimeout,
		answer.status == http.StatusTooManyRequests, answer.status >= 500:
		return where
	}
	return fmt.Errorf("%w: %w", drivers.ErrRefused, where)
}

// together makes one error of several, nil of none. What can be tried again
// says what becomes of the whole; a refusal beside it is told in words only,
// or else the rest would never be tried again.
func together(errs []error) error {
	var again, refused error
	join := func(to *error, err error) {
		if *to == nil {
			*to = err
		} else {
			*to = fmt.Errorf("%w; %w", *to, err)
		}
	}
	for _, err := range errs {
		switch {
		case err == nil:
		case errors.Is(err, drivers.ErrRefused):
			join(&refused, err)
		default:
			join(&again, err)
		}
	}
	if again != nil && refused != nil {
		return fmt.Errorf("%w; %s", again, refused.Error())
	}
	if again != nil {
		return again
	}
	return refused
}

// faults are what goes wrong with single entries of a list.
type faults struct {
	all []error
	row int
}

// manyFaults in a row are no longer about single entries.
const manyFaults = 5

// enough keeps an error, and reports whether it is no use to go on.
func (f *faults) enough(err error) bool {
	if err == nil {
		f.row = 0
		return false
	}
	f.all = append(f.all, err)
	f.row++
	var down *drivers.LinkDown
	return errors.As(err, &down) || errors.Is(err, context.Canceled) || f.row >= manyFaults
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
	case errors.As(err, &line), errors.Is(err, errTooLarge), errors.Is(err, errNoList), errors.Is(err, context.Canceled), errors.Is(err, io.ErrUnexpectedEOF):
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
