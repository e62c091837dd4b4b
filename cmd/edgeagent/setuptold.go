package main

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/rs/zerolog"
)

const (
	// codeSigns are those that nobody takes for another, 31 of them.
	codeSigns = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
	// codeLength gives 39 bits, of which the page lets somebody try 1,200 an hour.
	codeLength = 8
	// codeLine begins the line of the code in the files that tell it.
	codeLine = "Setup code:"
)

// setupCode is the code that one of the files has already, else a new one; then why
// says what is wrong with the code that is there, if one is.
func setupCode(files []string) (code, why string) {
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || !info.Mode().IsRegular() || info.Size() > 64<<10 {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		// Windows writes a mark before the text, or two bytes for each sign.
		plain := strings.NewReplacer("\x00", "", "\ufeff", "", "\xff\xfe", "").Replace(string(text))
		for line := range strings.Lines(plain) {
			line = strings.TrimSpace(line)
			if len(line) < len(codeLine) || !strings.EqualFold(line[:len(codeLine)], codeLine) {
				continue
			}
			code = strings.TrimSpace(line[len(codeLine):])
			n := utf8.RuneCountInString(strings.NewReplacer(" ", "", "-", "").Replace(code))
			if n >= codeLength {
				return code, ""
			}
			why = fmt.Sprintf("The code that stood in %s has %d characters, and one that nobody guesses has at least %d: this one counts.", filepath.Base(file), n, codeLength)
		}
	}
	return newCode(), why
}

func newCode() string {
	code := make([]byte, 0, codeLength+1)
	for len(code) < codeLength+1 {
		var one [1]byte
		rand.Read(one[:]) // it never fails
		if n := int(one[0]) & 31; n < len(codeSigns) {
			code = append(code, codeSigns[n])
		}
		if len(code) == codeLength/2 {
			code = append(code, '-')
		}
	}
	return string(code)
}

// fingerprintOf is the SHA-256 of a certificate, as browsers show it.
func fingerprintOf(der []byte) string {
	sum := sha256.Sum256(der)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}

// setupNotice is what only whoever is at the gateway gets to know: on its console, and in
// files. The code goes into no log.
type setupNotice struct {
	files             []string
	out               io.Writer
	log               zerolog.Logger
	code, fingerprint string
	why               string // that the code is another than somebody wanted
	page              func() []string
	said              []string // the addresses that were told
}

func (t *setupNotice) text() string {
	where := "  (no address yet: plug the network in)\n"
	if len(t.said) > 0 {
		where = "  " + strings.Join(t.said, "\n  ") + "\n"
	}
	why := ""
	if t.why != "" {
		why = "  " + t.why + "\n"
	}
	return fmt.Sprintf("\nThis gateway is not set up yet. Open its page in a browser on the same network:\n%s%s %s\n%sSHA-256 of the page's certificate, which the browser warns of:\n  %s\n\n",
		where, codeLine, t.code, why, halves(t.fingerprint))
}

// halves cuts a fingerprint in two lines, for narrow screens.
func halves(fingerprint string) string {
	middle := len(fingerprint)/2 + 1
	return fingerprint[:middle] + "\n  " + fingerprint[middle:]
}

// tell says it. That one of the files cannot be written keeps nobody from the page.
func (t *setupNotice) tell() error {
	t.said = t.page()
	fmt.Fprint(t.out, t.text())
	var errs []error
	for _, file := range t.files {
		if err := show(file, t.text()); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == len(t.files) {
		return errors.Join(errs...)
	}
	for _, err := range errs {
		t.log.Warn().Err(err).Msg("the setup code is not told there")
	}
	return nil
}

// show writes a text into a file, or onto a terminal.
func show(file, text string) error {
	if !isTerminal(file) {
		return putFile(file, []byte(text), 0o600)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_ = f.SetWriteDeadline(time.Now().Add(showLimit)) // where a line stands still
	_, err = io.WriteString(f, strings.ReplaceAll(text, "\n", "\r\n"))
	return err
}

// showLimit bounds the wait for a terminal.
const showLimit = 5 * time.Second

func isTerminal(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// again tells it anew when the addresses have changed.
func (t *setupNotice) again() error {
	if slices.Equal(t.said, t.page()) {
		return nil
	}
	return t.tell()
}

// forget removes the files.
func (t *setupNotice) forget() {
	for _, file := range t.files {
		if isTerminal(file) {
			continue
		}
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.log.Warn().Err(err).Msg("the setup code stays there")
		}
	}
}

// where says where the code stands, for the page.
func (t *setupNotice) where() string {
	text := "on the gateway's screen"
	for _, file := range slices.Backward(t.files) {
		if !isTerminal(file) {
			return text + ", and in the file " + filepath.Base(file)
		}
	}
	return text
}
