package keycard

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"edgeagent/drivers"
)

// The classes of every code of every dialect: a code that is added to a table
// and not here, or the other way round, fails.
var classes = map[string]map[string]class{
	"salto": {
		"ES": classPermanent, "NC": classOperator, "NF": classPermanent, "OV": classRetry, "EO": classRetry,
		"EP": classOperator, "ED": classOperator, "EF": classOperator, "EN": classOperator, "EV": classOperator,
		"EA": classPermanent, "TD": classPermanent, "OS": classPermanent, "EG": classOperator, "ER": classOperator,
	},
	"onity": {
		"ES": classPermanent, "NC": classOperator, "NF": classPermanent, "OV": classRetry, "EO": classRetry,
		"EP": classOperator, "ED": classOperator, "EF": classOperator, "EN": classOperator,
		"EA": classPermanent, "TD": classPermanent, "OS": classPermanent, "ER": classOperator,
	},
	"vingcard": {
		"1": classOperator, "E1": classOperator, "2": classRetry, "5": classRetry, "6": classPermanent, "8": classOperator,
		"9": classPermanent, "D": classPermanent, "O": classPermanent, "R": classPermanent,
	},
}

func TestEveryCode(t *testing.T) {
	if diff := cmp.Diff(slices.Sorted(maps.Keys(protocols)), slices.Sorted(maps.Keys(classes))); diff != "" {
		t.Fatal(diff)
	}
	for name, dialect := range protocols {
		got := map[string]class{}
		for code, info := range dialect.codes {
			got[code] = info.class
			if info.reason == "" || len(info.hint) < 20 || strings.HasSuffix(info.hint, ".") {
				t.Errorf("%s %s: no reason, or no hint of one sentence: %+v", name, code, info)
			}
		}
		if diff := cmp.Diff(classes[name], got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// A result with the code is read, and its error says the hint and the code.
func TestEveryCodeIsTold(t *testing.T) {
	zone := testSite().Zone
	for name, change := range dialects {
		d := planner(change)
		for _, code := range append(slices.Sorted(maps.Keys(classes[name])), "Z") {
			want, known := classes[name][code]
			command := map[string]string{"salto": "CN", "onity": "CN", "vingcard": vingNew}[name]
			st, answer := step{command: command, encoder: "1", fields: []string{command, "1", "E"}}, []string{code, "1"}
			if name == "vingcard" {
				letter := code[len(code)-1:]
				if len(code) > 1 {
					st.command, code = code[:1], letter
				}
				st.encoder, st.answer, answer = "01", d.dialect.answer, []string{"0001" + letter}
			} else if !known {
				answer[0], code = "ZZ", "ZZ"
			}
			r, ok := st.read(answer, zone)
			if !ok || r.code != code {
				t.Errorf("%s %s is not read: %+v", name, code, r)
			}
			err := d.failure(r, &st)
			if refused := errors.Is(err, drivers.ErrRefused); refused == (want == classRetry) {
				t.Errorf("%s %s: refused is %t", name, code, refused)
			}
			if hint := d.dialect.codeOf(st.command, code).hint; !strings.Contains(err.Error(), hint+" (code "+code+")") {
				t.Errorf("%s %s: not told: %v", name, code, err)
			}
			if !known && !strings.Contains(err.Error(), "a code that is not known (code "+code+")") {
				t.Errorf("%s: unknown code: %v", name, err)
			}
		}
	}
}
