package mews

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"
)

// maxPages bounds a list, against a server whose cursor never ends.
const maxPages = 1000

// list reads all pages of an operation and hands over the rows of each. most is
// how many rows there can be at all, 0 if nobody knows: who asks for 1,000 ids
// and has 1,000 rows need not ask whether there are more.
//
// Pages go from the newest row to the oldest, the cursor being the id of the
// last, and only an empty page has none (Connector API, Pagination). Rows can
// come twice when something changes meanwhile.
func list[Page any](ctx context.Context, c *client, e errand, operation string, filter fields, most int, take func(*Page) (rows int, cursor string)) error {
	size, got := maxPage, 0
	var after any
	for range maxPages {
		body := fields{"Limitation": fields{"Count": size, "Cursor": after}}
		maps.Copy(body, filter)
		var page Page
		err := c.persist(ctx, func() error { return c.call(ctx, e, operation, body, &page) }, func(err error) bool {
			// Too slow, or too much for one answer: the same again in smaller pages.
			status := statusOf(err)
			smaller := size > leastPage && (status == http.StatusRequestTimeout || status == http.StatusRequestEntityTooLarge && !divisible(filter))
			if smaller {
				size /= 2
				body["Limitation"] = fields{"Count": size, "Cursor": after}
			}
			return smaller
		})
		if err != nil {
			return err
		}
		rows, cursor := take(&page)
		got += rows
		if cursor == "" || rows < size || most > 0 && got >= most {
			return nil
		}
		if cursor == after {
			return fmt.Errorf("%s: the pages do not end: the cursor stays the same", operation)
		}
		after = cursor
	}
	return fmt.Errorf("%s: over %d pages; is one of them served again and again?", operation, maxPages)
}

// divisible reports whether a filter has a list that can be halved.
func divisible(filter fields) bool {
	for _, value := range filter {
		if ids, ok := value.([]string); ok && len(ids) > 1 {
			return true
		}
	}
	return false
}

// listByIDs is list with a filter of ids, cut to what a filter takes. A part
// that is too large for the server is halved.
func listByIDs[Page any](ctx context.Context, c *client, e errand, operation, filter string, ids []string, more fields, once bool, take func(*Page) (rows int, cursor string)) error {
	for _, part := range chunks(ids) {
		parts := [][]string{part}
		for len(parts) > 0 {
			now := parts[0]
			body := fields{filter: now}
			maps.Copy(body, more)
			most := 0
			if once { // each id is one row at most
				most = len(now)
			}
			err := list(ctx, c, e, operation, body, most, take)
			if statusOf(err) == http.StatusRequestEntityTooLarge && len(now) > 1 {
				parts = append([][]string{now[:len(now)/2], now[len(now)/2:]}, parts[1:]...)
				continue
			}
			if err != nil {
				return err
			}
			parts = parts[1:]
		}
	}
	return nil
}

// maxTries is how often a read is made that might go through the next time,
// some five minutes.
const maxTries = 8

// persist makes a request again for as long as that may help: reads are safe to
// repeat. less may change the request for the better; then it is made at once.
// Refused tokens are tried again too, but rarely, or as soon as their files hold
// others: the link has nothing better to do. An operation that is not granted,
// while others are, is an error at once: much goes on without it.
func (c *client) persist(ctx context.Context, request func() error, less func(error) bool) error {
	for tries := 1; ; {
		err := request()
		if err == nil || ctx.Err() != nil {
			return err
		}
		fail, known := errors.AsType[*refusal](err)
		switch {
		case !known: // the settings
			return err
		case less(err):
			continue
		case fail.status == http.StatusRequestEntityTooLarge, fail.permission, !fail.reaction().again && !fail.reaction().refused:
			return err
		}
		if ofAll := fail.reaction().refused || fail.status == http.StatusTooManyRequests; tries >= maxTries && !ofAll {
			return err // what else there is to read should not wait for it any longer
		}
		wait := c.pause(err, tries)
		tries++
		c.log.Warn().Err(err).Dur("wait", wait).Int("tries", tries).Msg("mews request is tried again")
		if c.rest(ctx, wait, refusedPair(err)) != nil {
			return err
		}
	}
}

// rest waits; if tokens were refused, only until their files hold others.
func (c *client) rest(ctx context.Context, wait time.Duration, refused tokenPair) error {
	if refused == 0 {
		return sleep(ctx, wait)
	}
	for end := c.now().Add(wait); c.now().Before(end); {
		if err := sleep(ctx, min(max(end.Sub(c.now()), time.Millisecond), c.waits.BackoffMin)); err != nil {
			return err
		}
		if c.changed(refused) {
			return nil
		}
	}
	return nil
}

// changed reports whether the token files hold others than those.
func (c *client) changed(refused tokenPair) bool {
	client, access, err := c.tokens()
	return err == nil && pairOf(client, access) != refused
}

// span is a window of time as a filter takes it: from its start up to, but
// without, its end.
func span(from, to time.Time) fields {
	return fields{"StartUtc": stampText(from), "EndUtc": stampText(to)}
}

func stampText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// longest is the widest window asked for; Mews takes three months.
const longest = 85 * 24 * time.Hour
