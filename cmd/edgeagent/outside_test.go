package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Each file of a known name is a condition for as long as it is there.
func TestConditionsFromOutside(t *testing.T) {
	t.Setenv(outsideFolder, "")
	if got := outside(); got != nil {
		t.Error(got)
	}
	folder := t.TempDir()
	t.Setenv(outsideFolder, folder)
	if got := outside(); got != nil {
		t.Error(got)
	}
	for name, text := range map[string]string{
		"stepped-back": "2 did not hold\n", "backup-failed": strings.Repeat("full ", 1000), "update-failed": " \n", "slot-trial": "2\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got := outside()
	if len(got) != 2 || got[0].Code != "stepped-back" || got[0].Text != "2 did not hold" || time.Since(got[0].Since) > time.Minute {
		t.Fatalf("%+v", got)
	}
	if got[1].Code != "backup-failed" || len(got[1].Text) > 1000 {
		t.Errorf("%+v", got[1])
	}
	if err := os.Remove(filepath.Join(folder, "stepped-back")); err != nil {
		t.Fatal(err)
	}
	if got := outside(); len(got) != 1 || got[0].Code != "backup-failed" {
		t.Errorf("%+v", got)
	}
}
