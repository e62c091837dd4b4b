package locksim

import (
	"fmt"
	"strings"
)

// violationMark begins the note of a violation.
const violationMark = "violation: "

// violation writes down what the other end did against the rules of the link.
// Damaged bytes are nobody's fault: nothing is written down on a line that
// damages them.
func (p *Port) violation(format string, args ...any) {
	if st := p.now(); st.in > 0 || st.out > 0 {
		return
	}
	p.record(Note, nil, violationMark+fmt.Sprintf(format, args...))
}

// Violations returns the lines of the transcript that tell what the other end
// did against the rules of the link, oldest first: damaged, malformed or broken
// frames, bytes outside of frames, a frame while another is at work or before
// an enquiry was answered ACK where the family wants one, results that are not
// acknowledged where they are to be, control bytes that nobody waits for, and
// each command that ends in a syntax error, with the reason.
func (s *System) Violations() []Line {
	var out []Line
	for _, l := range s.Transcript() {
		if text, ok := strings.CutPrefix(l.Note, violationMark); ok {
			l.Note = text
			out = append(out, l)
		}
	}
	return out
}
