package pn532

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// door is a lock, built from docs/credential.md and from nothing of the driver:
// what the driver's decoder gets wrong, it would not get wrong in the same way.
type door struct {
	name   string
	keys   map[byte]ed25519.PublicKey
	house  string // the property's slug
	latest uint32 // the highest generation of a guest that has opened it
}

func newDoor(name string) *door {
	return &door{name: name, house: "seaview", keys: map[byte]ed25519.PublicKey{1: signingKey.Public().(ed25519.PublicKey)}}
}

// opening is what a lock has decided: why it stays shut, or whose key it was.
type opening struct {
	shut       string
	generation uint32
}

// freeBytes are those of a card that a key may take: pages 4 to 39, or the data
// blocks of sectors 1 to 3.
func freeBytes(dump []byte, classic bool) []byte {
	if !classic {
		return dump[4*4 : min(40*4, len(dump))]
	}
	var all []byte
	for _, block := range []int{4, 5, 6, 8, 9, 10, 12, 13, 14} {
		all = append(all, dump[16*block:16*block+16]...)
	}
	return all
}

// isClassic tells by the size of a dump: no NTAG has that of a Classic.
func isClassic(dump []byte) bool { return len(dump) == 1024 || len(dump) == 4096 }

// try holds a card to the lock. It changes nothing: who has come in says so with enter.
func (d *door) try(uid, dump []byte, at time.Time) opening {
	b := freeBytes(dump, isClassic(dump))
	if b[0] != 0xFD || b[2] != 0x4B || b[3] != 0x01 {
		return opening{shut: "no key of this house's kind"}
	}
	n := int(b[1])
	if n < 25+2+64 || 2+n >= len(b) || b[2+n] != 0xFE {
		return opening{shut: "the lengths do not add up"}
	}
	body, signature := b[2:2+n-64], b[2+n-64:2+n]
	opens, rest := false, body[25:]
	for range body[24] {
		if len(rest) == 0 || rest[0] == 0 || int(rest[0]) > len(rest)-1 {
			return opening{shut: "the lengths do not add up"}
		}
		opens = opens || string(rest[1:1+rest[0]]) == d.name
		rest = rest[1+rest[0]:]
	}
	if len(rest) != 0 || body[24] < 1 || body[24] > 4 {
		return opening{shut: "the lengths do not add up"}
	}
	public, known := d.keys[body[2]]
	if !known {
		return opening{shut: "unknown signer"}
	}
	message := append([]byte("edgeagent key 1\x00"), byte(len(uid)))
	if !ed25519.Verify(public, append(append(message, uid...), body...), signature) {
		return opening{shut: "bad signature"}
	}
	hash := sha256.Sum256([]byte(d.house))
	generation, from, until := binary.BigEndian.Uint32(body[12:]), binary.BigEndian.Uint32(body[16:]), binary.BigEndian.Uint32(body[20:])
	switch {
	case string(hash[:8]) != string(body[4:12]):
		return opening{shut: "another house"}
	case !opens:
		return opening{shut: "other rooms"}
	case at.Unix() < int64(from):
		return opening{shut: "not yet"}
	case at.Unix() >= int64(until):
		return opening{shut: "no longer"}
	case body[3] == 1 && generation < d.latest:
		return opening{shut: "an earlier guest"}
	case body[3] != 1 && body[3] != 2:
		return opening{shut: "nobody's"}
	}
	return opening{generation: generation}
}

// enter is try, and what a lock remembers of it.
func (d *door) enter(uid, dump []byte, at time.Time) opening {
	o := d.try(uid, dump, at)
	if o.shut == "" {
		d.latest = max(d.latest, o.generation)
	}
	return o
}
