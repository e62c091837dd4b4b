package mewssim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// most is the cap of a filter and of a page (Connector API, Pagination).
	most = 1000
	// fewer is the cap of the filters with a smaller one.
	fewer = 100
	// longestInterval in months (Connector API, Requests).
	longestInterval = 3
)

// request is a body that is looked at field by field. The first thing wrong
// with it is kept; what nobody asked for in the end is a field the operation
// does not know. Names are case-sensitive, which encoding/json alone is not.
type request struct {
	fields  map[string]json.RawMessage
	asked   map[string]bool
	problem *refusal
	page    page
	filters int // filters that were given
	named   int // values in them
	rows    int // found
}

// page is a Limitation.
type page struct {
	count  int // 0 without a Limitation
	cursor string
}

func parseRequest(body []byte) (*request, error) {
	q := &request{asked: map[string]bool{}}
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&q.fields); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON")
	}
	if q.fields == nil {
		return nil, errors.New("no object")
	}
	return q, nil
}

// fail keeps the first problem.
func (q *request) fail(message string) {
	if q.problem == nil {
		q.problem = &refusal{status: http.StatusBadRequest, message: message}
	}
}

// err is the first problem as an error, nil if there is none.
func (q *request) err() error {
	if q.problem == nil {
		return nil
	}
	return q.problem
}

// strange are the names that were never asked for.
func (q *request) strange() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(q.fields)) {
		if !q.asked[name] {
			out = append(out, name)
		}
	}
	return out
}

// take reads a field; null is as good as absent.
func (q *request) take(name string, into any, required bool) bool {
	q.asked[name] = true
	raw := q.fields[name]
	if len(raw) == 0 || string(raw) == "null" {
		if required {
			q.fail("Invalid " + name)
		}
		return false
	}
	if err := json.Unmarshal(raw, into); err != nil {
		q.fail("Invalid " + name)
		return false
	}
	return true
}

func (q *request) text(name string, required bool) string {
	var out string
	if q.take(name, &out, required) && out == "" && required {
		q.fail("Invalid " + name)
	}
	return out
}

// id reads a UUID.
func (q *request) id(name string, required bool) string {
	id := strings.ToLower(q.text(name, required))
	if id != "" && !uuidLike(id) {
		q.fail("Invalid " + name)
	}
	return id
}

func uuidLike(id string) bool {
	return len(id) == 36 && id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-' &&
		strings.Trim(id, "0123456789abcdef-") == ""
}

// filter is a set of allowed values; nil allows all.
type filter map[string]bool

func (f filter) has(value string) bool { return f == nil || f[value] }

// values reads an array filter: absent, or 1 to limit values.
func (q *request) values(name string, limit int, required bool) filter {
	var list []string
	if !q.take(name, &list, required) {
		return nil
	}
	if len(list) == 0 || len(list) > limit {
		q.fail("Invalid " + name)
	}
	q.filters++
	q.named += len(list)
	out := filter{}
	for _, v := range list {
		out[v] = true
	}
	return out
}

// ids reads an array of UUIDs.
func (q *request) ids(name string, limit int, required bool) filter {
	values := q.values(name, limit, required)
	if values == nil {
		return nil
	}
	out := filter{}
	for v := range values {
		id := strings.ToLower(v)
		if !uuidLike(id) {
			q.fail("Invalid " + name)
		}
		out[id] = true
	}
	return out
}

// enum reads an array of known names.
func (q *request) enum(name string, known ...string) filter {
	values := q.values(name, most, false)
	for v := range values {
		if !slices.Contains(known, v) {
			q.fail("Invalid " + name)
		}
	}
	return values
}

// interval is half-open, or a moment if both ends are equal
// (Connector API, Serialization and changelog of January 2026).
type interval struct{ start, end time.Time }

func (i *interval) has(t time.Time) bool {
	switch {
	case i == nil:
		return true
	case t.IsZero():
		return false
	case i.start.Equal(i.end):
		return t.Equal(i.start)
	default:
		return !t.Before(i.start) && t.Before(i.end)
	}
}

// meets says whether the interval has a moment in common with another one.
func (i *interval) meets(start, end time.Time) bool {
	if i == nil {
		return true
	}
	if i.start.Equal(i.end) {
		return !i.start.Before(start) && i.start.Before(end)
	}
	return start.Before(i.end) && end.After(i.start)
}

func (q *request) interval(name string) *interval {
	var raw struct{ StartUtc, EndUtc *string }
	if !q.exact(name, &raw, false, "StartUtc", "EndUtc") {
		return nil
	}
	q.filters++
	var out interval
	for _, end := range []struct {
		text *string
		to   *time.Time
	}{{raw.StartUtc, &out.start}, {raw.EndUtc, &out.end}} {
		if end.text == nil || !strings.HasSuffix(*end.text, "Z") {
			q.fail("Invalid " + name)
			return nil
		}
		t, err := time.Parse(time.RFC3339Nano, *end.text)
		if err != nil {
			q.fail("Invalid " + name)
			return nil
		}
		*end.to = t
	}
	if out.end.Before(out.start) || out.end.After(out.start.AddDate(0, longestInterval, 0)) {
		q.fail("Invalid " + name)
	}
	return &out
}

// exact reads an object whose members are among those named.
func (q *request) exact(name string, into any, required bool, members ...string) bool {
	var all map[string]json.RawMessage
	if !q.take(name, &all, required) {
		return false
	}
	for member := range all {
		if !slices.Contains(members, member) {
			q.fail("Invalid " + name)
		}
	}
	return q.take(name, into, required)
}

// limitation reads the page asked for.
func (q *request) limitation(required bool) {
	var raw struct {
		Count  *int
		Cursor *string
	}
	if !q.exact("Limitation", &raw, required, "Count", "Cursor") {
		return
	}
	if raw.Count == nil || *raw.Count < 1 || *raw.Count > most {
		q.fail("Invalid Limitation")
		return
	}
	q.page.count = *raw.Count
	if raw.Cursor != nil {
		q.page.cursor = strings.ToLower(*raw.Cursor)
		if !uuidLike(q.page.cursor) {
			q.fail("Invalid Cursor")
		}
	}
}

// extent reads which kinds of entities are wanted; nil if it is not given.
func (q *request) extent(required bool, members ...string) map[string]bool {
	var out map[string]bool
	q.exact("Extent", &out, required, members...)
	return out
}

// mustFilter wants at least one filter.
func (q *request) mustFilter() {
	if q.filters == 0 {
		q.fail("At least one filter is required")
	}
}
