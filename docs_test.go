package edgeagent_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// documents are README.md and all Markdown below docs, by name.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	read := func(name string) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.ToSlash(name)] = string(text)
	}
	read("README.md")
	err := filepath.WalkDir("docs", func(name string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(name) == ".md" {
			read(name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(texts) < 10 {
		t.Fatalf("only %d documents were found", len(texts))
	}
	return texts
}

var (
	linked  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	fenced  = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	noWord  = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// anchors are the parts of a document that a link can name, as GitHub makes them.
func anchors(text string) []string {
	var names []string
	for _, h := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		names = append(names, strings.ReplaceAll(noWord.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
	}
	return names
}

// Every document can be reached from README.md, and no link leads nowhere.
func TestDocumentsAreLinked(t *testing.T) {
	texts := documents(t)
	seen, open := map[string]bool{"README.md": true}, []string{"README.md"}
	for len(open) > 0 {
		name := open[0]
		open = open[1:]
		for _, link := range linked.FindAllStringSubmatch(fenced.ReplaceAllString(texts[name], ""), -1) {
			if strings.Contains(link[1], "://") || strings.HasPrefix(link[1], "mailto:") {
				continue
			}
			file, anchor, _ := strings.Cut(link[1], "#")
			to := name
			if file != "" {
				to = path.Join(path.Dir(name), file)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s links to %s, which is not there", name, link[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(texts[to]), anchor) {
				t.Errorf("%s links to %s: %s has no such heading", name, link[1], to)
			}
			if _, isDocument := texts[to]; isDocument && !seen[to] {
				seen[to] = true
				open = append(open, to)
			}
		}
	}
	for name := range texts {
		if !seen[name] {
			t.Errorf("no link leads from README.md to %s", name)
		}
	}
}

// The table of who may import whom is also for people; go test . -update writes it.
func TestImportsAreDocumented(t *testing.T) {
	const name, begin, end = "docs/architecture.md", "<!-- imports -->\n", "<!-- /imports -->"
	var b strings.Builder
	b.WriteString("| package | may import |\n|---|---|\n")
	for _, line := range imports {
		may := "nothing of ours"
		if len(line.may) > 0 {
			may = "`" + strings.Join(line.may, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", line.who, may)
	}
	text := documents(t)[name]
	before, rest, opened := strings.Cut(text, begin)
	got, after, closed := strings.Cut(rest, end)
	if !opened || !closed {
		t.Fatalf("%s lacks %q or %q", name, begin, end)
	}
	if *update {
		if err := os.WriteFile(name, []byte(before+begin+b.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(got, b.String()); diff != "" {
		t.Errorf("%s is out of date; run go test . -update (-written +made)\n%s", name, diff)
	}
}
