// Package logring keeps the last lines of the log in memory, for whoever asks
// the running agent: the command line and the status page. A gateway's journal
// may be gone, or out of an installer's reach.
package logring

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bounds of what is kept: a day of a quiet house, a busy quarter of an hour of a
// large one.
const (
	maxLines = 2000
	maxBytes = 512 << 10
	// maxLine is how much of one line is kept; what is longer is no log line.
	maxLine = 4 << 10
)

// Line is a line of the log. It holds no personal data, since the log has none.
type Line struct {
	// N grows by one with each line.
	N     int64     `json:"n"`
	At    time.Time `json:"at"`
	Level string    `json:"level"`
	// Device is the device or the PMS link that the line is about, Room the room;
	// "" if it is about none.
	Device string `json:"device,omitempty"`
	Room   string `json:"room,omitempty"`
	// Text is what was said, and after it what else the line holds, as name=value.
	Text string `json:"text"`
}

// Ring keeps lines as zerolog writes them. They are taken apart only when
// somebody asks: writing costs a copy.
type Ring struct {
	mu    sync.Mutex
	lines []kept
	bytes int
	last  int64
}

type kept struct {
	n    int64
	text []byte
}

// New is an empty ring. Its lines are counted from the time on, in milliseconds:
// who follows the log of an agent that is started anew goes on with the number
// that it knows.
func New() *Ring { return &Ring{last: time.Now().UnixMilli()} }

// Write keeps one line, as zerolog gives it: it never fails.
func (r *Ring) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	text := bytes.Clone(line)
	if len(text) > maxLine {
		text, _ = json.Marshal(map[string]string{"level": "warn", "message": fmt.Sprintf("a log line of %d bytes is left out here", len(line))})
	}
	r.lines = append(r.lines, kept{r.last, text})
	r.bytes += len(text)
	drop := 0
	for len(r.lines)-drop > maxLines || r.bytes > maxBytes {
		r.bytes -= len(r.lines[drop].text)
		drop++
	}
	r.lines = slices.Delete(r.lines, 0, drop)
	return len(line), nil
}

// Filter says which lines are wanted.
type Filter struct {
	// Device and Room; "" for any.
	Device, Room string
	// After leaves out the lines up to this one. A number that was never given
	// leaves out none: the clock has gone back since.
	After int64
}

// Lines are those that are kept and wanted, the oldest first.
func (r *Ring) Lines(f Filter) []Line {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	all := slices.Clone(r.lines)
	if f.After > r.last {
		f.After = 0
	}
	r.mu.Unlock()
	var lines []Line
	for _, k := range all {
		if k.n <= f.After {
			continue
		}
		l := read(k)
		if f.Device != "" && l.Device != f.Device || f.Room != "" && l.Room != f.Room {
			continue
		}
		lines = append(lines, l)
	}
	return lines
}

// Newest is the number of the newest line; of a nil ring, 0.
func (r *Ring) Newest() int64 {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// After are the lines behind a number as they were written, each as JSON, the
// oldest first, and the number of the newest.
func (r *Ring) After(n int64) (lines []json.RawMessage, newest int64) {
	if r == nil {
		return nil, 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range r.lines {
		if k.n > n {
			lines = append(lines, whole(k.text))
		}
	}
	return lines, r.last
}

// whole is a line as JSON, whatever was written.
func whole(line []byte) json.RawMessage {
	line = bytes.TrimSpace(line)
	if json.Valid(line) {
		return bytes.Clone(line)
	}
	wrapped, err := json.Marshal(map[string]string{"message": strings.ToValidUTF8(string(line), "\ufffd")})
	if err != nil {
		panic(err) // text always marshals
	}
	return wrapped
}

// read takes a line apart.
func read(k kept) Line {
	l := Line{N: k.n}
	var fields map[string]any
	numbers := json.NewDecoder(bytes.NewReader(k.text))
	numbers.UseNumber() // as it was written, not as a float
	if numbers.Decode(&fields) != nil {
		l.Text = strings.TrimSpace(string(k.text))
		return l
	}
	take := func(name string) string {
		text, _ := fields[name].(string)
		delete(fields, name)
		return text
	}
	l.Level, l.Text = take("level"), take("message")
	l.At, _ = time.Parse(time.RFC3339, take("time")) // a line without a time has none
	if l.Device = take("device"); l.Device == "" {
		l.Device = take("pms")
	}
	if l.Room = take("room"); l.Room == "" {
		subject, _ := fields["subject"].(string)
		if room, ok := strings.CutPrefix(subject, "room:"); ok {
			l.Room = room
			delete(fields, "subject")
		}
	}
	if fields["source"] == l.Device {
		delete(fields, "source") // a link is its own source
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		l.Text += " " + name + "=" + value(fields[name])
	}
	l.Text = strings.TrimSpace(l.Text)
	return l
}

// value is a field's as people read it: in quotes only where its end would not
// be seen.
func value(v any) string {
	text := fmt.Sprint(v)
	if text == "" || strings.ContainsAny(text, " \t\n\"=") {
		return strconv.Quote(text)
	}
	return text
}

// ServeHTTP answers with the lines as JSON, one on each line of the answer. The
// query may have device, room and after.
func (r *Ring) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	query := req.URL.Query()
	f := Filter{Device: query.Get("device"), Room: query.Get("room")}
	if text := query.Get("after"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			http.Error(w, fmt.Sprintf("after=%q is no line number", text), http.StatusBadRequest)
			return
		}
		f.After = n
	}
	w.Header().Set("Content-Type", "application/jsonl")
	w.Header().Set("Cache-Control", "no-store")
	r.print(w, f)
}

func (r *Ring) print(w io.Writer, f Filter) {
	enc := json.NewEncoder(w)
	for _, l := range r.Lines(f) {
		if enc.Encode(l) != nil {
			return // who has left needs no answer
		}
	}
}
