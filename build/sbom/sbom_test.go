package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The whole document, byte for byte: tools of others read it.
func TestBill(t *testing.T) {
	info := &buildinfo.BuildInfo{
		GoVersion: "go1.26.0", Main: debug.Module{Path: "edgeagent", Version: "(devel)"},
		Deps: []*debug.Module{
			{Path: "example.org/old", Version: "v1.0.0", Replace: &debug.Module{Path: "example.org/new", Version: "v1.2.0+incompatible", Sum: "h1:new"}},
			{Path: "example.org/a", Version: "v0.1.0", Sum: "h1:a"},
		},
		Settings: []debug.BuildSetting{
			{Key: "GOARCH", Value: "arm64"}, {Key: "-ldflags", Value: "-s -w"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"}, {Key: "-tags", Value: "x"},
		},
	}
	licence := func(path, _ string) string {
		return map[string]string{"example.org/a": "MIT", "std": "BSD-3-Clause"}[path]
	}
	got, err := json.MarshalIndent(bill(info, sha256.Sum256(nil), "1.0+g1", licence), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/bill.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// This test is a program that Go has built: its bill is the same twice, and has the
// licence of Go's own library.
func TestOwnBill(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := lay(t, map[string]string{"go/LICENSE": "Redistribution and use in source and\nbinary forms\n ... endorse or promote products"})
	var one, two bytes.Buffer
	for _, out := range []*bytes.Buffer{&one, &two} {
		if err := run(out, "1.0", p, []string{self}); err != nil {
			t.Fatal(err)
		}
	}
	if one.String() != two.String() {
		t.Error("not the same twice")
	}
	var d document
	if err := json.Unmarshal(one.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(d.Serial) {
		t.Errorf("serial number %s", d.Serial)
	}
	if len(d.Components) == 0 || d.Components[0].Name != "std" || len(d.Components[0].Licenses) != 1 || d.Components[0].Licenses[0].License.ID != "BSD-3-Clause" {
		t.Errorf("%+v", d.Components)
	}
}

// lay makes a module cache and a Go of files below cache and go.
func lay(t *testing.T, files map[string]string) places {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return places{filepath.Join(root, "cache"), filepath.Join(root, "go")}
}

func TestLicence(t *testing.T) {
	p := lay(t, map[string]string{
		"cache/github.com/!victoria!metrics/metrics@v1.0.0/LICENSE": "Permission is hereby granted, free of charge, to\n... THE SOFTWARE IS PROVIDED",
		"cache/example.org/a@v1.0.0/LICENSE.txt":                    "Apache License\n   Version 2.0, January 2004",
		"cache/example.org/b@v1.0.0/COPYING":                        "Redistribution and use in source and binary forms",
		"cache/example.org/c@v1.0.0/LICENSE":                        "you may read this",
	})
	for path, want := range map[string]string{
		"github.com/VictoriaMetrics/metrics": "MIT", "example.org/a": "Apache-2.0", "example.org/b": "BSD-2-Clause", "example.org/c": "", "example.org/d": "", "std": "",
	} {
		if got := p.licence(path, "v1.0.0"); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no program"), 0o644); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"say which program it is about, with -version, -modcache and -goroot before it":                                                                nil,
		text + ": could not read Go build info from " + text + ": unrecognized file format; only programs that Go has built say what they are made of": {text},
	} {
		if err := run(&bytes.Buffer{}, "1.0", places{"c", "g"}, args); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
