package schema

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the schema anew")

const (
	golden       = "../../docs/property.schema.json"
	packedGolden = "property.schema.json.gz"
)

// The committed schema is that of the types; go test ./internal/schema -update writes it.
func TestSchemaIsThatOfTheTypes(t *testing.T) {
	top, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(top); err != nil {
		t.Fatal(err)
	}
	if *update {
		write(t, text.Bytes())
		return
	}
	committed, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(committed), text.String()); diff != "" {
		t.Errorf("the property file has changed; run go test ./internal/schema -update (-committed +made)\n%s", diff)
	}
	embedded, err := JSON()
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, committed); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.TrimSpace(embedded), compact.Bytes()) {
		t.Error("what the binary holds is another schema; run go test ./internal/schema -update")
	}
}

func write(t *testing.T, text []byte) {
	t.Helper()
	var compact, packed bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		t.Fatal(err)
	}
	compact.WriteByte('\n')
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(compact.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{golden: text, packedGolden: packed.Bytes()} {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
