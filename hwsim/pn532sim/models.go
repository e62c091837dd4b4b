package pn532sim

// Kind is a type of card.
type Kind string

// The kinds.
const (
	Classic1K   Kind = "MIFARE Classic 1K" // 64 blocks of 16 bytes
	Classic4K   Kind = "MIFARE Classic 4K" // 256 blocks of 16 bytes
	Ultralight  Kind = "MIFARE Ultralight" // 16 pages of 4 bytes
	UltralightE Kind = "MIFARE Ultralight EV1"
	NTAG213     Kind = "NTAG213" // 45 pages
	NTAG215     Kind = "NTAG215" // 135 pages
	NTAG216     Kind = "NTAG216" // 231 pages
	DESFire     Kind = "MIFARE DESFire"
)

// model is what a kind of card is made of.
type model struct {
	kind  Kind
	atqa  uint16 // with a UID of 4 bytes; 0040 is added with 7
	sak   byte
	unit  int // bytes of a block or page
	units int
	// version is the answer to GET_VERSION, nil if the card does not know it
	// (NTAG213/215/216 data sheet, 10.1; MF0ULx1 data sheet, 10.1).
	version []byte
	// size is what the capability container says: bytes of user memory by 8.
	size byte
	// config is the page of AUTH0; ACCESS, PWD and PACK follow. 0 for none.
	config int
	// dynamic is the page of the dynamic lock bytes, each bit of which locks
	// grain pages from page 16 on. 0 for none.
	dynamic, grain int
}

func (m *model) classic() bool { return m.unit == 16 }
func (m *model) type2() bool   { return m.unit == 4 }

// models is the table of kinds. Nobody changes it.
var models = []model{
	{kind: Classic1K, atqa: 0x0004, sak: 0x08, unit: 16, units: 64},
	{kind: Classic4K, atqa: 0x0002, sak: 0x18, unit: 16, units: 256},
	{kind: Ultralight, atqa: 0x0004, sak: 0x00, unit: 4, units: 16},
	{kind: UltralightE, atqa: 0x0004, sak: 0x00, unit: 4, units: 20, config: 0x10,
		version: []byte{0x00, 0x04, 0x03, 0x01, 0x01, 0x00, 0x0B, 0x03}},
	{kind: NTAG213, atqa: 0x0004, sak: 0x00, unit: 4, units: 45, size: 0x12, config: 0x29, dynamic: 0x28, grain: 2,
		version: []byte{0x00, 0x04, 0x04, 0x02, 0x01, 0x00, 0x0F, 0x03}},
	{kind: NTAG215, atqa: 0x0004, sak: 0x00, unit: 4, units: 135, size: 0x3E, config: 0x83, dynamic: 0x82, grain: 16,
		version: []byte{0x00, 0x04, 0x04, 0x02, 0x01, 0x00, 0x11, 0x03}},
	{kind: NTAG216, atqa: 0x0004, sak: 0x00, unit: 4, units: 231, size: 0x6D, config: 0xE3, dynamic: 0xE2, grain: 16,
		version: []byte{0x00, 0x04, 0x04, 0x02, 0x01, 0x00, 0x13, 0x03}},
	{kind: DESFire, atqa: 0x0304, sak: 0x20},
}

// Magic is how far a clone lets itself be changed.
type Magic int

// The clones.
const (
	Genuine Magic = iota
	// Gen1a opens to 40 (7 bits) and 43, and is read and written without keys,
	// block 0 too.
	Gen1a
	// Gen2 takes a write of block 0, or of pages 0 and 1, like any other.
	Gen2
)

// Traits are what sets a card apart from a good one. Numbers are of blocks or pages.
type Traits struct {
	Magic Magic
	// RefuseAuth: no key opens it, as with clones that leave the cipher out.
	RefuseAuth bool
	// Stale are written with a confirmation, and keep what they held.
	Stale []int
	// Protected answer a write with NAK.
	Protected []int
	// Dead give no answer at all.
	Dead []int
}

// keyFactory is the key of a card from the factory.
func keyFactory() []byte { return []byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF} }

// format fills a card as the factory does.
func (k *Card) format() {
	m := k.model
	k.mem = make([]byte, m.unit*m.units)
	switch {
	case m.classic():
		k.formatClassic()
	case m.type2():
		k.formatType2()
	}
}

func (k *Card) formatClassic() {
	m := k.model
	b := append([]byte{}, k.uid...)
	if len(k.uid) == 4 {
		b = append(b, k.uid[0]^k.uid[1]^k.uid[2]^k.uid[3])
	}
	atqa := k.atqa()
	b = append(b, m.sak, atqa[0], atqa[1])
	for i := len(b); i < 16; i++ {
		b = append(b, byte(0x60+i)) // the manufacturer's own
	}
	copy(k.mem, b)
	for s := range sectors(m.units) {
		trailer := k.mem[16*trailerOf(s):]
		copy(trailer, keyFactory())
		copy(trailer[6:], []byte{0xFF, 0x07, 0x80, 0x69}) // transport configuration
		copy(trailer[10:], keyFactory())
	}
}

func (k *Card) formatType2() {
	m, u := k.model, k.uid
	copy(k.mem, []byte{u[0], u[1], u[2], cascade ^ u[0] ^ u[1] ^ u[2], u[3], u[4], u[5], u[6], u[3] ^ u[4] ^ u[5] ^ u[6], 0x48})
	if m.size != 0 {
		copy(k.mem[12:], []byte{0xE1, 0x10, m.size, 0x00})
		copy(k.mem[16:], []byte{0x03, 0x00, 0xFE, 0x00}) // an empty NDEF message
	}
	if m.dynamic != 0 {
		k.mem[4*m.dynamic+3] = 0xBD
	}
	if m.config != 0 {
		config := k.mem[4*m.config:]
		config[0], config[3] = 0x04, 0xFF // no page asks for the password
		copy(config[8:], []byte{0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00})
	}
}
