package locksim

import (
	"bytes"
	"fmt"
	"strconv"
)

// recordSep comes before each field of VingCard's link, which begins with a letter.
const recordSep = 0x1E

// pmsAddress is the hotel's software on VingCard's link; encoders are 01 to 99.
const pmsAddress = "00"

// renderVing makes a frame from an encoder to the hotel's software: destination,
// source, answer, fields, and the check as two upper-case hex digits. It knows
// neither a wildcard nor a separator at the end.
func renderVing(fields []string, sh shape) []byte {
	body := []byte(pmsAddress + at(fields, 1) + at(fields, 0))
	for _, f := range fields[min(2, len(fields)):] {
		body = append(append(body, recordSep), f...)
	}
	c := lrc(body)
	if sh.badLRC {
		c ^= 0xFF
	}
	out := append([]byte{stx}, body...)
	return append(append(out, etx), hexPair(c)...)
}

func hexPair(c byte) []byte { return fmt.Appendf(nil, "%02X", c) }

// soundVing verifies the check; there is no wildcard, and no lower case.
func soundVing(t token, _ bool) bool { return bytes.Equal(t.check, hexPair(lrc(t.body))) }

// openVing takes the fields out of a frame to an encoder: the command letter,
// the encoder's two digits, then each field with its letter.
func openVing(body []byte) (fields []string, ok bool) {
	parts := bytes.Split(body, []byte{recordSep})
	head := parts[0]
	if len(head) != 5 || string(head[2:4]) != pmsAddress || !digits(string(head[:2])) {
		return nil, false
	}
	fields = []string{string(head[4:]), string(head[:2])}
	for _, p := range parts[1:] {
		if len(p) == 0 {
			return nil, false
		}
		fields = append(fields, string(p))
	}
	return fields, true
}

// digits says whether v holds nothing but decimal digits.
func digits(v string) bool {
	for i := range len(v) {
		if v[i] < '0' || v[i] > '9' {
			return false
		}
	}
	return v != ""
}

// house is the name of the encoder with a two-digit address: 01 is "1".
func house(address string) string {
	n, err := strconv.Atoi(address)
	if err != nil || n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
