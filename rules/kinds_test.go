package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"
)

// kindsOfPMS reads the constants of type EventKind from the source of package pms.
func kindsOfPMS(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../pms/event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "EventKind" {
			return true
		}
		for _, v := range spec.Values {
			if lit, ok := v.(*ast.BasicLit); ok {
				text, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				kinds = append(kinds, text)
			}
		}
		return true
	})
	if len(kinds) == 0 {
		t.Fatal("no event kinds found in package pms")
	}
	return kinds
}
