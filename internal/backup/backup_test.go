package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const (
	passphrase = "four words that nobody guesses"
	quick      = 2 // rounds, for tests
)

type file struct {
	Entry
	content []byte
}

func pack(t testing.TB, files []file) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, passphrase, quick)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		to, err := w.Begin(f.Entry)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func unpack(sealed io.Reader, passphrase string) (files []file, err error) {
	r, err := NewReader(sealed, passphrase)
	if err != nil {
		return nil, err
	}
	for {
		e, err := r.Next()
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return files, err
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return files, err
		}
		files = append(files, file{e, text})
	}
}

func made(kind, name string, content []byte) file {
	return file{Entry{Kind: kind, Name: name, Mode: 0o600, Size: int64(len(content))}, content}
}

// noise is what no packing makes smaller.
func noise(n int) []byte {
	out := make([]byte, n)
	x := uint32(2463534242)
	for i := range out {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		out[i] = byte(x)
	}
	return out
}

// Whatever is put in comes out, in order, however long it is.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var files []file
		for i := range rapid.IntRange(0, 5).Draw(rt, "files") {
			size := rapid.OneOf(rapid.IntRange(0, 300), rapid.IntRange(chunkBytes-200, chunkBytes+200), rapid.Just(3*chunkBytes)).Draw(rt, "size")
			f := made(rapid.SampledFrom([]string{"store", "beside"}).Draw(rt, "kind"), fmt.Sprint(i, rapid.String().Draw(rt, "name")), noise(size))
			f.Mode = rapid.Uint32().Draw(rt, "mode")
			files = append(files, f)
		}
		got, err := unpack(bytes.NewReader(pack(t, files)), passphrase)
		if err != nil || len(got) != len(files) {
			rt.Fatalf("%d of %d files, %v", len(got), len(files), err)
		}
		for i, f := range files {
			name := strings.ToValidUTF8(f.Name, "\ufffd")
			if g := got[i]; g.Kind != f.Kind || g.Name != name || g.Mode != f.Mode || !bytes.Equal(g.content, f.content) {
				rt.Errorf("%d: %+v, want %+v", i, g.Entry, f.Entry)
			}
		}
	})
}

// A file that is not as it was written gives an error, never something else.
func TestDamage(t *testing.T) {
	sealed := pack(t, []file{made("store", "", noise(chunkBytes)), made("beside", "a", []byte("secret"))})
	if bytes.Contains(sealed, []byte("secret")) || bytes.Contains(sealed, []byte("beside")) {
		t.Error("something can be read without the passphrase")
	}
	for at := range sealed {
		if at > 300 && at%4999 != 0 && len(sealed)-at > 300 {
			continue
		}
		bad := bytes.Clone(sealed)
		bad[at] ^= 4
		if _, err := unpack(bytes.NewReader(bad), passphrase); err == nil {
			t.Fatalf("byte %d changed, and nobody saw it", at)
		} else if errors.Is(err, ErrPassphrase) {
			t.Errorf("byte %d changed: %v", at, err)
		}
		if _, err := unpack(bytes.NewReader(sealed[:at]), passphrase); err == nil {
			t.Fatalf("cut at byte %d, and nobody saw it", at)
		}
	}
	if _, err := unpack(bytes.NewReader(append(bytes.Clone(sealed), 0)), passphrase); err == nil {
		t.Error("a byte more, and nobody saw it")
	}
}

func TestErrorsInWords(t *testing.T) {
	sealed := pack(t, []file{made("store", "", noise(3*chunkBytes))})
	head := bytes.IndexByte(sealed, '\n') + 1 + 4 + saltBytes + checkBytes + sumBytes
	chunk := chunkBytes + sealBytes
	change := func(at int) []byte {
		bad := bytes.Clone(sealed)
		bad[at] ^= 1
		return bad
	}
	exchanged := bytes.Clone(sealed)
	copy(exchanged[head:], sealed[head+chunk:head+2*chunk])
	for _, test := range []struct {
		name       string
		sealed     []byte
		passphrase string
		want       string
	}{
		{"another passphrase", sealed, "another one", "the passphrase is another one"},
		{"no backup", []byte("property: { id: seaview }\n"), passphrase, "is no backup of edgeagent"},
		{"nothing", nil, passphrase, "is no backup of edgeagent"},
		{"a newer one", []byte("EDGEAGENT-BACKUP 2\n..."), passphrase, `the file is a backup in format "2", this edgeagent knows format 1: restore it with a newer edgeagent`},
		{"salt", change(head - sumBytes - checkBytes - 1), passphrase, "the file is damaged from byte 0 on, or cut short there"},
		{"check", change(head - sumBytes - 1), passphrase, "the file is damaged from byte 0 on, or cut short there"},
		{"header cut", sealed[:head-1], passphrase, "the file is cut short"},
		{"chunk", change(head + chunk + 5), passphrase, fmt.Sprintf("the file is damaged from byte %d on, or cut short there", head+chunk)},
		{"chunks exchanged", exchanged, passphrase, fmt.Sprintf("the file is damaged from byte %d on, or cut short there", head)},
		{"cut in a chunk", sealed[:head+chunk+100], passphrase, fmt.Sprintf("the file is damaged from byte %d on, or cut short there", head+chunk)},
		{"cut between chunks", sealed[:head+chunk], passphrase, "the file is cut short"},
		{"cut before chunks", sealed[:head], passphrase, fmt.Sprintf("the file is damaged from byte %d on, or cut short there", head)},
	} {
		_, err := unpack(bytes.NewReader(test.sealed), test.passphrase)
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
}

// A forged header must not keep a gateway busy for hours.
func TestRoundsAreBounded(t *testing.T) {
	var out bytes.Buffer
	if _, err := newSealer(&out, passphrase, 1); err != nil {
		t.Fatal(err)
	}
	sealed := out.Bytes()
	at := bytes.IndexByte(sealed, '\n') + 1
	sealed[at] = 0xff
	sum := sha(sealed[:len(sealed)-sumBytes])
	copy(sealed[len(sealed)-sumBytes:], sum)
	if _, err := newOpener(bytes.NewReader(sealed), passphrase); !errors.Is(err, Damaged{}) {
		t.Errorf("%v", err)
	}
}

// Content that is not as long as was said is refused when it is written.
func TestWriterKeepsToItsWord(t *testing.T) {
	w, err := NewWriter(io.Discard, passphrase, quick)
	if err != nil {
		t.Fatal(err)
	}
	to, err := w.Begin(Entry{Kind: "store", Size: 3})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := to.Write([]byte("four")); err == nil || err.Error() != "what was to be backed up has grown meanwhile" {
		t.Errorf("too much: %v", err)
	}
	if _, err := to.Write([]byte("a")); err != nil {
		t.Error(err)
	}
	if err := w.Close(); err == nil || err.Error() != "2 bytes of what was to be backed up are missing" {
		t.Errorf("too little: %v", err)
	}
	if err := w.Add("beside", strings.Repeat("x", maxHead), 0, nil); err == nil {
		t.Error("a name without end was taken")
	}
}
