package pn532

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// KeyKind is whose key a credential is.
type KeyKind byte

// The kinds of keys.
const (
	Guest KeyKind = 1
	Staff KeyKind = 2
)

// Credential is a key for locks that we own. It is signed together with the
// number of its card, so a copy on a card with another number is void. The
// layout and what a lock must check are in docs/credential.md. It is not, and
// cannot be turned into, a key of any brand's locks.
type Credential struct {
	Kind     KeyKind
	Property string // the property's slug; the card holds a hash of it
	// Rooms are the names of the locks, 1 to 4.
	Rooms []string
	// From may be zero: at once. Until may not: every key ends by itself.
	From, Until time.Time
	// Generation orders the keys of a room: a lock that has seen a higher one
	// refuses the lower. A duplicate has that of its original.
	Generation uint32
	// KeyID says which key signed it. Seal sets it.
	KeyID byte
}

// Signer makes credentials. Key is an ed25519.PrivateKey, or something that signs
// like one elsewhere.
type Signer struct {
	KeyID byte
	Key   crypto.Signer
}

// Keyring holds the public keys that a lock accepts, by their id. During a
// rotation it holds the old and the new one.
type Keyring map[byte]ed25519.PublicKey

// What is wrong with a blob.
var (
	ErrNoCredential  = errors.New("not a key of ours")
	ErrUnfinished    = errors.New("the key was not written to its end")
	ErrUnknownKey    = errors.New("signed with a key that is not known here")
	ErrBadSignature  = errors.New("the signature does not fit: forged, copied from another card, or damaged")
	ErrOtherProperty = errors.New("a key of another property")
)

const (
	blobMagic   = 'K'
	blobVersion = 1
	// unfinished stands in the version's place while a card is being written.
	unfinished = 0
	// fixedLen is all before the rooms.
	fixedLen = 25
	maxRooms = 4
	maxRoom  = 24
	// domain keeps a signature from being taken for one of anything else.
	domain = "edgeagent key 1\x00"
)

// propertyTag is the part of the property's hash that a card holds.
func propertyTag(slug string) []byte {
	hash := sha256.Sum256([]byte(slug))
	return hash[:8]
}

// problem says what keeps a credential from being made, or "".
func (c *Credential) problem() string {
	switch {
	case c.Kind != Guest && c.Kind != Staff:
		return fmt.Sprintf("kind %d of a key does not exist", c.Kind)
	case c.Property == "":
		return "the property has no name"
	case len(c.Rooms) == 0:
		return "no room is given: the PMS assigned none"
	case len(c.Rooms) > maxRooms:
		return fmt.Sprintf("%d rooms: one card opens at most %d", len(c.Rooms), maxRooms)
	case c.Until.IsZero():
		return "no end of validity is known: the PMS sent no departure"
	case c.Until.Unix() >= math.MaxUint32 || c.Until.Unix() <= 0 || !c.From.IsZero() && c.From.Unix() <= 0:
		return "the validity lies outside the years 1970 to 2106"
	case !c.Until.After(c.From):
		return "the key would end before it starts: correct the stay in the PMS"
	}
	for i, room := range c.Rooms {
		if room == "" || len(room) > maxRoom || !isASCII(room) {
			return fmt.Sprintf("room name %q cannot be written: 1 to %d plain ASCII characters", room, maxRoom)
		}
		if slices.Contains(c.Rooms[:i], room) {
			return fmt.Sprintf("room %s is given twice", room)
		}
	}
	return ""
}

func isASCII(text string) bool {
	return !slices.ContainsFunc([]byte(text), func(b byte) bool { return b < 0x20 || b > 0x7E })
}

// Seal signs the credential for the card with this number.
func (c Credential) Seal(uid []byte, signer Signer) ([]byte, error) {
	if problem := c.problem(); problem != "" {
		return nil, errors.New(problem)
	}
	b := append(make([]byte, 0, 144), blobMagic, blobVersion, signer.KeyID, byte(c.Kind))
	b = append(b, propertyTag(c.Property)...)
	b = binary.BigEndian.AppendUint32(b, c.Generation)
	b = binary.BigEndian.AppendUint32(b, seconds(c.From, 0))
	b = binary.BigEndian.AppendUint32(b, seconds(c.Until, time.Second-1)) // no guest is locked out early
	b = append(b, byte(len(c.Rooms)))
	for _, room := range c.Rooms {
		b = append(append(b, byte(len(room))), room...)
	}
	signature, err := signer.Key.Sign(nil, signed(uid, b), crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("signing the key: %w", err)
	}
	if len(signature) != ed25519.SignatureSize {
		return nil, fmt.Errorf("signing the key: a signature of %d bytes, not one of Ed25519", len(signature))
	}
	return append(b, signature...), nil
}

func seconds(t time.Time, round time.Duration) uint32 {
	if t.IsZero() {
		return 0
	}
	return uint32(t.Add(round).Unix())
}

// signed is what the signature covers: nothing else can have the same bytes.
func signed(uid, body []byte) []byte {
	return slices.Concat([]byte(domain), []byte{byte(len(uid))}, uid, body)
}

// Unseal reads and checks a blob that was found on the card with this number. The
// number must be what the card itself said when it was selected, never what
// stands in its memory. A credential that can be read is returned beside
// ErrUnknownKey, ErrBadSignature and ErrOtherProperty, for showing it.
func Unseal(blob, uid []byte, property string, keys Keyring) (Credential, error) {
	if len(blob) < 2 || blob[0] != blobMagic {
		return Credential{}, ErrNoCredential
	}
	if blob[1] == unfinished {
		return Credential{}, ErrUnfinished
	}
	if blob[1] != blobVersion || len(blob) < fixedLen+ed25519.SignatureSize {
		return Credential{}, ErrNoCredential
	}
	body, signature := blob[:len(blob)-ed25519.SignatureSize], blob[len(blob)-ed25519.SignatureSize:]
	rooms, ok := readRooms(body[fixedLen-1:])
	if !ok {
		return Credential{}, ErrNoCredential
	}
	c := Credential{
		KeyID: body[2], Kind: KeyKind(body[3]), Rooms: rooms,
		Generation: binary.BigEndian.Uint32(body[12:]),
		Until:      time.Unix(int64(binary.BigEndian.Uint32(body[20:])), 0).UTC(),
	}
	if from := binary.BigEndian.Uint32(body[16:]); from != 0 {
		c.From = time.Unix(int64(from), 0).UTC()
	}
	key, known := keys[c.KeyID]
	switch {
	case !known || len(key) != ed25519.PublicKeySize:
		return c, ErrUnknownKey
	case !ed25519.Verify(key, signed(uid, body), signature):
		return c, ErrBadSignature
	case !slices.Equal(body[4:12], propertyTag(property)):
		return c, ErrOtherProperty
	}
	c.Property = property
	return c, nil
}

// readRooms reads count, then length and name of each room, up to the end.
func readRooms(b []byte) ([]string, bool) {
	count, b := int(b[0]), b[1:]
	var rooms []string
	for range count {
		if len(b) == 0 || int(b[0]) == 0 || len(b) < 1+int(b[0]) {
			return nil, false
		}
		rooms = append(rooms, string(b[1:1+b[0]]))
		b = b[1+b[0]:]
	}
	return rooms, len(b) == 0 && count > 0 && count <= maxRooms
}

// Opens is what a lock decides about a credential whose signature, number and
// property are good: the reason why it stays shut, or nil. latest is the highest
// generation of a guest's key that has opened the lock; afterwards it is the
// credential's, if it is a guest's and higher.
func (c Credential) Opens(room string, now time.Time, latest uint32) error {
	switch {
	case !slices.Contains(c.Rooms, room):
		return errors.New("the key is for other rooms")
	case now.Before(c.From):
		return errors.New("the key is not valid yet")
	case !now.Before(c.Until):
		return errors.New("the key has ended")
	case c.Kind == Guest && c.Generation < latest:
		return errors.New("a later key of this room has been used")
	}
	return nil
}
