// Package schema holds the JSON schema of the property file, by which an editor
// completes keys, explains them and warns. A test makes it of the Go types and
// their comments: docs/property.schema.json is what people and editors read, and
// the same, compressed, is in the binary for the verb schema.
package schema

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
)

//go:embed property.schema.json.gz
var packed []byte

// JSON is the schema of the property file.
func JSON() ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
