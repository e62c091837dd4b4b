package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"edgeagent/rules"
)

// Any file that is written as YAML is read back as it was.
func TestAnyFileIsReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want File
		draw(t, reflect.ValueOf(&want).Elem())
		w := writer{t: t}
		w.value(reflect.ValueOf(want), 0)
		text := []byte(w.b.String())
		var got File
		c := newChecker("p.yaml")
		if c.decode(text, &got); len(c.problems) > 0 {
			t.Fatalf("%s\n%s", text, c.sorted().Render())
		}
		if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(rules.Match{}, "offset")); diff != "" {
			t.Fatalf("(-written +read)\n%s\n%s", diff, text)
		}
	})
}

// writer spells values as YAML, in the ways that people do.
type writer struct {
	t *rapid.T
	b strings.Builder
}

// value writes a value after a key or a dash; block values begin a line of their own.
func (w *writer) value(v reflect.Value, indent int) {
	switch p := v.Interface().(type) {
	case rules.Match:
		if p.List {
			w.flow(reflect.ValueOf(p.Values))
		} else {
			w.text(p.Values[0], false)
		}
		return
	case time.Duration:
		w.b.WriteString(" " + p.String())
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		w.value(v.Elem(), indent)
	case reflect.Struct, reflect.Map, reflect.Slice:
		if entries := w.entries(v); len(entries) == 0 || rapid.IntRange(0, 3).Draw(w.t, "flow") == 0 {
			w.flow(v)
		} else {
			w.block(v, entries, indent)
		}
	default:
		w.single(v, false)
	}
}

func (w *writer) block(v reflect.Value, entries []entry, indent int) {
	for _, e := range entries {
		w.b.WriteString("\n" + strings.Repeat(" ", indent))
		if v.Kind() == reflect.Slice {
			w.b.WriteString("-")
		} else {
			w.key(e.key)
		}
		w.value(e.value, indent+rapid.IntRange(1, 4).Draw(w.t, "indent"))
	}
}

func (w *writer) flow(v reflect.Value) {
	switch p := v.Interface().(type) {
	case rules.Match, time.Duration:
		w.value(v, 0)
		return
	default:
		_ = p
	}
	brackets := "{}"
	switch v.Kind() {
	case reflect.Pointer:
		w.flow(v.Elem())
		return
	case reflect.Slice:
		brackets = "[]"
	case reflect.Struct, reflect.Map:
	default:
		w.single(v, true)
		return
	}
	w.b.WriteString(" " + brackets[:1])
	for i, e := range w.entries(v) {
		if i > 0 {
			w.b.WriteString(",")
		}
		if v.Kind() != reflect.Slice {
			w.b.WriteString(" ")
			w.key(e.key)
		}
		w.flow(e.value)
	}
	w.b.WriteString(" " + brackets[1:])
}

func (w *writer) key(key string) {
	if plainText.MatchString(key) {
		w.b.WriteString(key + ":")
	} else {
		w.b.WriteString(strconv.Quote(key) + ":")
	}
}

func (w *writer) single(v reflect.Value, inFlow bool) {
	if v.Kind() == reflect.String {
		w.text(v.String(), inFlow)
		return
	}
	fmt.Fprintf(&w.b, " %v", v.Interface())
}

func (w *writer) text(text string, inFlow bool) {
	style := rapid.IntRange(0, 2).Draw(w.t, "style")
	switch {
	case style == 0 && plainText.MatchString(text) && text != "true" && text != "null":
		w.b.WriteString(" " + text)
	case style == 1 && !inFlow:
		w.b.WriteString(" '" + strings.ReplaceAll(text, "'", "''") + "'")
	default:
		quoted, _ := json.Marshal(text)
		w.b.WriteString(" " + string(quoted))
	}
}

var plainText = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

type entry struct {
	key   string
	value reflect.Value
}

// entries are the entries of a struct, map or slice; nil pointers are left out.
func (w *writer) entries(v reflect.Value) []entry {
	var list []entry
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			list = append(list, entry{value: v.Index(i)})
		}
	case reflect.Map:
		for _, key := range slices.SortedFunc(slices.Values(v.MapKeys()), func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) }) {
			list = append(list, entry{key.String(), v.MapIndex(key)})
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.Kind() != reflect.Pointer || !f.IsNil() {
				list = append(list, entry{yamlName(v.Type().Field(i)), f})
			}
		}
	}
	return list
}

var someText = rapid.OneOf(
	rapid.StringMatching(`[a-z]{1,8}`),
	rapid.StringMatching(`[0-9]{1,5}`),
	rapid.StringMatching(`[ -~]{0,12}`),
	rapid.SampledFrom([]string{"", "true", "null", "~", "0101", "1e3", "*x", "&x", "!x", "a: b", "a #b", "- a", "it's", `say "x"`, "x ", " x", "日本", "é", "#", "15:00", "no", `\`, "${room}", "%a", "@a", "`", "|", ">", "[", "}", ",", "?", "-"}),
)

// draw sets a value and all in it.
func draw(t *rapid.T, v reflect.Value) {
	switch p := v.Addr().Interface().(type) {
	case *rules.Match:
		p.List = rapid.Bool().Draw(t, "list")
		least, most := 1, 1
		if p.List {
			least, most = 0, 3
		}
		p.Values = rapid.SliceOfN(someText, least, most).Draw(t, "values")
		return
	case *time.Duration:
		*p = time.Duration(rapid.Int64Range(0, int64(1e15)).Draw(t, "duration"))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			draw(t, v.Field(i))
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "there") {
			v.Set(reflect.New(v.Type().Elem()))
			draw(t, v.Elem())
		}
	case reflect.Slice:
		n := rapid.IntRange(0, 2).Draw(t, "entries")
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			draw(t, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(0, 2).Draw(t, "names") {
			value := reflect.New(v.Type().Elem()).Elem()
			draw(t, value)
			v.SetMapIndex(reflect.ValueOf(rapid.StringMatching(`[A-Za-z0-9 ./_-]{1,8}`).Draw(t, "key")), value)
		}
	case reflect.String:
		v.SetString(someText.Draw(t, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "flag"))
	case reflect.Int:
		v.SetInt(int64(rapid.Int32().Draw(t, "number")))
	default:
		t.Fatalf("a %s has no drawing", v.Type())
	}
}
