package web

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"unicode/utf8"
)

const (
	// maxLines and maxLine bound the log that is kept for the page: at most a
	// megabyte, some 80 kB as a rule.
	maxLines = 500
	maxLine  = 2 << 10
)

// Ring keeps the last lines of the log. It is a writer, one line a call.
type Ring struct {
	mu    sync.Mutex
	lines [maxLines][]byte
	last  int64 // the number of the newest line, from 1; 0 for none
}

// Write keeps a line, in the place of the oldest. It never fails.
func (r *Ring) Write(line []byte) (int, error) {
	n := len(line)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	slot := &r.lines[r.last%maxLines]
	*slot = append((*slot)[:0], line[:min(n, maxLine)]...)
	return n, nil
}

// newest is the number of the newest line.
func (r *Ring) newest() int64 {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// after are the lines that are newer than a number, the oldest first, each as
// JSON, and the number of the newest.
func (r *Ring) after(number int64) (lines []json.RawMessage, newest int64) {
	if r == nil {
		return nil, 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for n := max(number+1, r.last-maxLines+1, 1); n <= r.last; n++ {
		lines = append(lines, whole(r.lines[n%maxLines]))
	}
	return lines, r.last
}

// whole is a line as JSON, whatever was written.
func whole(line []byte) json.RawMessage {
	line = bytes.TrimSpace(line)
	if json.Valid(line) {
		return bytes.Clone(line)
	}
	text := string(line)
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\ufffd")
	}
	wrapped, err := json.Marshal(map[string]string{"message": text})
	if err != nil {
		panic(err) // text always marshals
	}
	return wrapped
}
