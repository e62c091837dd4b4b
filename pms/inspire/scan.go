package inspire

import (
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

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

// plainEnd is where the run of ordinary bytes from i on ends, and whether all
// of it was ASCII.
func plainEnd(data []byte, i int) (int, bool) {
	ascii := true
	for ; i < len(data); i++ {
		c := data[i]
		if c == '"' || c == '\\' || c < 0x20 {
			break
		}
		if c >= utf8.RuneSelf {
			ascii = false
		}
	}
	return i, ascii
}

// str reads a string's content, the position being on its opening quote. What
// is not UTF-8 becomes U+FFFD, byte by byte, as encoding/json has it.
func (s *scanner) str() []byte {
	start := s.pos + 1
	i, ascii := plainEnd(s.data, start)
	if i < len(s.data) && s.data[i] == '"' {
		s.pos = i + 1
		if text := s.data[start:i]; ascii || utf8.Valid(text) {
			return text
		}
		return []byte(string([]rune(string(s.data[start:i]))))
	}
	from := len(s.scratch)
	s.pos = start
	for s.err == nil {
		i, ascii = plainEnd(s.data, s.pos)
		if run := s.data[s.pos:i]; ascii || utf8.Valid(run) {
			s.scratch = append(s.scratch, run...)
		} else {
			s.scratch = append(s.scratch, string([]rune(string(run)))...)
		}
		s.pos = i
		switch s.at() {
		case '"':
			s.pos++
			return s.scratch[from:len(s.scratch):len(s.scratch)]
		case '\\':
			s.escape()
		default:
			s.fail(errSyntax)
		}
	}
	return nil
}

const escapes = "\"\\/bfnrt"

func (s *scanner) escape() {
	s.pos++
	c := s.at()
	s.pos++
	switch c {
	case '"', '\\', '/':
		s.scratch = append(s.scratch, c)
	case 'b':
		s.scratch = append(s.scratch, '\b')
	case 'f':
		s.scratch = append(s.scratch, '\f')
	case 'n':
		s.scratch = append(s.scratch, '\n')
	case 'r':
		s.scratch = append(s.scratch, '\r')
	case 't':
		s.scratch = append(s.scratch, '\t')
	case 'u':
		r := s.hex4()
		if utf16.IsSurrogate(r) {
			back := s.pos
			low := rune(-1)
			if s.at() == '\\' && s.pos+1 < len(s.data) && s.data[s.pos+1] == 'u' {
				s.pos += 2
				low = s.hex4()
			}
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				r = pair
			} else if r = utf8.RuneError; s.err == nil {
				s.pos = back
			}
		}
		s.scratch = utf8.AppendRune(s.scratch, r)
	default:
		s.fail(errSyntax)
	}
}

func (s *scanner) hex4() rune {
	if len(s.data)-s.pos < 4 {
		s.fail(errSyntax)
		return -1
	}
	var r rune
	for _, c := range s.data[s.pos : s.pos+4] {
		switch {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			s.fail(errSyntax)
			return -1
		}
	}
	s.pos += 4
	return r
}

// skipString passes over a string without unescaping it.
func (s *scanner) skipString() {
	i, _ := plainEnd(s.data, s.pos+1)
	for i < len(s.data) && s.data[i] == '\\' {
		i++
		if i >= len(s.data) {
			break
		}
		if s.data[i] == 'u' {
			s.pos = i + 1
			if s.hex4(); s.err != nil {
				return
			}
			i = s.pos
		} else if indexByte(escapes, s.data[i]) {
			i++
		} else {
			s.fail(errSyntax)
			return
		}
		i, _ = plainEnd(s.data, i)
	}
	if i >= len(s.data) || s.data[i] != '"' {
		s.fail(errSyntax)
		return
	}
	s.pos = i + 1
}

func indexByte(set string, c byte) bool {
	for i := range len(set) {
		if set[i] == c {
			return true
		}
	}
	return false
}
