package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// Whatever a property file holds, Parse ends soon, without a panic, with
// places that exist and messages that fit a line.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "../../docs/property.sample.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l, problems := Parse("p.yaml", text)
		if l == nil && !problems.Fatal() {
			t.Fatal("neither a property nor a problem")
		}
		if l != nil && (l.Zone == nil || !l.Status.Loopback() && (!l.Status.TLS() || len(l.Status.Users) == 0)) {
			t.Fatalf("a property without zone, or with the page at %q", l.Status.Listen)
		}
		lines := strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
		for _, p := range problems {
			if p.Line < 0 || p.Line > len(lines) || p.Line > 0 && p.Column < 1 || p.Line == 0 && p.Column != 0 {
				t.Errorf("%v: no such place", p)
			}
			if p.Message == "" || strings.ContainsFunc(p.Message, unicode.IsControl) {
				t.Errorf("message %q", p.Message)
			}
		}
		if n := strings.Count(problems.Render(), "\n"); n > 3*(maxProblems+1) {
			t.Errorf("%d lines of problems", n)
		}
	})
}
