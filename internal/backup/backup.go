// Package backup is the file that a gateway is restored from: what a gateway must
// not lose, sealed with a passphrase, in one stream that fits through little
// memory. It knows the form of the file, not what a gateway consists of.
//
// Within the seal (see seal.go) is a gzip stream of entries. Each is the length of
// its head (4 bytes, big-endian), the head as JSON, and the content. The last entry
// lists all others with their sizes and SHA-256.
package backup

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/flate"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
)

// Entry is one thing in a backup.
type Entry struct {
	// Kind says what it is; the maker of the backup decides. "manifest" is ours.
	Kind string `json:"kind"`
	// Name tells it from others of its kind. It is text: whoever makes a path of
	// it has to check it.
	Name string `json:"name,omitempty"`
	// Mode are the permission bits of a file.
	Mode uint32 `json:"mode,omitempty"`
	// Size is that of the content, in bytes.
	Size int64 `json:"size"`
	// SHA256 is that of the content, in hexadecimal; only the manifest has it.
	SHA256 string `json:"sha256,omitempty"`
}

const (
	kindManifest = "manifest"
	// maxHead bounds the head of an entry, in bytes, and maxEntries how many there are.
	maxHead    = 8 << 10
	maxEntries = 2000
	// maxManifest is what the manifest of so many has at most.
	maxManifest = maxEntries * maxHead
)

// Writer writes a backup.
type Writer struct {
	seal    *sealer
	packed  *gzip.Writer
	entries []Entry
	left    int64 // of the content of the last entry
	sum     hash.Hash
}

// NewWriter begins a backup. rounds is how dear each guess at the passphrase is made:
// Rounds, but in tests. To make the key takes a second or more on a gateway.
func NewWriter(out io.Writer, passphrase string, rounds int) (*Writer, error) {
	seal, err := newSealer(out, passphrase, rounds)
	if err != nil {
		return nil, err
	}
	return &Writer{seal: seal, packed: gzip.NewWriter(seal), entries: []Entry{}, sum: sha256.New()}, nil
}

// Begin begins an entry. Exactly Size bytes of content must be written to what it
// returns before anything else is done.
func (w *Writer) Begin(e Entry) (io.Writer, error) {
	if err := w.end(); err != nil {
		return nil, err
	}
	if len(w.entries) >= maxEntries {
		return nil, fmt.Errorf("more than %d files are too many for a backup", maxEntries)
	}
	e.SHA256 = ""
	if err := w.head(e); err != nil {
		return nil, err
	}
	w.entries, w.left = append(w.entries, e), e.Size
	w.sum.Reset()
	return (*content)(w), nil
}

// Add is Begin with content that is there already.
func (w *Writer) Add(kind, name string, mode uint32, text []byte) error {
	out, err := w.Begin(Entry{Kind: kind, Name: name, Mode: mode, Size: int64(len(text))})
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

// Close writes the manifest and ends the backup.
func (w *Writer) Close() error {
	if err := w.end(); err != nil {
		return err
	}
	text, err := json.Marshal(w.entries)
	if err != nil {
		return err
	}
	if err := w.head(Entry{Kind: kindManifest, Size: int64(len(text))}); err != nil {
		return err
	}
	if _, err := w.packed.Write(text); err != nil {
		return err
	}
	return errors.Join(w.packed.Close(), w.seal.Close())
}

// end completes the entry before.
func (w *Writer) end() error {
	if w.left != 0 {
		return fmt.Errorf("%d bytes of what was to be backed up are missing", w.left)
	}
	if n := len(w.entries); n > 0 {
		w.entries[n-1].SHA256 = hex.EncodeToString(w.sum.Sum(nil))
	}
	return nil
}

func (w *Writer) head(e Entry) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if len(text) > maxHead {
		return fmt.Errorf("the name %.40q… is too long for a backup", e.Name)
	}
	_, err = w.packed.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...))
	return err
}

// content takes the content of the last entry.
type content Writer

func (c *content) Write(p []byte) (int, error) {
	if int64(len(p)) > c.left {
		return 0, errors.New("what was to be backed up has grown meanwhile")
	}
	n, err := c.packed.Write(p)
	c.left -= int64(n)
	c.sum.Write(p[:n])
	return n, err
}

// Reader reads a backup.
type Reader struct {
	opened *opener
	seal   *bufio.Reader
	packed *gzip.Reader
	read   []Entry
	seen   map[[2]string]bool
	left   int64
	sum    hash.Hash
}

// NewReader opens a backup. To make the key takes a second or more on a gateway.
// The error is ErrNone, ErrPassphrase, ErrCut, Damaged, or one of reading.
func NewReader(in io.Reader, passphrase string) (*Reader, error) {
	opened, err := newOpener(in, passphrase)
	if err != nil {
		return nil, err
	}
	return reader(opened)
}

// Again reads the same file once more, from its begin.
func (r *Reader) Again(in io.Reader) (*Reader, error) {
	opened, err := r.opened.again(in)
	if err != nil {
		return nil, err
	}
	return reader(opened)
}

func reader(opened *opener) (r *Reader, err error) {
	r = &Reader{opened: opened, seal: bufio.NewReader(opened), read: []Entry{}, sum: sha256.New(), seen: map[[2]string]bool{}}
	if r.packed, err = gzip.NewReader(r.seal); err != nil {
		return nil, inside(err)
	}
	r.packed.Multistream(false)
	return r, nil
}

// errForm is for what is sealed well and of no form that a Writer writes.
var errForm = errors.New("the file has the right passphrase, but no form that edgeagent writes")

// inside tells an error of the form from one of the seal or of reading.
func inside(err error) error {
	var damaged Damaged
	var corrupt flate.CorruptInputError
	switch {
	case errors.As(err, &damaged), errors.Is(err, ErrCut):
		return err
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &corrupt):
		return errForm
	}
	return err
}

// Next goes to the next entry; what nobody has read of the one before is passed
// over. io.EOF says that there is none, and that all were whole.
func (r *Reader) Next() (Entry, error) {
	if err := r.end(); err != nil {
		return Entry{}, err
	}
	e, err := r.head()
	switch {
	case err != nil:
		return e, err
	case e.Kind == kindManifest:
		return e, r.finish(e.Size)
	case e.Size < 0, e.SHA256 != "", len(r.read) >= maxEntries, r.seen[[2]string{e.Kind, e.Name}]:
		return e, errForm
	}
	r.seen[[2]string{e.Kind, e.Name}] = true
	r.read, r.left = append(r.read, e), e.Size
	r.sum.Reset()
	return e, nil
}

// Read reads the content of the entry.
func (r *Reader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n, err := r.packed.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	r.sum.Write(p[:n])
	if n > 0 {
		return n, nil
	}
	if err != nil {
		return 0, inside(err)
	}
	return 0, nil
}

// end completes the entry before.
func (r *Reader) end() error {
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	if n := len(r.read); n > 0 {
		r.read[n-1].SHA256 = hex.EncodeToString(r.sum.Sum(nil))
	}
	return nil
}

func (r *Reader) head() (e Entry, err error) {
	var size [4]byte
	if _, err := io.ReadFull(r.packed, size[:]); err != nil {
		return e, inside(err)
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxHead {
		return e, errForm
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r.packed, text); err != nil {
		return e, inside(err)
	}
	if json.Unmarshal(text, &e) != nil {
		return e, errForm
	}
	return e, nil
}

// finish compares what was read with the manifest, and makes sure that it was all.
func (r *Reader) finish(size int64) error {
	if size < 0 || size > maxManifest {
		return errForm
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r.packed, text); err != nil {
		return inside(err)
	}
	if want, err := json.Marshal(r.read); err != nil || !bytes.Equal(text, want) {
		return errForm
	}
	var more [1]byte
	for _, in := range []io.Reader{r.packed, r.seal} {
		if n, err := in.Read(more[:]); n > 0 || err != io.EOF {
			return inside(cmp.Or(err, errForm))
		}
	}
	return io.EOF
}
