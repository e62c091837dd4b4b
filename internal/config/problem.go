package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong in a property file.
type Problem struct {
	File         string
	Line, Column int // from 1; 0 when it has no place
	Message      string
	// Source is the line itself.
	Source string
	// Warning marks what does not keep the agent from starting: something that is
	// missing for now, such as an unplugged adapter, or a rule that is doubtful.
	Warning bool
}

// String is the problem on one line, with its place.
func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.File, p.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// Problems are all that is wrong, in the order of the file.
type Problems []Problem

// Fatal reports whether any of them keeps the agent from starting.
func (ps Problems) Fatal() bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return !p.Warning })
}

// Render is the list as check prints it: each with its line and a caret.
func (ps Problems) Render() string {
	var b strings.Builder
	for _, p := range ps {
		fmt.Fprintln(&b, p)
		if p.Line == 0 || p.Source == "" {
			continue
		}
		number := fmt.Sprint(p.Line)
		fmt.Fprintf(&b, "  %s | %s\n", number, p.Source)
		fmt.Fprintf(&b, "  %s | %s^\n", strings.Repeat(" ", len(number)), strings.Repeat(" ", max(p.Column-1, 0)))
	}
	return b.String()
}

func (ps Problems) sort() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.CompactFunc(ps, func(a, b Problem) bool { return a == b })
}
