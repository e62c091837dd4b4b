package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The archive is one for the standard library too.
func TestPack(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	s := &support{now: at, parts: []part{{"empty.txt", ""}, {"block.txt", strings.Repeat("x", tarBlock)}, {"umlaut.txt", "Zürich\n"}}}
	var packed bytes.Buffer
	if err := s.pack(&packed, "report"); err != nil {
		t.Fatal(err)
	}
	unpacked, err := gzip.NewReader(&packed)
	if err != nil {
		t.Fatal(err)
	}
	var got []part
	for r := tar.NewReader(unpacked); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if h.Mode != 0o600 || !h.ModTime.Equal(at) || h.Typeflag != tar.TypeReg {
			t.Errorf("%+v", h)
		}
		got = append(got, part{strings.TrimPrefix(h.Name, "report/"), string(text)})
	}
	if diff := cmp.Diff(s.parts, got, cmp.AllowUnexported(part{})); diff != "" {
		t.Errorf("(-packed +unpacked)\n%s", diff)
	}
}
