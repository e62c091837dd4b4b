package inspire

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// plainEnd is where the run of ordinary bytes from i on ends, and whether all
// of it was ASCII.
func plainEnd(data []byte, i int) (int, bool) {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	ascii := true
	for i+8 <= len(data) { // eight bytes at a time while all of them are ordinary ASCII
		w := binary.LittleEndian.Uint64(data[i:])
		quote, back := w^('"'*ones), w^('\\'*ones)
		if ((quote-ones)&^quote|(back-ones)&^back|(w-' '*ones)&^w|w)&tops != 0 {
			break
		}
		i += 8
	}
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
