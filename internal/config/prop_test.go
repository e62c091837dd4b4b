package config

import (
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"edgeagent/rules"
)

// Any file that is written as YAML is read back as it was.
func TestAnyFileIsReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want File
		draw(t, reflect.ValueOf(&want).Elem())
		text, err := yaml.MarshalWithOptions(want, marshalling(t)...)
		if err != nil {
			t.Fatal(err)
		}
		var got File
		c := newChecker("p.yaml")
		if c.decode(text, &got); len(c.problems) > 0 {
			t.Fatalf("%s\n%s", text, c.sorted().Render())
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(rules.Match{}, "offset")); diff != "" {
			t.Fatalf("(-written +read)\n%s\n%s", diff, text)
		}
	})
}

// marshalling are the ways in which a file can be spelled.
func marshalling(t *rapid.T) []yaml.EncodeOption {
	options := []yaml.EncodeOption{
		yaml.Flow(rapid.Bool().Draw(t, "flow")),
		yaml.UseSingleQuote(rapid.Bool().Draw(t, "single")),
		yaml.IndentSequence(rapid.Bool().Draw(t, "indent")),
		yaml.CustomMarshaler(func(m rules.Match) ([]byte, error) {
			if m.List {
				return yaml.MarshalWithOptions(m.Values, yaml.JSON())
			}
			return []byte(strconv.Quote(m.Values[0])), nil
		}),
	}
	if rapid.Bool().Draw(t, "json") {
		options = append(options, yaml.JSON())
	}
	return options
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
