package backup

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"testing"
)

func sha(text []byte) []byte {
	sum := sha256.Sum256(text)
	return sum[:sumBytes]
}

// sealedAs is a file with the right passphrase and any content.
func sealedAs(t testing.TB, plain []byte, packed bool) []byte {
	t.Helper()
	var out bytes.Buffer
	s, err := newSealer(&out, passphrase, quick)
	if err != nil {
		t.Fatal(err)
	}
	to := io.WriteCloser(s)
	if packed {
		to = gzip.NewWriter(s)
	}
	if _, err := to.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	if packed {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func entry(head string, content string) []byte {
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(head))), head...), content...)
}

// Forms that no Writer writes, of somebody who knows the passphrase.
func TestForms(t *testing.T) {
	a := entry(`{"kind":"beside","name":"a","size":1}`, "x")
	manifest := entry(`{"kind":"manifest","size":2}`, "[]")
	for name, plain := range map[string][]byte{
		"nothing":            nil,
		"no manifest":        a,
		"a manifest too few": append(bytes.Clone(a), manifest...),
		"twice the same":     append(append(bytes.Clone(a), a...), manifest...),
		"less than nothing":  entry(`{"kind":"beside","size":-1}`, ""),
		"an endless head":    {0xff, 0xff, 0xff, 0xff},
		"an endless list":    entry(`{"kind":"manifest","size":99999999999}`, ""),
		"no JSON":            entry(`{`, ""),
		"a sum of its own":   entry(`{"kind":"beside","size":0,"sha256":"00"}`, ""),
		"more after the end": append(bytes.Clone(manifest), 0),
		"content cut short":  entry(`{"kind":"beside","size":5}`, "x"),
	} {
		if files, err := unpack(bytes.NewReader(sealedAs(t, plain, true)), passphrase); err == nil || err.Error() != errForm.Error() {
			t.Errorf("%s: %v, %v", name, files, err)
		}
	}
	if _, err := unpack(bytes.NewReader(sealedAs(t, manifest, true)), passphrase); err != nil {
		t.Errorf("an empty backup: %v", err)
	}
	if _, err := unpack(bytes.NewReader(sealedAs(t, []byte("not packed at all"), false)), passphrase); err == nil || err.Error() != errForm.Error() {
		t.Errorf("not packed: %v", err)
	}
}

// Whatever a file is, reading it ends, takes no memory beyond bounds, and gives
// nothing that was not sealed.
func FuzzReader(f *testing.F) {
	f.Add(pack(f, []file{made("store", "", []byte("content")), made("beside", "a", nil)}))
	f.Add([]byte("EDGEAGENT-BACKUP 1\n"))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if at := bytes.IndexByte(sealed, '\n'); at >= 0 && len(sealed) > at+5 {
			copy(sealed[at+1:], []byte{0, 0, 0, quick}) // each try is to be short
		}
		if _, err := unpack(bytes.NewReader(sealed), passphrase); err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
	})
}

// The same within the seal.
func FuzzEntries(f *testing.F) {
	f.Add(entry(`{"kind":"beside","name":"a","size":1}`, "x"), true)
	f.Add([]byte("\x1f\x8b"), false)
	f.Fuzz(func(t *testing.T, plain []byte, packed bool) {
		files, err := unpack(bytes.NewReader(sealedAs(t, plain, packed)), passphrase)
		total := 0
		for _, file := range files {
			total += len(file.content)
		}
		if packed && total > len(plain) {
			t.Errorf("%d bytes of %d, %v", total, len(plain), err)
		}
	})
}
