package config

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"
)

// seed is the form of a secret that signs keys.
var seed = regexp.MustCompile(`^[0-9A-Fa-f]{64}$`)

// keyAndSecret is the one secret of two lines: an API key as OPNsense lets it
// be downloaded.
var keyAndSecret = regexp.MustCompile(`^(\x{FEFF})?\s*(key=[^\r\n]+\s+secret=[^\r\n]+|secret=[^\r\n]+\s+key=[^\r\n]+)\s*$`)

// contentProblem says what is wrong with the content of a file that can be
// read, "" if nothing. It shows none of it.
func contentProblem(key, full, shown string) string {
	text, err := os.ReadFile(full)
	switch what := holds[key]; {
	case err != nil:
		return fmt.Sprintf("the file %s cannot be read: %v", shown, reason(err))
	case what != "" && !hasPEM(text, what):
		return fmt.Sprintf("the file %s holds no %s in PEM form; it must have a line -----BEGIN %s-----, is it another file or in another form (DER)?", shown, what, strings.ToUpper(what))
	case what != "":
		return ""
	}
	if !keyAndSecret.Match(text) && (!utf8.Valid(text) || bytes.ContainsRune(text, 0) || bytes.HasPrefix(text, []byte("\uFEFF"))) {
		return fmt.Sprintf("the file %s is not plain text, as some editors save it (with a byte order mark, or in UTF-16); save it as UTF-8 without BOM", shown)
	}
	lines := 0
	for line := range strings.Lines(string(text)) {
		if strings.TrimSpace(line) != "" {
			lines++
		}
	}
	switch {
	case lines == 0:
		return fmt.Sprintf("the file %s is empty; put the value into it", shown)
	case lines > 1 && (key != "api_key_file" || !keyAndSecret.Match(text)):
		return fmt.Sprintf("the file %s has %d lines, and a secret is one; leave only the value in it", shown, lines)
	case key == "signing_key_file" && !seed.MatchString(strings.TrimSpace(string(text))):
		return fmt.Sprintf("the file %s holds no Ed25519 seed; write 64 hexadecimal digits into it, as openssl rand -hex 32 makes them", shown)
	}
	return ""
}

// hasPEM reports whether a text has what is wanted in PEM form.
func hasPEM(text []byte, what string) bool {
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return false
		}
		if strings.HasSuffix(block.Type, strings.ToUpper(what)) {
			if what != "certificate" {
				return true
			}
			if _, err := x509.ParseCertificate(block.Bytes); err == nil {
				return true
			}
		}
		text = rest
	}
}
