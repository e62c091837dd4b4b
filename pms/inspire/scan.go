package inspire

import "errors"

var (
	errSyntax = errors.New("not well-formed JSON")
	errDeep   = errors.New("JSON nested too deep")
)

// maxDepth is far beyond any real frame and keeps a hostile one off the stack.
const maxDepth = 64

// scanner walks over one JSON text without building anything. It is strict
// about JSON and indifferent to what the text means. The first error sticks:
// after it every method returns at once, so callers check once at the end.
//
// Byte slices it hands out point into the text or into scratch and are good
// until the next reset.
type scanner struct {
	data    []byte
	pos     int
	depth   int
	err     error
	scratch []byte // unescaped strings of this text, one after the other
}

func (s *scanner) reset(data []byte) {
	*s = scanner{data: data, scratch: s.scratch[:0]}
}

func (s *scanner) fail(err error) {
	if s.err == nil {
		s.err = err
	}
	s.pos = len(s.data)
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// end reports whether nothing but white space is left.
func (s *scanner) end() bool { return s.err == nil && s.peek() == 0 && s.pos >= len(s.data) }

// enter steps into an object ('{') or array ('['). Anything else is skipped
// and gives false.
func (s *scanner) enter(open byte) bool {
	if s.peek() != open {
		s.skip()
		return false
	}
	s.pos++
	if s.depth++; s.depth > maxDepth {
		s.fail(errDeep)
		return false
	}
	return true
}

// more moves to member i (from 0) of an object or array that ends with close;
// false at its end.
func (s *scanner) more(i int, end byte) bool {
	c := s.peek()
	switch {
	case s.err != nil:
		return false
	case c == end:
		s.pos++
		s.depth--
		return false
	case i == 0:
		return true
	case c != ',':
		s.fail(errSyntax)
		return false
	}
	s.pos++
	return true
}

// member moves to member i of an object and returns its key; false at the end.
func (s *scanner) member(i int) ([]byte, bool) {
	if !s.more(i, '}') {
		return nil, false
	}
	if s.peek() != '"' {
		s.fail(errSyntax)
		return nil, false
	}
	key := s.str()
	if s.peek() != ':' {
		s.fail(errSyntax)
		return nil, false
	}
	s.pos++
	return key, s.err == nil
}

// item moves to item i of an array; false at the end.
func (s *scanner) item(i int) bool { return s.more(i, ']') }

// skip passes over one value of any kind.
func (s *scanner) skip() {
	switch c := s.peek(); {
	case c == '"':
		s.skipString()
	case c == '{':
		s.enter('{')
		for i := 0; ; i++ {
			if !s.more(i, '}') {
				return
			}
			if s.peek() != '"' {
				s.fail(errSyntax)
				return
			}
			s.skipString()
			if s.peek() != ':' {
				s.fail(errSyntax)
				return
			}
			s.pos++
			s.skip()
		}
	case c == '[':
		s.enter('[')
		for i := 0; s.item(i); i++ {
			s.skip()
		}
	default:
		s.bare()
	}
}

// scalar reads one value as text: a string's content, a number or a truth
// value as it stands, nothing for null. Objects and arrays are skipped.
func (s *scanner) scalar() []byte {
	switch c := s.peek(); c {
	case '"':
		return s.str()
	case '{', '[':
		s.skip()
		return nil
	case 'n':
		s.bare()
		return nil
	default:
		return s.bare()
	}
}

// bare reads a number or a literal.
func (s *scanner) bare() []byte {
	start := s.pos
	switch c := s.peek(); {
	case c == 't':
		start = s.pos
		s.literal("true")
	case c == 'f':
		start = s.pos
		s.literal("false")
	case c == 'n':
		start = s.pos
		s.literal("null")
	case c == '-' || isDigit(c):
		start = s.pos
		s.number()
	default:
		s.fail(errSyntax)
	}
	if s.err != nil {
		return nil
	}
	return s.data[start:s.pos]
}

func (s *scanner) literal(word string) {
	if len(s.data)-s.pos < len(word) || string(s.data[s.pos:s.pos+len(word)]) != word {
		s.fail(errSyntax)
		return
	}
	s.pos += len(word)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (s *scanner) at() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func (s *scanner) digits() {
	if !isDigit(s.at()) {
		s.fail(errSyntax)
		return
	}
	for isDigit(s.at()) {
		s.pos++
	}
}

func (s *scanner) number() {
	if s.at() == '-' {
		s.pos++
	}
	if s.at() == '0' {
		s.pos++
	} else {
		s.digits()
	}
	if s.at() == '.' {
		s.pos++
		s.digits()
	}
	if c := s.at(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.at(); c == '+' || c == '-' {
			s.pos++
		}
		s.digits()
	}
}
