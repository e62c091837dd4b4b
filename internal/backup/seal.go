package backup

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A sealed file, all numbers big-endian:
//
//	text     "EDGEAGENT-BACKUP 1\n"; the number is the version
//	4 bytes  rounds of PBKDF2
//	16       salt
//	16       check: tells a wrong passphrase from a damaged file
//	8        begin of the SHA-256 of all before it, so that damage here is told too
//	         chunks of 64 KiB, each sealed with AES-256-GCM and 28 bytes longer for it:
//	         12 of a random nonce before, 16 of proof behind
//
// The passphrase and the salt make one secret by PBKDF2 with HMAC-SHA-256. From that,
// HMAC-SHA-256 makes the check and the key of the chunks, each over its own
// label and all that is before the check. What the proof covers beside the chunk is
// its number (8 bytes), and a 1 for the last chunk or a 0: so chunks cannot be
// exchanged, left out or cut off. The last chunk is the only one that may be shorter.

const (
	magic   = "EDGEAGENT-BACKUP "
	version = 1

	// Rounds is what OWASP asks of PBKDF2 with SHA-256.
	Rounds     = 600_000
	mostRounds = 10_000_000 // a damaged or forged header must not stop us for minutes

	saltBytes  = 16
	checkBytes = 16
	sumBytes   = 8
	chunkBytes = 64 << 10
	sealBytes  = 12 + 16
)

// What can be wrong with a file as a whole.
var (
	ErrNone       = errors.New("is no backup of edgeagent")
	ErrPassphrase = errors.New("the passphrase is another one")
	ErrCut        = errors.New("the file is cut short")
)

// Damaged says that a file was changed since it was written, or cut short.
type Damaged struct {
	// At is the byte of the file from which on nothing can be believed.
	At int64
}

func (d Damaged) Error() string {
	return fmt.Sprintf("the file is damaged from byte %d on, or cut short there", d.At)
}

// keys makes check and cipher of a passphrase. It takes its time.
func keys(passphrase string, head []byte, rounds int, salt []byte) (check []byte, chunks cipher.AEAD, err error) {
	secret, err := pbkdf2.Key(sha256.New, passphrase, salt, rounds, 32)
	if err != nil {
		return nil, nil, err
	}
	derive := func(label string) []byte {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(label))
		mac.Write(head)
		return mac.Sum(nil)
	}
	block, err := aes.NewCipher(derive("chunks"))
	if err != nil {
		return nil, nil, err
	}
	// One key seals one file, so random nonces are as good as counted ones; and it
	// takes 12 kB less of program than the cipher for nonces of one's own.
	chunks, err = cipher.NewGCMWithRandomNonce(block)
	return derive("check")[:checkBytes], chunks, err
}

// place is what the proof of a chunk covers beside it.
func place(n int64, last bool) []byte {
	out := binary.BigEndian.AppendUint64(make([]byte, 0, 9), uint64(n))
	if last {
		return append(out, 1)
	}
	return append(out, 0)
}

// sealer encrypts what is written to it. Close writes the last chunk.
type sealer struct {
	out    io.Writer
	chunks cipher.AEAD
	n      int64
	plain  []byte
	sealed []byte
}

func newSealer(out io.Writer, passphrase string, rounds int) (*sealer, error) {
	head := binary.BigEndian.AppendUint32(fmt.Appendf(nil, "%s%d\n", magic, version), uint32(rounds))
	salt := make([]byte, saltBytes)
	rand.Read(salt) // it never fails
	head = append(head, salt...)
	check, chunks, err := keys(passphrase, head, rounds, salt)
	if err != nil {
		return nil, err
	}
	head = append(head, check...)
	sum := sha256.Sum256(head)
	if _, err := out.Write(append(head, sum[:sumBytes]...)); err != nil {
		return nil, err
	}
	return &sealer{out: out, chunks: chunks, plain: make([]byte, 0, chunkBytes)}, nil
}

func (s *sealer) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		if len(s.plain) == chunkBytes {
			if err := s.flush(false); err != nil {
				return n, err
			}
		}
		took := min(len(p), chunkBytes-len(s.plain))
		s.plain = append(s.plain, p[:took]...)
		p, n = p[took:], n+took
	}
	return n, nil
}

func (s *sealer) Close() error { return s.flush(true) }

func (s *sealer) flush(last bool) error {
	s.sealed = s.chunks.Seal(s.sealed[:0], nil, s.plain, place(s.n, last))
	s.plain, s.n = s.plain[:0], s.n+1
	_, err := s.out.Write(s.sealed)
	return err
}

// opener decrypts. It gives nothing that is not proved to be as it was written.
type opener struct {
	in     *bufio.Reader
	head   []byte
	chunks cipher.AEAD
	n, at  int64
	sealed []byte
	plain  []byte // what nobody has read yet
	err    error
}

func newOpener(in io.Reader, passphrase string) (*opener, error) {
	o := &opener{in: bufio.NewReaderSize(in, 4<<10), sealed: make([]byte, chunkBytes+sealBytes)}
	line, err := o.in.ReadSlice('\n')
	number, ours := strings.CutPrefix(string(line), magic)
	switch {
	case !ours:
		return nil, ErrNone
	case err != nil:
		return nil, ErrCut
	case number != fmt.Sprintf("%d\n", version):
		return nil, fmt.Errorf("the file is a backup in format %q, this edgeagent knows format %d: restore it with a newer edgeagent", short(number), version)
	}
	head := append([]byte(nil), line...)
	rest := make([]byte, 4+saltBytes+checkBytes+sumBytes)
	if _, err := io.ReadFull(o.in, rest); err != nil {
		return nil, ErrCut
	}
	head = append(head, rest...)
	o.at = int64(len(head))
	body, sum := head[:len(head)-sumBytes], head[len(head)-sumBytes:]
	if want := sha256.Sum256(body); string(want[:sumBytes]) != string(sum) {
		return nil, Damaged{}
	}
	turns, salt := int(binary.BigEndian.Uint32(rest)), rest[4:4+saltBytes]
	if turns < 1 || turns > mostRounds {
		return nil, Damaged{}
	}
	check, chunks, err := keys(passphrase, body[:len(body)-checkBytes], turns, salt)
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(check, body[len(body)-checkBytes:]) {
		return nil, ErrPassphrase
	}
	o.head, o.chunks = head, chunks
	return o, nil
}

// again opens the same file from its begin, without making the key once more.
func (o *opener) again(in io.Reader) (*opener, error) {
	head := make([]byte, len(o.head))
	if _, err := io.ReadFull(in, head); err != nil || !bytes.Equal(head, o.head) {
		return nil, Damaged{}
	}
	return &opener{in: bufio.NewReaderSize(in, 4<<10), head: head, chunks: o.chunks, at: int64(len(head)), sealed: make([]byte, chunkBytes+sealBytes)}, nil
}

func short(text string) string {
	text = strings.TrimSpace(text)
	return text[:min(len(text), 20)]
}

func (o *opener) Read(p []byte) (int, error) {
	for len(o.plain) == 0 {
		if o.err != nil {
			return 0, o.err
		}
		o.plain, o.err = o.next()
	}
	n := copy(p, o.plain)
	o.plain = o.plain[n:]
	return n, nil
}

// next opens a chunk; with the last one comes io.EOF.
func (o *opener) next() ([]byte, error) {
	n, err := io.ReadFull(o.in, o.sealed)
	switch {
	case errors.Is(err, io.EOF) && o.n > 0: // the last chunk said that it was not the last
		return nil, ErrCut
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF):
		return nil, err
	}
	_, more := o.in.Peek(1)
	last := errors.Is(more, io.EOF)
	plain, err := o.chunks.Open(nil, nil, o.sealed[:n], place(o.n, last))
	if err != nil {
		if _, whole := o.chunks.Open(nil, nil, o.sealed[:n], place(o.n, false)); last && whole == nil {
			return nil, ErrCut
		}
		return nil, Damaged{At: o.at}
	}
	o.n, o.at = o.n+1, o.at+int64(n)
	if last {
		return plain, io.EOF
	}
	return plain, nil
}
