package locksim

import (
	"fmt"
	"slices"
	"time"
)

// Direction of a line of the transcript, seen from the lock system.
type Direction string

// The directions.
const (
	In   Direction = "<" // from the agent
	Out  Direction = ">" // to the agent
	Lost Direction = "x" // was to go out, and nobody was there
	Note Direction = "#" // what happened on the line or to it
)

// Line is one line of the transcript: bytes as they were on the wire, or a note.
type Line struct {
	At    time.Time
	Port  string
	Dir   Direction
	Bytes []byte
	Note  string
}

// String prints a line for people: time, port, direction, hex.
func (l Line) String() string {
	if l.Dir == Note {
		return fmt.Sprintf("%s %s # %s", l.At.Format("15:04:05.000"), l.Port, l.Note)
	}
	return fmt.Sprintf("%s %s %s % X", l.At.Format("15:04:05.000"), l.Port, l.Dir, l.Bytes)
}

// maxLines bounds the transcript; the oldest half is dropped beyond it.
const maxLines = 200_000

// Transcript returns every byte of every port, in order, with its time.
func (s *System) Transcript() []Line {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lines)
}

func (p *Port) record(dir Direction, b []byte, note string) {
	s, name := p.sys, p.Name()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lines) >= maxLines {
		s.lines = slices.Clone(s.lines[maxLines/2:])
	}
	s.lines = append(s.lines, Line{At: s.cfg.Clock.Now(), Port: name, Dir: dir, Bytes: slices.Clone(b), Note: note})
	s.change()
}
