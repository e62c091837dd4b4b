// Package password makes and checks what stands in a user's password file. It
// holds no password, only what one can be compared with, and so slowly that a
// stolen file gives little away.
package password

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// Shortest is how many characters a password has at least.
	Shortest = 10
	// longest bounds what a stranger can have us work on, in bytes.
	longest = 1024

	scheme = "pbkdf2-sha256"
	// rounds is what OWASP asks of PBKDF2 with SHA-256: a third of a second of
	// one core on a gateway.
	rounds     = 600_000
	mostRounds = 10_000_000 // a slip in the file must not stop the page for minutes
	saltBytes  = 16
	keyBytes   = 32
)

// ErrForm is what is wrong with a text that Hash has not made.
var ErrForm = errors.New("is not what edgeagent password writes")

// Hash is what a password can be compared with.
type Hash struct {
	rounds    int
	salt, key []byte
}

// Check says what is wrong with a password that somebody has chosen.
func Check(password string) error {
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password):
		return errors.New("the password is not in UTF-8")
	case n < Shortest:
		return fmt.Errorf("the password has %d characters, and at least %d are needed; four words that nobody puts together do well", n, Shortest)
	case len(password) > longest:
		return fmt.Errorf("the password has %d bytes, and at most %d are possible", len(password), longest)
	}
	return nil
}

// New makes the line for a password file.
func New(password string) (string, error) {
	if err := Check(password); err != nil {
		return "", err
	}
	salt := make([]byte, saltBytes)
	rand.Read(salt) // it never fails
	key, err := pbkdf2.Key(sha256.New, password, salt, rounds, keyBytes)
	if err != nil {
		return "", err
	}
	enc := base64.RawStdEncoding
	return fmt.Sprintf("%s$%d$%s$%s", scheme, rounds, enc.EncodeToString(salt), enc.EncodeToString(key)), nil
}

// Parse reads the line of a password file.
func Parse(line string) (Hash, error) {
	parts := strings.Split(strings.TrimSpace(line), "$")
	if len(parts) != 4 || parts[0] != scheme {
		return Hash{}, ErrForm
	}
	n, err := strconv.Atoi(parts[1])
	if err != nil || n < rounds || n > mostRounds {
		return Hash{}, ErrForm
	}
	h := Hash{rounds: n}
	var bad [2]error
	h.salt, bad[0] = base64.RawStdEncoding.DecodeString(parts[2])
	h.key, bad[1] = base64.RawStdEncoding.DecodeString(parts[3])
	if errors.Join(bad[:]...) != nil || len(h.salt) < saltBytes || len(h.key) != keyBytes {
		return Hash{}, ErrForm
	}
	return h, nil
}

// Nobody is a Hash that no password fits, and that takes as long to say so.
func Nobody() Hash {
	return Hash{rounds: rounds, salt: make([]byte, saltBytes)}
}

// Fits reports whether the password is the one. It takes its time.
func (h Hash) Fits(password string) bool {
	if h.rounds == 0 || len(password) > longest {
		return false
	}
	key, err := pbkdf2.Key(sha256.New, password, h.salt, h.rounds, keyBytes)
	return err == nil && subtle.ConstantTimeCompare(key, h.key) == 1
}
