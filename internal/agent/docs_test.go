package agent

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// Whoever reads a code on the status page finds its section.
func TestConditionsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	var sections []string
	for _, title := range regexp.MustCompile(`(?m)^### (.*)$`).FindAllStringSubmatch(string(text), -1) {
		if slices.Contains(sections, title[1]) {
			t.Errorf("docs/troubleshooting.md has two sections %q", title[1])
		}
		sections = append(sections, title[1])
		if _, known := conditionKinds[title[1]]; !known {
			t.Errorf("docs/troubleshooting.md has a section %q, which is no condition", title[1])
		}
	}
	for code := range conditionKinds {
		if !slices.Contains(sections, code) {
			t.Errorf("docs/troubleshooting.md has no section %q", code)
		}
	}
}
