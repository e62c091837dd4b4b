package main

import (
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"runtime/debug"
	"slices"
	"sort"
	"strings"
)

// standardLibrary is what package URLs call Go's own packages.
const standardLibrary = "std"

// The parts of CycloneDX that are used here, in the order of its schema.
type (
	document struct {
		Format       string       `json:"bomFormat"`
		Spec         string       `json:"specVersion"`
		Serial       string       `json:"serialNumber"`
		Version      int          `json:"version"`
		Metadata     metadata     `json:"metadata"`
		Components   []component  `json:"components"`
		Dependencies []dependency `json:"dependencies"`
	}
	metadata struct {
		Timestamp string    `json:"timestamp,omitempty"`
		Component component `json:"component"`
	}
	component struct {
		Type       string     `json:"type"`
		Ref        string     `json:"bom-ref"`
		Name       string     `json:"name"`
		Version    string     `json:"version"`
		Hashes     []hash     `json:"hashes,omitempty"`
		Licenses   []license  `json:"licenses,omitempty"`
		PURL       string     `json:"purl"`
		Properties []property `json:"properties,omitempty"`
	}
	hash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	license struct {
		License struct {
			ID string `json:"id"`
		} `json:"license"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	dependency struct {
		Ref       string   `json:"ref"`
		DependsOn []string `json:"dependsOn,omitempty"`
	}
)

// settings of the build that say what the program is; the rest is of the machine
// that it was built on, or repeats them.
var settings = []string{"GOOS", "GOARCH", "GOARM", "GOAMD64", "CGO_ENABLED", "-tags", "vcs.revision", "vcs.modified"}

// bill is the document about a program with the given SHA-256 sum.
func bill(info *buildinfo.BuildInfo, sum [32]byte, version string, licence func(path, version string) string) document {
	program := component{
		Type: "application", Name: info.Main.Path, Version: version, PURL: packageURL(info.Main.Path, version),
		Hashes: []hash{{"SHA-256", hex.EncodeToString(sum[:])}},
	}
	program.Ref = program.PURL
	d := document{Format: "CycloneDX", Spec: "1.6", Serial: serial(sum), Version: 1}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			d.Metadata.Timestamp = s.Value
		}
		if slices.Contains(settings, s.Key) {
			program.Properties = append(program.Properties, property{"go:build:" + s.Key, s.Value})
		}
	}
	sort.Slice(program.Properties, func(i, j int) bool { return program.Properties[i].Name < program.Properties[j].Name })
	d.Metadata.Component = program

	d.Components = append(d.Components, library(standardLibrary, strings.TrimPrefix(info.GoVersion, "go"), "", licence))
	for _, m := range info.Deps {
		d.Components = append(d.Components, module(m, licence))
	}
	sort.Slice(d.Components, func(i, j int) bool { return d.Components[i].Ref < d.Components[j].Ref })
	all := dependency{Ref: program.Ref}
	for _, c := range d.Components {
		all.DependsOn = append(all.DependsOn, c.Ref)
	}
	d.Dependencies = []dependency{all}
	return d
}

// module is what is in the program: the replacement, where a module has one.
func module(m *debug.Module, licence func(path, version string) string) component {
	if m.Replace != nil {
		m = m.Replace
	}
	return library(m.Path, m.Version, m.Sum, licence)
}

// library is a component; sum is the one of go.sum, which no hash of CycloneDX is.
func library(path, version, sum string, licence func(path, version string) string) component {
	c := component{Type: "library", Name: path, Version: version, PURL: packageURL(path, version)}
	c.Ref = c.PURL
	if id := licence(path, version); id != "" {
		var l license
		l.License.ID = id
		c.Licenses = []license{l}
	}
	if sum != "" {
		c.Properties = []property{{"go:sum", sum}}
	}
	return c
}

// packageURL is the name of a module for tools that look up what is known of it
// (https://github.com/package-url/purl-spec). A plus is no blank there.
func packageURL(path, version string) string {
	return "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
}

// serial is a UUID of version 8 (RFC 9562) made of the program's sum.
func serial(sum [32]byte) string {
	u := slices.Clone(sum[:16])
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
