package password

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

func TestOnlyTheRightPasswordFits(t *testing.T) {
	const right = "correct horse bättery"
	line, err := New(right)
	if err != nil {
		t.Fatal(err)
	}
	h, err := Parse(line + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if !h.Fits(right) {
		t.Error("the right password does not fit")
	}
	for _, wrong := range []string{"", "correct horse battery", right + " ", strings.Repeat("x", longest+1)} {
		if h.Fits(wrong) {
			t.Errorf("%.30q fits", wrong)
		}
	}
	if other, _ := New(right); other == line {
		t.Error("two files of one password are the same: there is no salt")
	}
	if strings.Contains(line, "horse") || !strings.HasPrefix(line, "pbkdf2-sha256$600000$") {
		t.Errorf("the line is %q", line)
	}
	if (Hash{}).Fits("") || Nobody().Fits("") {
		t.Error("a password fits nobody")
	}
}

func TestPasswordsThatAreRefused(t *testing.T) {
	for password, want := range map[string]string{
		"short":                   "the password has 5 characters, and at least 10 are needed; four words that nobody puts together do well",
		"nine lées":               "the password has 9 characters, and at least 10 are needed; four words that nobody puts together do well",
		"\xff\xfe0123456789":      "the password is not in UTF-8",
		strings.Repeat("x", 1025): "the password has 1025 bytes, and at most 1024 are possible",
	} {
		if _, err := New(password); err == nil || err.Error() != want {
			t.Errorf("%.20q: %v", password, err)
		}
	}
}

// RFC 7914, section 11, has PBKDF2 with SHA-256; the key there is of 64 bytes,
// whose first 32 are the same.
func TestIsPBKDF2(t *testing.T) {
	h := Hash{rounds: 80000, salt: []byte("NaCl"), key: []byte("\x4d\xdc\xd8\xf6\x0b\x98\xbe\x21\x83\x0c\xee\x5e\xf2\x27\x01\xf9\x64\x1a\x44\x18\xd0\x4c\x04\x14\xae\xff\x08\x87\x6b\x34\xab\x56")}
	if !h.Fits("Password") {
		t.Error("not what the RFC says")
	}
}

func TestLinesThatAreNone(t *testing.T) {
	salt, key := base64.RawStdEncoding.EncodeToString(make([]byte, 16)), base64.RawStdEncoding.EncodeToString(make([]byte, 32))
	if _, err := Parse(fmt.Sprintf("pbkdf2-sha256$600000$%s$%s", salt, key)); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"", "my password", "pbkdf2-sha256$600000$" + salt, "bcrypt$600000$" + salt + "$" + key,
		"pbkdf2-sha256$1000$" + salt + "$" + key, "pbkdf2-sha256$99999999$" + salt + "$" + key, "pbkdf2-sha256$x$" + salt + "$" + key,
		"pbkdf2-sha256$600000$$" + key, "pbkdf2-sha256$600000$" + salt + "$", "pbkdf2-sha256$600000$!" + salt + "$" + key,
		"pbkdf2-sha256$600000$" + salt + "$" + key + "A",
	} {
		if _, err := Parse(line); err != ErrForm {
			t.Errorf("%q: %v", line, err)
		}
	}
}
