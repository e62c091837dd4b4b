package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each bad file gets exactly the committed words, place and caret.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 80 {
		t.Fatalf("%d bad files, %v", len(files), err)
	}
	// Version control keeps no more of a mode than whether a file can be run.
	for name, mode := range map[string]os.FileMode{"secret": 0o600, "empty": 0o600, "two-lines": 0o600, "no-pem": 0o644, "readable": 0o644,
		"token": 0o600, "page-password": 0o600, "page.key": 0o600, "other.key": 0o600} {
		if err := os.Chmod(filepath.Join("testdata", name), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Setenv("CREDENTIALS_DIRECTORY", "")
			l, problems := Load(file)
			if len(problems) == 0 {
				t.Error("no problems in a bad file")
			}
			got := Report(file, l, problems)
			for _, p := range problems {
				if p.Line == 0 || p.Column == 0 {
					t.Errorf("without a place: %s", p)
				}
			}
			if strings.Contains(got, "ThisMustNotShow") {
				t.Error("a secret shows")
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-golden +check)\n%s", diff)
			}
		})
	}
}
