package wifi

import (
	"crypto/rand"
	"crypto/sha256"
	"regexp"
)

// What a guest types, where we choose it: no letter or digit that is taken for
// another, and lower case only, because some portals fold case.
const (
	codeAlphabet = "23456789abcdefghjkmnpqrstuvwxyz" // 31 characters
	codeLength   = 8                                 // 39 bits
)

var codeFormatOfOurs = regexp.MustCompile(`^[` + codeAlphabet + `]{` + "8" + `}$`)

// newCode is a secret that nobody can guess.
func newCode() string {
	code := make([]byte, 0, codeLength)
	for len(code) < codeLength {
		var b [16]byte
		_, _ = rand.Read(b[:]) // it never fails: crypto/rand
		for _, x := range b {
			// 248 is the greatest multiple of 31 in a byte: all letters are as likely.
			if x < 248 && len(code) < codeLength {
				code = append(code, codeAlphabet[x%31])
			}
		}
	}
	return string(code)
}

// code is the secret of a stay: the one that its guest was told, so that a
// reinstated stay gets the same one back, else a new one.
func (s Stay) code() string {
	if told := s.Known["code"]; codeFormatOfOurs.MatchString(told) {
		return told
	}
	return newCode()
}

// userName is the account's name of a stay, where we choose it. It follows from
// the stay alone, so that it is found again whatever was lost; it does not say
// who the guest is, nor where.
func (s Stay) userName() string {
	sum := sha256.Sum256([]byte("user " + s.Key))
	name := make([]byte, codeLength)
	for i := range name {
		name[i] = codeAlphabet[int(sum[i])%len(codeAlphabet)]
	}
	return string(name)
}
