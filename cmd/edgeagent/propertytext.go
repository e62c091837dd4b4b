package main

import (
	_ "embed"
	"regexp"
	"strings"
)

// propertyForm is the property file that init writes, with places for answers. A
// line with a place is left out where there is no answer. A line %PART begins what
// is there only if that part is; % alone ends it.
//
//go:embed property.init.yaml
var propertyForm string

// parts say of each part of the form whether a hotel has it.
var parts = map[string]func(answers) bool{
	"":          func(answers) bool { return true },
	"inspire":   is("pms", "inspire", "ohip"),
	"ohip":      is("pms", "ohip"),
	"mews":      is("pms", "mews"),
	"nothing":   func(a answers) bool { return !a.has("encoder") && !a.has("tv") && !a.has("wifi") },
	"something": func(a answers) bool { return a.has("encoder") || a.has("tv") || a.has("wifi") },
	"encoder":   having("encoder"),
	"serial":    func(a answers) bool { return strings.HasPrefix(a["encoder"], "/") },
	"tcp":       func(a answers) bool { return a.has("encoder") && !strings.HasPrefix(a["encoder"], "/") },
	"vingcard":  is("protocol", "vingcard"),
	"tv":        having("tv"),
	"page":      is("page", "yes"),
	"tv-user":   both("tv", "tv-user"),
	"wifi":      having("wifi"),
	"wifi-user": both("wifi", "wifi-user"),
	"wifi-key":  wantsKey,
	"wifi-pin":  having("wifi-pin"),
	"omada":     is("wifi", "omada"),
	"radius":    is("wifi", "radius"),
	"line":      func(a answers) bool { return a["wifi"] == "radius" && !strings.HasPrefix(a["radius-address"], "/") },
	"nas":       both("wifi", "radius-nas"),
	"pin":       having("radius-pin"),
}

// wantsKey reports whether the controller is asked with an API key.
func wantsKey(a answers) bool {
	return a["wifi"] == "opnsense" || a["wifi"] == "unifi" && !a.has("wifi-user")
}

var place = regexp.MustCompile(`\{([a-z][a-z-]*)\}`)

// propertyText is the property file that follows from the answers.
func propertyText(a answers) string {
	var b strings.Builder
	there := true
	for line := range strings.Lines(propertyForm) {
		if part, ok := strings.CutPrefix(line, "%"); ok {
			there = parts[strings.TrimSpace(part)](a)
			continue
		}
		at := place.FindStringSubmatch(line)
		if !there || at != nil && a[at[1]] == "" {
			continue
		}
		if at != nil {
			line = strings.Replace(line, at[0], yamlWord(a[at[1]]), 1)
		}
		b.WriteString(line)
	}
	return b.String()
}

var (
	simpleYAML = regexp.MustCompile(`^[A-Za-z/](?:[A-Za-z0-9_./-]|[ :][A-Za-z0-9/])*$`)
	yamlWords  = regexp.MustCompile(`^(?i:true|false|yes|no|on|off|null|y|n)$`)
)

// yamlWord is a text as YAML reads it as that text.
func yamlWord(text string) string {
	if simpleYAML.MatchString(text) && !yamlWords.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}
