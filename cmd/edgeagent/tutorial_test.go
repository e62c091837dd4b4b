package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// Whoever follows the tutorial sees what it says: its commands, its files and
// what they print are taken from the document, in its order.
func TestTutorial(t *testing.T) {
	text, err := os.ReadFile("../../docs/tutorial.md")
	if err != nil {
		t.Fatal(err)
	}
	one := func(pattern string) string {
		found := regexp.MustCompile(`(?ms)`+pattern).FindAllStringSubmatch(string(text), -1)
		if len(found) != 1 {
			t.Fatalf("the tutorial has %d times %s", len(found), pattern)
		}
		return found[0][1]
	}
	script := "mkdir my-hotel\n" +
		"exitcode 1 " + strings.ReplaceAll(strings.ReplaceAll(one("^```\nbin/(edgeagent init [^`]*?--tv none[^\n]*)$"), "\\\n ", ""), `"`, "'") + "\n" +
		"cp secret my-hotel/pms-secret\ncp secret my-hotel/pms-app-key\nchmod 600 my-hotel/pms-secret\nchmod 600 my-hotel/pms-app-key\n" +
		"exec " + one(`^\$ bin/(edgeagent check [^\n]*)$`) + "\ncmp stdout checked\n" +
		"exec " + one("^bin/(edgeagent explain [^\n]*)$") + "\nstdout '^  cut a key at check-in$'\n" +
		"cp my-hotel/property.yaml sound\nedit my-hotel/property.yaml Europe/Lisbon Europe/Lisboa\n" +
		"edit my-hotel/property.yaml '# exactly as it is called in the lock system' 'BREAK      boud: 9600'\n" +
		"exitcode 1 edgeagent check --config my-hotel/property.yaml\ncmp stdout mistaken\ncp sound my-hotel/property.yaml\n" +
		"append my-hotel/property.yaml rules\ncp tests my-hotel/property.test.yaml\n" +
		"exec " + one(`^\$ bin/(edgeagent test [^\n]*)$`) + "\ncmp stdout tested\n" +
		"edit my-hotel/property.yaml 'copies: 2' 'copies: 1'\n" +
		"exitcode 1 edgeagent test --config my-hotel/property.yaml\ncmp stdout failed\n"
	files := map[string]string{
		"secret":   "secret",
		"checked":  one(`^\$ bin/edgeagent check [^\n]*\n(.*?)^` + "```"),
		"rules":    "\n" + one("^```yaml\n(rules:.*?)^```"),
		"mistaken": one("^```\n(my-hotel/property.yaml:13.*?)^```"),
		"tests":    one("^```yaml\n(tests:.*?)^```"),
		"tested":   one(`^\$ bin/edgeagent test [^\n]*\n(.*?)^` + "```"),
		"failed":   one("^```\n(my-hotel/property.test.yaml.*?)^```") + "\n1 of 3 rule tests failed\n",
	}
	for name, content := range files {
		script += fmt.Sprintf("-- %s --\n%s", name, content)
		if !strings.HasSuffix(script, "\n") {
			script += "\n"
		}
	}
	file := filepath.Join(t.TempDir(), "tutorial.txtar")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Files: []string{file}, RequireExplicitExec: true, Cmds: map[string]func(*testscript.TestScript, bool, []string){
		"exitcode": exitcode,
		"append": func(ts *testscript.TestScript, _ bool, args []string) {
			before := ts.ReadFile(args[0])
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(before+ts.ReadFile(args[1])), 0o600))
		},
		"edit": func(ts *testscript.TestScript, _ bool, args []string) {
			after := strings.Replace(ts.ReadFile(args[0]), args[1], strings.ReplaceAll(args[2], "BREAK", "\n"), 1)
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(after), 0o600))
		},
	}})
}
