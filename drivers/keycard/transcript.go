package keycard

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A transcript is a text file with one line for each thing that went over the
// line, oldest first, so that a simulator can play the lock system's part again:
//
//	# edgeagent transcript 1 protocol salto
//	2026-07-15T14:00:00.000000Z > ENQ
//	2026-07-15T14:00:00.004210Z < ACK
//	2026-07-15T14:00:00.004391Z > frame CN|1|E|101|||||||1100170726|<5>
//	2026-07-15T14:00:04.108342Z < frame CN|1|<14>
//	2026-07-15T14:00:09.000127Z < noise 80 f8 .. 00
//	2026-07-15T14:00:09.100450Z # the line was cut
//
// > is what the agent sent, < what it received, # what happened otherwise. The
// time is that of the first byte that was noticed, in UTC. The words:
//
//	ENQ ACK NAK      a control byte
//	frame F|F|F      a frame with a good check; <n> stands for n bytes that are
//	                 hidden, \xNN for a byte that would be misread here
//	wildcard F|F|F   a frame whose check byte says "do not verify"
//	damaged n        a frame of n bytes between STX and ETX that failed its check
//	truncated n      a frame that broke off after n bytes
//	noise xx xx ..   bytes outside of any frame; .. for one that is hidden
//
// Hidden are operators, guests' names, phones, tracks, card numbers and
// authorisation codes. Lines that begin with # are for people.

// Direction says whose a line of a transcript is.
type Direction string

// The directions of a Line.
const (
	Sent     Direction = ">"
	Received Direction = "<"
	Noted    Direction = "#"
)

// LineKind says what a line of a transcript tells of.
type LineKind string

// The kinds of a Line.
const (
	KindENQ       LineKind = "ENQ"
	KindACK       LineKind = "ACK"
	KindNAK       LineKind = "NAK"
	KindFrame     LineKind = "frame"
	KindWildcard  LineKind = "wildcard"
	KindDamaged   LineKind = "damaged"
	KindTruncated LineKind = "truncated"
	KindNoise     LineKind = "noise"
)

// HiddenByte stands in Line.Noise for a byte that is not shown.
const HiddenByte = -1

// Line is one line of a transcript.
type Line struct {
	At     time.Time
	Dir    Direction
	Kind   LineKind // "" of a note
	Fields []Field  // of a frame
	Noise  []int    // of noise: bytes, or HiddenByte
	Size   int      // of a damaged or truncated frame
	Text   string   // of a note
}

// Field is a field of a frame: what may be shown of it, and how many bytes that follow are hidden.
type Field struct {
	Text   string
	Hidden int
}

// lineTime has a fixed width, so that columns stand below each other.
const lineTime = "2006-01-02T15:04:05.000000Z"

// String writes the line as it stands in a transcript, without its end.
func (l Line) String() string {
	head := l.At.UTC().Format(lineTime) + " " + string(l.Dir)
	switch l.Kind {
	case "":
		return strings.TrimRight(head+" "+l.Text, " ")
	case KindFrame, KindWildcard:
		fields := make([]string, len(l.Fields))
		for i, f := range l.Fields {
			fields[i] = f.String()
		}
		return head + " " + string(l.Kind) + " " + strings.Join(fields, "|")
	case KindDamaged, KindTruncated:
		return fmt.Sprintf("%s %s %d", head, l.Kind, l.Size)
	case KindNoise:
		var all strings.Builder
		for _, b := range l.Noise {
			if b == HiddenByte {
				all.WriteString(" ..")
			} else {
				fmt.Fprintf(&all, " %02x", b)
			}
		}
		return head + " noise" + all.String()
	}
	return head + " " + string(l.Kind)
}

// String writes the field with what would be misread escaped.
func (f Field) String() string {
	var all strings.Builder
	for _, b := range []byte(f.Text) {
		if b < 0x20 || b > 0x7E || strings.IndexByte(`|<\`, b) >= 0 {
			fmt.Fprintf(&all, `\x%02x`, b)
		} else {
			all.WriteByte(b)
		}
	}
	if f.Hidden > 0 {
		fmt.Fprintf(&all, "<%d>", f.Hidden)
	}
	return all.String()
}

// ParseLine reads a line of a transcript, without its end.
func ParseLine(text string) (Line, error) {
	at, rest, ok := strings.Cut(text, " ")
	when, err := time.Parse(lineTime, at)
	if !ok || err != nil {
		return Line{}, fmt.Errorf("%q is no line of a transcript: it begins with no time", printable(text, 60))
	}
	dir, rest, _ := strings.Cut(rest, " ")
	l := Line{At: when, Dir: Direction(dir)}
	switch l.Dir {
	case Noted:
		l.Text = rest
		return l, nil
	case Sent, Received:
	default:
		return Line{}, fmt.Errorf("%q is no direction: > and < and # are", printable(dir, 20))
	}
	kind, rest, _ := strings.Cut(rest, " ")
	l.Kind = LineKind(kind)
	if err := l.parse(rest); err != nil {
		return Line{}, fmt.Errorf("%s: %w", printable(kind, 20), err)
	}
	return l, nil
}

// parse reads what follows the kind.
func (l *Line) parse(rest string) error {
	switch l.Kind {
	case KindENQ, KindACK, KindNAK:
		if rest != "" {
			return errors.New("nothing can follow a control byte")
		}
		return nil
	case KindFrame, KindWildcard:
		for text := range strings.SplitSeq(rest, "|") {
			f, err := parseField(text)
			if err != nil {
				return err
			}
			l.Fields = append(l.Fields, f)
		}
		return nil
	case KindDamaged, KindTruncated:
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 || n > 2*maxFrame {
			return fmt.Errorf("%q is no number of bytes", printable(rest, 20))
		}
		l.Size = n
		return nil
	case KindNoise:
		for word := range strings.FieldsSeq(rest) {
			b, err := strconv.ParseUint(word, 16, 8)
			switch {
			case word == "..":
				l.Noise = append(l.Noise, HiddenByte)
			case err != nil:
				return fmt.Errorf("%q is no byte: two hexadecimal digits are, or ..", printable(word, 20))
			default:
				l.Noise = append(l.Noise, int(b))
			}
		}
		return nil
	}
	return errors.New("not known: ENQ, ACK, NAK, frame, wildcard, damaged, truncated and noise are")
}

func parseField(text string) (Field, error) {
	shown, hidden, any := strings.Cut(text, "<")
	var f Field
	if any {
		n, err := strconv.Atoi(strings.TrimSuffix(hidden, ">"))
		if err != nil || n < 1 || n > maxFrame || !strings.HasSuffix(hidden, ">") {
			return f, fmt.Errorf("%q: a number of hidden bytes is written <n>", printable(text, 40))
		}
		f.Hidden = n
	}
	var out bytes.Buffer
	for i := 0; i < len(shown); i++ {
		if shown[i] != '\\' {
			out.WriteByte(shown[i])
			continue
		}
		if len(shown) < i+4 || shown[i+1] != 'x' {
			return f, fmt.Errorf(`%q: a hidden sign is written \xNN`, printable(text, 40))
		}
		b, err := strconv.ParseUint(shown[i+2:i+4], 16, 8)
		if err != nil {
			return f, fmt.Errorf(`%q: a hidden sign is written \xNN`, printable(text, 40))
		}
		out.WriteByte(byte(b))
		i += 3
	}
	f.Text = out.String()
	return f, nil
}
