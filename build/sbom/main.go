// Command sbom writes the bill of materials of a Go program in CycloneDX 1.6 JSON
// (https://cyclonedx.org/docs/1.6/json/): what the linker noted in the program
// itself, and the licences of the modules as they lie in the module cache. The same
// program gives the same bytes.
//
//	sbom -version VERSION -modcache "$(go env GOMODCACHE)" -goroot "$(go env GOROOT)" PROGRAM
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	version := flag.String("version", "", "version of the program, as its package has it")
	cache := flag.String("modcache", "", "folder of the module cache")
	goroot := flag.String("goroot", "", "folder of Go itself")
	flag.Parse()
	if err := run(os.Stdout, *version, places{*cache, *goroot}, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, version string, p places, args []string) error {
	if len(args) != 1 || version == "" || p.cache == "" || p.goroot == "" {
		return fmt.Errorf("say which program it is about, with -version, -modcache and -goroot before it")
	}
	program, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	info, err := buildinfo.ReadFile(args[0])
	if err != nil {
		return fmt.Errorf("%s: %w; only programs that Go has built say what they are made of", args[0], err)
	}
	text, err := json.MarshalIndent(bill(info, sha256.Sum256(program), version, p.licence), "", "  ")
	if err != nil {
		return err
	}
	_, err = out.Write(append(text, '\n'))
	return err
}

// places are the folders that modules and Go itself lie in.
type places struct{ cache, goroot string }

// licence is the SPDX identifier of a module's licence, "" if the text is not known
// or not there. Go's own library is the module "std".
func (p places) licence(path, version string) string {
	dir := filepath.Join(p.cache, escaped(path)+"@"+escaped(version))
	if path == standardLibrary {
		dir = p.goroot
	}
	for _, name := range []string{"LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			return identify(string(text))
		}
	}
	return ""
}

// escaped is a path as the module cache writes it: a capital is its small letter
// after an exclamation mark (https://go.dev/ref/mod#module-cache).
func escaped(path string) string {
	var b strings.Builder
	for _, r := range path {
		if 'A' <= r && r <= 'Z' {
			b.WriteByte('!')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// licences are told by what stands in each of them and in none before it.
var licences = []struct {
	id   string
	says []string
}{
	{"Apache-2.0", []string{"Apache License", "Version 2.0, January 2004"}},
	{"MPL-2.0", []string{"Mozilla Public License", "Version 2.0"}},
	{"EPL-2.0", []string{"Eclipse Public License - v 2.0"}},
	{"MIT", []string{"Permission is hereby granted, free of charge", "THE SOFTWARE IS PROVIDED"}},
	{"ISC", []string{"Permission to use, copy, modify, and", "THE SOFTWARE IS PROVIDED"}},
	{"BSD-3-Clause", []string{"Redistribution and use in source and binary forms", "endorse or promote products"}},
	{"BSD-2-Clause", []string{"Redistribution and use in source and binary forms"}},
}

func identify(text string) string {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	for _, l := range licences {
		all := true
		for _, words := range l.says {
			all = all && strings.Contains(text, strings.ToLower(words))
		}
		if all {
			return l.id
		}
	}
	return ""
}
