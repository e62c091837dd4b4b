package inspire

import "math/bits"

// hashBytes is a 64-bit hash that stays the same over versions and machines,
// as it is written down with the offset. It guards against mix-ups, not
// against malice. The seed tells the members of an event apart.
func hashBytes(seed uint64, b []byte) uint64 {
	h := seed*0x9e3779b97f4a7c15 + uint64(len(b))
	for len(b) >= 8 {
		h = mix(h, uint64(b[0])|uint64(b[1])<<8|uint64(b[2])<<16|uint64(b[3])<<24|uint64(b[4])<<32|uint64(b[5])<<40|uint64(b[6])<<48|uint64(b[7])<<56)
		b = b[8:]
	}
	var last uint64
	for i, c := range b {
		last |= uint64(c) << (8 * i)
	}
	return mix(h, last)
}

// mix folds the 128-bit product of both, each with a constant of its own.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0xa0761d6478bd642f, b^0xe7037ed1a0b428db)
	return hi ^ lo
}
