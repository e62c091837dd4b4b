package locksim

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Recording is what was on a line at a site, as Replay plays it. The package
// documentation tells the format in which it is read.
type Recording struct {
	pieces []piece
	host   Direction // which of the two is the agent's; "" until known
}

// piece is one line of a recording.
type piece struct {
	line  int
	at    time.Duration // since the first line
	dir   Direction     // < or > as written
	cells []cell
}

// cell is one byte, or a redacted one.
type cell struct {
	b   byte
	any bool
}

// maxRecordingLine bounds one line, in bytes.
const maxRecordingLine = 1 << 20

// ReadRecording reads a recording; see the package documentation for its format.
func ReadRecording(r io.Reader) (*Recording, error) {
	var rec Recording
	var clock recordClock
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, maxRecordingLine)
	n := 0
	for sc.Scan() {
		n++
		text, comment, _ := strings.Cut(sc.Text(), "#")
		if err := rec.hint(comment); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		p, err := readPiece(&clock, words)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		p.line = n
		rec.pieces = append(rec.pieces, p)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", n+1, err)
	}
	rec.guess()
	return &rec, nil
}

// hint takes the direction of the agent out of a comment like "host >".
func (r *Recording) hint(comment string) error {
	words := strings.Fields(comment)
	if len(words) != 2 || words[0] != "host" && words[0] != "host:" || words[1] != "<" && words[1] != ">" {
		return nil
	}
	dir := Direction(words[1])
	if r.host != "" && r.host != dir {
		return errors.New("the agent is said to have both directions: keep one of the comments")
	}
	r.host = dir
	return nil
}

// guess finds the direction of the agent where no comment tells it: a lock
// system never asks.
func (r *Recording) guess() {
	if r.host != "" || len(r.pieces) == 0 {
		return
	}
	r.host = r.pieces[0].dir
	for _, p := range r.pieces {
		if c := p.cells[0]; !c.any && c.b == enq {
			r.host = p.dir
			return
		}
	}
}

func readPiece(clock *recordClock, words []string) (piece, error) {
	if len(words) < 3 {
		return piece{}, errors.New("no time, direction and bytes")
	}
	at, err := clock.read(words[0])
	if err != nil {
		return piece{}, err
	}
	if words[1] != "<" && words[1] != ">" {
		return piece{}, fmt.Errorf("%q is no direction: write < or >", words[1])
	}
	cells, err := readCells(strings.Join(words[2:], ""))
	if err != nil {
		return piece{}, err
	}
	return piece{at: at, dir: Direction(words[1]), cells: cells}, nil
}

func readCells(digits string) ([]cell, error) {
	var cells []cell
	for len(digits) > 0 {
		pair := digits[:min(2, len(digits))]
		digits = digits[len(pair):]
		if pair == "??" {
			cells = append(cells, cell{any: true})
			continue
		}
		b, err := hex.DecodeString(pair)
		if err != nil {
			return nil, fmt.Errorf("%q is no byte: write two hex digits, or ?? for a redacted one", pair)
		}
		cells = append(cells, cell{b: b[0]})
	}
	return cells, nil
}

// recordClock turns the times of a recording into offsets from its first line.
type recordClock struct {
	first  time.Time
	dated  bool
	timed  bool
	offset time.Duration
}

// longestRecording bounds its offsets.
const longestRecording = 366 * 24 * time.Hour

func (c *recordClock) read(v string) (time.Duration, error) {
	if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
		if c.timed {
			return 0, fmt.Errorf("%q is a date, and earlier lines have offsets", v)
		}
		if !c.dated {
			c.dated, c.first = true, t
		}
		return c.bounded(t.Sub(c.first), v)
	}
	if c.dated {
		return 0, fmt.Errorf("%q is no date, and earlier lines have dates", v)
	}
	var at time.Duration
	if containsAll("+.0123456789", v) {
		s, err := strconv.ParseFloat(v, 64)
		if err != nil || s > longestRecording.Seconds() {
			return 0, fmt.Errorf("%q is no number of seconds", v)
		}
		at = time.Duration(s * float64(time.Second))
	} else {
		var err error
		if at, err = time.ParseDuration(v); err != nil {
			return 0, fmt.Errorf("%q is no time: write RFC 3339, or seconds since the start", v)
		}
	}
	if !c.timed {
		c.timed, c.offset = true, at
	}
	return c.bounded(at-c.offset, v)
}

func (c *recordClock) bounded(d time.Duration, v string) (time.Duration, error) {
	if d > longestRecording || d < -longestRecording {
		return 0, fmt.Errorf("%q is more than a year from the first line", v)
	}
	return d, nil
}

// WriteRecording writes the lines of one port of a transcript in the format
// that ReadRecording reads. Notes, and bytes that nobody got, become comments.
func WriteRecording(w io.Writer, lines []Line, port string) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "# host %s\n", In)
	for _, l := range lines {
		if l.Port != port {
			continue
		}
		at := l.At.UTC().Format("2006-01-02T15:04:05.000000Z07:00")
		switch l.Dir {
		case In, Out:
			fmt.Fprintf(out, "%s %s % X\n", at, l.Dir, l.Bytes)
		case Lost:
			fmt.Fprintf(out, "# %s lost % X\n", at, l.Bytes)
		default:
			fmt.Fprintf(out, "# %s %s\n", at, strings.ReplaceAll(l.Note, "\n", " "))
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	return nil
}
