// Package edgeagent_test holds the code to the rules of the house that no
// compiler knows: who may import whom, what the binary is made of, and how long
// a file may be.
package edgeagent_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the list of modules anew")

// imports says of a package, or of all under a folder, which of ours it may
// import. The first line that fits counts.
var imports = []struct {
	who string
	may []string
}{
	{"pms", nil},
	{"offsetstore", nil},
	{"drivers", nil},
	{"pms/...", []string{"pms", "internal/zones"}},
	{"drivers/keycard", []string{"drivers", "drivers/keycard/panel", "drivers/keycard/pn532"}},
	{"drivers/wifi", []string{"drivers", "drivers/wifi/dynauth", "drivers/wifi/mysqlwire", "drivers/wifi/pgwire"}},
	{"drivers/wifi/...", nil},
	{"drivers/iptv", []string{"drivers", "internal/language"}},
	{"drivers/...", []string{"drivers"}},
	{"rules", []string{"pms", "drivers"}},
	{"internal/gpiochip", nil},
	{"internal/busdev", nil},
	{"internal/language", nil},
	{"internal/logring", nil},
	{"internal/metrics", nil},
	{"internal/schema", nil},
	{"internal/slip", nil},
	{"internal/zones", nil},
	{"internal/password", nil},
	{"internal/ca", nil},
	{"internal/backup", nil},
	{"internal/agent", []string{"pms", "rules", "offsetstore", "drivers"}},
	{"internal/config", []string{"pms", "pms/...", "drivers", "drivers/...", "rules", "internal/language", "internal/password", "internal/zones"}},
	{"internal/web", []string{"internal/agent", "internal/logring", "internal/metrics", "internal/password", "internal/slip", "pms", "rules"}},
	{"cmd/edgeagent", []string{"pms", "pms/...", "rules", "offsetstore", "drivers", "drivers/...", "internal/..."}},
	{"hwsim", []string{"hwsim/..."}},
	{"hwsim/door", nil},
	{"hwsim/console", nil},
	{"hwsim/line", nil},
	{"hwsim/room", []string{"hwsim", "hwsim/..."}},
	{"hwsim/...", []string{"hwsim/door", "hwsim/line", "hwsim/console"}},
	{"cmd/hwsim", []string{"hwsim", "hwsim/..."}},
	{"build/sbom", nil},
}

// mayExec start the agent, as a person would, or the real FreeRADIUS. Nobody
// else starts a program.
var mayExec = []string{"hwsim", "hwsim/radiussim", "cmd/hwsim"}

// loggers are packages with a logger that everybody shares. The simulators
// need two of them, to hand to servers that want such a type.
var loggers = []string{"github.com/rs/zerolog/log", "log", "log/slog"}

// goPackage is what go list says of a package.
type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func TestWhoImportsWhom(t *testing.T) {
	for _, p := range list(t) {
		name := ours(p.ImportPath)
		if name == "" {
			continue // this folder
		}
		allowed, known := allowance(name)
		if !known && len(p.Imports) > 0 {
			t.Errorf("%s has no line in the table of who may import whom", name)
		}
		for _, path := range p.Imports {
			if other := ours(path); other != "" && !slices.ContainsFunc(allowed, func(a string) bool { return fits(other, a) }) {
				t.Errorf("%s imports %s", name, other)
			}
		}
		if !fits(name, "hwsim") && !fits(name, "hwsim/...") && name != "cmd/hwsim" {
			continue
		}
		// Its tests share no code with what it stands in for either.
		for _, path := range append(p.TestImports, p.XTestImports...) {
			if other := ours(path); other != "" && !fits(other, "hwsim") && !fits(other, "hwsim/...") {
				t.Errorf("a test of %s imports %s", name, other)
			}
		}
	}
}

func allowance(name string) ([]string, bool) {
	for _, line := range imports {
		if fits(name, line.who) {
			return line.may, true
		}
	}
	return nil, false
}

// fits reports whether a package is meant by a pattern: its name, or folder/...
func fits(name, pattern string) bool {
	folder, all := strings.CutSuffix(pattern, "/...")
	if all {
		return strings.HasPrefix(name, folder+"/")
	}
	return name == pattern
}

// ours is the folder of a package of this module, "" for any other.
func ours(path string) string {
	name, _ := strings.CutPrefix(path, "edgeagent/")
	if name == path {
		return ""
	}
	return name
}

func list(t *testing.T) []goPackage {
	t.Helper()
	out := goCommand(t, "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	var packages []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p goPackage
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if len(packages) < 10 {
		t.Fatalf("go list knows only %d packages", len(packages))
	}
	return packages
}

func goCommand(t *testing.T, args ...string) []byte {
	t.Helper()
	var failed bytes.Buffer
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, &failed)
	}
	return out
}

// A new module in the binary is a decision: it costs size, and somebody must
// watch over it. Who takes it runs this test with -update.
func TestModulesOfTheBinary(t *testing.T) {
	const golden = "cmd/edgeagent/testdata/modules.golden"
	lines := strings.Fields(string(goCommand(t, "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "./cmd/edgeagent")))
	slices.Sort(lines)
	got := strings.Join(slices.Compact(lines), "\n") + "\n"
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
		t.Errorf("the binary is made of other modules (-known +linked); if that is meant, run go test . -update\n%s", diff)
	}
}

// longest is how many lines a file may have that is no test.
const longest = 350

func TestFiles(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != "." && strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		seen++
		file(t, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 50 {
		t.Errorf("only %d files were looked at", seen)
	}
}

// file checks one file that is no test.
func file(t *testing.T, path string) {
	t.Helper()
	source, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return
	}
	if lines := bytes.Count(source, []byte("\n")); lines > longest {
		t.Errorf("%s has %d lines: it usually hides two things; split it below %d", path, lines, longest)
	}
	positions := token.NewFileSet()
	parsed, err := parser.ParseFile(positions, path, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Error(err)
		return
	}
	for _, spec := range parsed.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		switch {
		case err != nil:
			t.Error(err)
		case name == loggers[0] || slices.Contains(loggers, name) && !strings.HasPrefix(filepath.ToSlash(path), "hwsim/"):
			t.Errorf("%s imports %s: a logger is given, never found", positions.Position(spec.Pos()), name)
		case name == "os/exec" && !slices.Contains(mayExec, filepath.ToSlash(filepath.Dir(path))):
			t.Errorf("%s imports os/exec: the agent starts no other program", positions.Position(spec.Pos()))
		}
	}
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			t.Errorf("%s: init hides what a reader must find; write a table or a constructor", positions.Position(f.Pos()))
		}
	}
	if !strings.Contains(filepath.ToSlash(path), "hwsim/") {
		sorts(t, positions, parsed)
	}
	for _, group := range parsed.Comments {
		if strings.Contains(group.Text(), "TODO") || strings.Contains(group.Text(), "FIXME") {
			t.Errorf("%s: a note of what is missing; do it, or write down elsewhere that it is not done", positions.Position(group.Pos()))
		}
	}
}

// sorts finds the generic sorts: the compiler makes one anew for each type, some
// 20 kB of the binary that sort.Slice shares.
func sorts(t *testing.T, positions *token.FileSet, parsed *ast.File) {
	t.Helper()
	ast.Inspect(parsed, func(n ast.Node) bool {
		call, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if from, ok := call.X.(*ast.Ident); ok && from.Name == "slices" && (call.Sel.Name == "SortFunc" || call.Sel.Name == "SortStableFunc") {
			t.Errorf("%s: slices.%s is compiled anew for each type; write sort.Slice or sort.SliceStable", positions.Position(call.Pos()), call.Sel.Name)
		}
		return true
	})
}
