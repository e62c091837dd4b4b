package keycard

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The bytes of the links.
const (
	stx      = 0x02
	etx      = 0x03
	enq      = 0x05
	ack      = 0x06
	nak      = 0x15
	wildcard = 0x0D // as check byte: "do not verify"
	sep      = 0xB3 // one raw byte; its UTF-8 form breaks the link
	rs       = 0x1E // VingCard's separator
)

// framing is how fields become a frame: STX, fields, ETX, check.
type framing struct {
	sep byte
	// edged: a separator stands before the first field and after the last, too.
	edged bool
	// hex: the check is two hexadecimal digits instead of one raw byte.
	hex bool
}

var (
	standardFraming = framing{sep: sep, edged: true} // Industry Standard link
	vingcardFraming = framing{sep: rs, hex: true}
)

// maxFrame bounds a frame in bytes between STX and ETX. Normal ones stay under 600.
const maxFrame = 8 << 10

// appendFrame appends a frame of the fields to dst. Fields must be printable
// ASCII: what stands above 0x7F is read differently by every lock system.
func (f *framing) appendFrame(dst []byte, fields ...string) ([]byte, error) {
	if len(fields) == 0 {
		return dst, errors.New("a frame needs at least one field")
	}
	start := len(dst)
	dst = append(dst, stx)
	for i, field := range fields {
		for _, b := range []byte(field) {
			if b < 0x20 || b > 0x7E {
				return dst[:start], fmt.Errorf("field %d holds byte %#02x: only printable ASCII can be sent", i, b)
			}
		}
		if f.edged || i > 0 {
			dst = append(dst, f.sep)
		}
		dst = append(dst, field...)
	}
	if f.edged {
		dst = append(dst, f.sep)
	}
	if len(dst)-start > maxFrame {
		return dst[:start], fmt.Errorf("frame of %d bytes: at most %d can be sent", len(dst)-start, maxFrame)
	}
	dst = append(dst, etx)
	sum := lrc(dst[start+1:])
	if f.hex {
		return fmt.Appendf(dst, "%02X", sum), nil
	}
	return append(dst, sum), nil
}

// lrc is the exclusive or of everything after STX up to and including ETX.
func lrc(b []byte) byte {
	var sum byte
	for _, x := range b {
		sum ^= x
	}
	return sum
}

// tokenKind says what a stretch of received bytes is.
type tokenKind string

const (
	kindControl   tokenKind = "control"   // ENQ, ACK or NAK
	kindFrame     tokenKind = "frame"     // a whole frame with a good check byte
	kindDamaged   tokenKind = "damaged"   // a whole frame, but its check byte or shape is wrong
	kindTruncated tokenKind = "truncated" // a frame that broke off or had no end
	kindNoise     tokenKind = "noise"     // a byte that means nothing
)

// token is one thing that the other side said.
type token struct {
	kind     tokenKind
	b        byte     // of control and noise
	fields   []string // of a frame; of a damaged one as far as they can be told
	wildcard bool     // the check byte was the wildcard
	size     int      // of a damaged or truncated frame: bytes between STX and ETX
}

func (t token) is(b byte) bool { return t.kind == kindControl && t.b == b }

// trimEmpty drops empty fields at the end, which either side may leave out.
func trimEmpty(fields []string) []string {
	for len(fields) > 1 && fields[len(fields)-1] == "" {
		fields = fields[:len(fields)-1]
	}
	return fields
}

func sameFields(a, b []string) bool { return slices.Equal(trimEmpty(a), trimEmpty(b)) }

// printable keeps what can be shown of a text from the wire, at most limit bytes of it.
func printable(text string, limit int) string {
	clean := strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7E {
			return '?'
		}
		return r
	}, text)
	return clean[:min(len(clean), limit)]
}
