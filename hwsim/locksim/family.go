package locksim

import "fmt"

// Family is the language of a port.
type Family string

// The families.
const (
	// SALTO is the "Industry Standard" link as SALTO ProAccess SPACE speaks it:
	// encoders have names, dates have minutes. It is what "" means.
	SALTO Family = "salto"
	// Onity is the same link as the encoders of Onity (TESA) speak it: encoders
	// have numbers, dates have hours, authorisations are digits.
	Onity Family = "onity"
	// VingCard is the RS-232 link of Vision, DaVinci, 2100 and 2800.
	VingCard Family = "vingcard"
)

// dialect is what differs between the families: the bytes of a frame, and what
// is made of its fields. In each of them a message is a list of fields, first
// the command or the answer, then the encoder.
type dialect struct {
	family Family
	checks int // bytes after ETX
	// sound verifies a frame's check; strict refuses the wildcard.
	sound func(t token, strict bool) bool
	// seal is the check that fits a body.
	seal func(body []byte) []byte
	// open takes the fields out of a frame's body; false if there are none.
	open   func(body []byte) ([]string, bool)
	render func(fields []string, sh shape) []byte
	// malformed is what a sound frame without fields counts as.
	malformed []string
	// unknown says whether no command has that name, and what becomes of it.
	unknown func(command string) (bool, Unknown)
	// read checks a command as strictly as the lock system does.
	read func(s *System, fields []string) (j job, code, wrong string)
	// answer makes the fields of the reply out of a result or a code of the house.
	answer func(j job, fields, result []string, code string) []string

	acked  bool // each result is to be answered with ACK
	asks   bool // each frame follows an ENQ that was answered ACK
	echoes bool // a result names its command
}

func (s *System) dialect(f Family) (*dialect, error) {
	switch f {
	case "", SALTO:
		return industry(SALTO, saltoLimits()), nil
	case Onity:
		return industry(Onity, onityLimits(s.cfg.Onity)), nil
	case VingCard:
		return vingcard(), nil
	}
	return nil, fmt.Errorf("no lock system speaks %q: choose %s, %s or %s", f, SALTO, Onity, VingCard)
}

// industry is the Industry Standard link within the limits of one brand.
func industry(f Family, lim *limits) *dialect {
	return &dialect{
		family: f, checks: 1,
		sound: func(t token, strict bool) bool {
			return t.check[0] == lrc(t.body) || t.check[0] == anyLRC && !strict
		},
		seal: func(body []byte) []byte { return []byte{lrc(body)} },
		open: open, render: render, malformed: []string{"", ""},
		unknown: func(command string) (bool, Unknown) {
			verb, _ := lim.split(command)
			return verb == "", lim.unknown
		},
		read: lim.read,
		answer: func(j job, fields, result []string, code string) []string {
			if code != "" {
				return refusal(code, at(fields, 1))
			}
			return append([]string{j.command, at(fields, 1)}, result...)
		},
		echoes: true,
	}
}
