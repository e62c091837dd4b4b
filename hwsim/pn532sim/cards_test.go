package pn532sim

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// listed is a chip with one card in its field that was listed.
func listed(t *testing.T, card *Card) (*client, *Chip) {
	t.Helper()
	c := start(t, quick(nil))
	h, _ := overTCP(t, c)
	c.Present(card)
	relist(h, card)
	return h, c
}

func relist(h *client, card *Card) {
	h.T.Helper()
	h.Send(toChip("32 05 FF 01 02"))
	h.Want(append(ackFrame(), toHost("33")...))
	h.Send(toChip("4A 01 00"))
	h.Want(ackFrame())
	uid, atqa := card.UID(), card.atqa()
	h.Want(toHost(fmt.Sprintf("4B 01 01 %02X %02X %02X %02X % X", atqa[1], atqa[0], card.SAK(), len(uid), uid)))
}

func auth(h *client, card *Card, code byte, block int, key, answer string) {
	h.T.Helper()
	uid := card.UID()
	ask(h, fmt.Sprintf("40 01 %02X %02X %s % X", code, block, key, uid[len(uid)-4:]), "41 "+answer)
}

// Who may do what with a data block of the given condition, after key A and key
// B: the table of the data sheet, asked of the card.
func TestClassicAccessBits(t *testing.T) {
	data := "0102030405060708090A0B0C0D0E0F10"
	for _, tt := range []struct {
		bits                       string // of the trailer: data and trailer conditions
		c                          string
		readA, writeA, readB, writ bool
	}{
		// The trailer stands at 011, so that key B is a key.
		{"7F 07 88", "000", true, true, true, true},
		{"0F 07 8F", "010", true, false, true, false},
		{"78 77 88", "100", true, false, true, true},
		{"08 77 8F", "110", true, false, true, true},
		{"7F 00 F8", "001", true, false, true, false},
		{"0F 00 FF", "011", false, false, true, true},
		{"78 70 F8", "101", false, false, true, false},
		{"08 70 FF", "111", false, false, false, false},
	} {
		t.Run(tt.c, func(t *testing.T) {
			card := NewCard(Classic1K, uid4(), Traits{})
			copy(card.mem[16*7+6:], unhex(tt.bits))
			copy(card.mem[16*7+10:], unhex("B0 B1 B2 B3 B4 B5"))
			h, _ := listed(t, card)
			answer := func(ok bool, data string) string {
				if ok {
					return "41 00" + data
				}
				return "41 01"
			}
			for _, k := range []struct {
				code        byte
				key         string
				read, write bool
			}{{0x60, factoryA, tt.readA, tt.writeA}, {0x61, "B0 B1 B2 B3 B4 B5", tt.readB, tt.writ}} {
				relist(h, card)
				auth(h, card, k.code, 4, k.key, "00")
				ask(h, "40 01 30 04", answer(k.read, strings.Repeat("00", 16)))
				if !k.read {
					relist(h, card)
					auth(h, card, k.code, 4, k.key, "00")
				}
				ask(h, "40 01 A0 04"+data, answer(k.write, ""))
				if got := bytes.Equal(card.Dump()[64:80], unhex(data)); got != k.write {
					t.Errorf("key %02X: written: %v", k.code, got)
				}
				clear(card.mem[64:80])
			}
		})
	}
}

func TestClassicTrailer(t *testing.T) {
	card := NewCard(Classic1K, uid7(), Traits{})
	h, _ := listed(t, card)
	auth(h, card, 0x60, 7, factoryA, "00")
	// Key A is never read; key B is, in the transport configuration, and is no key then.
	ask(h, "40 01 30 07", "41 00 00 00 00 00 00 00 FF 07 80 69 FF FF FF FF FF FF")
	auth(h, card, 0x61, 7, factoryA, "00")
	ask(h, "40 01 30 04", "41 01")
	relist(h, card)
	auth(h, card, 0x60, 7, factoryA, "00")
	ask(h, "40 01 A0 07 A0 A1 A2 A3 A4 A5 7F 07 88 40 B0 B1 B2 B3 B4 B5", "41 00")
	auth(h, card, 0x60, 4, factoryA, "14")
	relist(h, card)
	auth(h, card, 0x60, 4, "A0 A1 A2 A3 A4 A5", "00")
	ask(h, "40 01 30 07", "41 00 00 00 00 00 00 00 7F 07 88 40 00 00 00 00 00 00")
	ask(h, "40 01 A0 07"+strings.Repeat("11", 16), "41 01") // only key B may now
	relist(h, card)
	auth(h, card, 0x61, 4, "B0 B1 B2 B3 B4 B5", "00")
	// Access bits that contradict themselves: the sector is lost for good.
	ask(h, "40 01 A0 07"+strings.Repeat("11", 16), "41 00")
	relist(h, card)
	auth(h, card, 0x60, 4, "11 11 11 11 11 11", "00")
	ask(h, "40 01 30 04", "41 01")
	relist(h, card)
	auth(h, card, 0x60, 8, factoryA, "00") // the next sector is as it was
	ask(h, "40 01 30 04", "41 01")         // and opens itself only
	writes := card.Writes()
	if len(writes) != 2 || writes[0].Unit != 7 || writes[0].At.After(writes[1].At) {
		t.Errorf("%v", writes)
	}
}

func TestClassic4K(t *testing.T) {
	card := NewCard(Classic4K, uid4(), Traits{})
	h, _ := listed(t, card)
	for _, block := range []int{2, 126, 128, 142, 144, 254} {
		auth(h, card, 0x60, trailerOf(sectorOf(block)), factoryA, "00")
		ask(h, fmt.Sprintf("40 01 30 %02X", block), "41 00"+strings.Repeat("00", 16))
	}
	if sectorOf(127) != 31 || sectorOf(128) != 32 || sectorOf(255) != 39 || trailerOf(32) != 143 || trailerOf(39) != 255 || sectors(256) != 40 {
		t.Error("the sectors of a 4K")
	}
}

func TestClassicRefusals(t *testing.T) {
	card := NewCard(Classic1K, uid4(), Traits{Stale: []int{5}, Protected: []int{6}, Dead: []int{8}})
	h, c := listed(t, card)
	ask(h, "40 01 30 04", "41 01") // no key yet
	relist(h, card)
	ask(h, "40 01 60 04"+factoryA+"00 00 00 00", "41 14") // another card's UID
	relist(h, card)
	auth(h, card, 0x60, 0, factoryA, "00")
	ask(h, "40 01 A0 00"+strings.Repeat("11", 16), "41 01") // block 0 of a good card
	relist(h, card)
	auth(h, card, 0x60, 4, factoryA, "00")
	ask(h, "40 01 A0 05"+strings.Repeat("11", 16), "41 00") // confirmed, and not written
	ask(h, "40 01 A0 06"+strings.Repeat("11", 16), "41 01")
	relist(h, card)
	auth(h, card, 0x60, 8, factoryA, "00")
	ask(h, "40 01 30 08", "41 01")
	if w := card.Writes(); len(w) != 1 || !w[0].Stale || card.Dump()[80] != 0 {
		t.Errorf("%v", w)
	}
	c.Take()
	refuses := NewCard(Classic1K, uid4(), Traits{RefuseAuth: true})
	c.Present(refuses)
	relist(h, refuses)
	auth(h, refuses, 0x60, 4, factoryA, "14")
	c.Take()
	staff := NewStaffCard([]byte{0x5A, 0x01, 0x02, 0x03})
	c.Present(staff)
	relist(h, staff)
	before := staff.Dump()
	for _, key := range []string{factoryA, "A0 A1 A2 A3 A4 A5", "D3 F7 D3 F7 D3 F7", "00 00 00 00 00 00"} {
		auth(h, staff, 0x60, 4, key, "14")
		relist(h, staff)
	}
	own := fmt.Sprintf("% X", before[16*7:16*7+6])
	auth(h, staff, 0x60, 4, own, "00")
	ask(h, "40 01 30 04", fmt.Sprintf("41 00 % X", before[64:80]))
	ask(h, "40 01 A0 04"+strings.Repeat("11", 16), "41 01")
	if !bytes.Equal(before, staff.Dump()) {
		t.Error("a staff card was changed")
	}
}

func TestValueBlocks(t *testing.T) {
	card := NewCard(Classic1K, uid4(), Traits{})
	h, _ := listed(t, card)
	auth(h, card, 0x60, 4, factoryA, "00")
	ask(h, "40 01 A0 04"+fmt.Sprintf("% X", valueBlock(100, 4)), "41 00")
	ask(h, "40 01 C1 04 0A 00 00 00", "41 00") // plus 10
	ask(h, "40 01 B0 04", "41 00")
	ask(h, "40 01 C0 04 03 00 00 00", "41 00") // minus 3
	ask(h, "40 01 B0 05", "41 00")
	ask(h, "40 01 C2 05 00 00 00 00", "41 00")
	ask(h, "40 01 B0 06", "41 00")
	for block, want := range map[int]int32{4: 110, 5: 107, 6: 107} {
		if v, ok := valueOf(card.Dump()[16*block:]); !ok || v != want {
			t.Errorf("block %d: %d", block, v)
		}
	}
	ask(h, "40 01 C1 07 01 00 00 00", "41 01")
}

func TestClones(t *testing.T) {
	gen1a := NewCard(Classic1K, uid4(), Traits{Magic: Gen1a})
	h, c := listed(t, gen1a)
	raw := func(crc bool, bits int) {
		mode := map[bool]string{true: "80", false: "00"}[crc]
		ask(h, "08 63 02"+mode+"63 03"+mode+fmt.Sprintf("63 3D %02X", bits), "09")
	}
	raw(false, 0)
	ask(h, "42 50 00 57 CD", "43 01") // HLTA is never answered
	raw(false, 7)
	ask(h, "42 40", "43 00 0A")
	ask(h, "06 63 3C", "07 14") // four bits have come
	raw(false, 0)
	ask(h, "42 43", "43 00 0A")
	raw(true, 0)
	ask(h, "40 01 A0 00 01 02 03 04 04 08 04 00 00 00 00 00 00 00 00 00", "41 00")
	ask(h, "40 01 30 03", "41 00 FF FF FF FF FF FF FF 07 80 69 FF FF FF FF FF FF")
	if !bytes.Equal(gen1a.UID(), []byte{1, 2, 3, 4}) {
		t.Errorf("UID % X", gen1a.UID())
	}
	c.Take()
	gen2 := NewCard(Classic1K, uid4(), Traits{Magic: Gen2})
	c.Present(gen2)
	relist(h, gen2)
	auth(h, gen2, 0x60, 0, factoryA, "00")
	ask(h, "40 01 A0 00 01 02 03 04 04 08 04 00 00 00 00 00 00 00 00 00", "41 00")
	if !bytes.Equal(gen2.UID(), []byte{1, 2, 3, 4}) {
		t.Errorf("UID % X", gen2.UID())
	}
	c.Take()
	good := NewCard(Classic1K, uid4(), Traits{})
	c.Present(good)
	relist(h, good)
	raw(false, 0)
	ask(h, "42 50 00 57 CD", "43 01")
	raw(false, 7)
	ask(h, "42 40", "43 01")
}

func TestNTAGReads(t *testing.T) {
	for _, tt := range []struct {
		kind    Kind
		last    int
		version string
	}{
		{NTAG213, 44, "00 04 04 02 01 00 0F 03"},
		{NTAG215, 134, "00 04 04 02 01 00 11 03"},
		{NTAG216, 230, "00 04 04 02 01 00 13 03"},
		{UltralightE, 19, "00 04 03 01 01 00 0B 03"},
	} {
		t.Run(string(tt.kind), func(t *testing.T) {
			card := NewCard(tt.kind, uid7(), Traits{})
			h, _ := listed(t, card)
			ask(h, "42 60", "43 00"+tt.version)
			ask(h, "40 01 30 00", fmt.Sprintf("41 00 % X", card.Dump()[:16]))
			// A read goes on at page 0 behind the last one, which hides PACK.
			ask(h, fmt.Sprintf("40 01 30 %02X", tt.last), fmt.Sprintf("41 00 00 00 00 00 % X", card.Dump()[:12]))
			ask(h, fmt.Sprintf("42 3A 04 %02X", 10), fmt.Sprintf("43 00 % X", card.Dump()[16:44]))
			ask(h, fmt.Sprintf("42 3A 04 %02X", tt.last+1), "43 02")
			relist(h, card)
			ask(h, fmt.Sprintf("40 01 30 %02X", tt.last+1), "41 01")
			relist(h, card)
			h.Send(toChip("40 01 60")) // collides with the command of a Classic
			h.Want(append(ackFrame(), errorFrame()...))
		})
	}
	plain := NewCard(Ultralight, uid7(), Traits{})
	h, _ := listed(t, plain)
	ask(h, "42 60", "43 01")
	relist(h, plain)
	ask(h, "40 01 30 0F", fmt.Sprintf("41 00 00 00 00 00 % X", plain.Dump()[:12]))
	ask(h, "40 01 A0 04 01 02 03 04"+strings.Repeat("00", 12), "41 00") // compatibility write
	if got := plain.Dump()[16:20]; !bytes.Equal(got, []byte{1, 2, 3, 4}) {
		t.Errorf("% X", got)
	}
}

// Lock and capability bits only ever become 1, and the bits that hold them hold.
func TestNTAGLocks(t *testing.T) {
	card := NewCard(NTAG213, uid7(), Traits{})
	h, _ := listed(t, card)
	refused := func(command string) {
		t.Helper()
		ask(h, command, "41 01")
		relist(h, card)
	}
	refused("40 01 A2 00 01 02 03 04")
	refused("40 01 A2 01 01 02 03 04")
	ask(h, "40 01 A2 03 00 0F 00 00", "41 00")
	if got := card.Dump()[12:16]; !bytes.Equal(got, unhex("E1 1F 12 00")) {
		t.Errorf("capability container % X", got)
	}
	ask(h, "40 01 A2 02 FF FF 10 00", "41 00") // page 4
	refused("40 01 A2 04 01 02 03 04")
	ask(h, "40 01 A2 05 01 02 03 04", "41 00")
	ask(h, "40 01 A2 02 00 00 02 00", "41 00") // hold the bits of pages 4 to 9
	ask(h, "40 01 A2 02 00 00 20 06", "41 00") // page 5 and 9 are held, page 10 is not
	ask(h, "40 01 A2 05 05 06 07 08", "41 00")
	ask(h, "40 01 A2 09 05 06 07 08", "41 00")
	refused("40 01 A2 0A 05 06 07 08")
	if got := card.Dump()[8:12]; !bytes.Equal(got, unhex("77 48 12 04")) {
		t.Errorf("lock bytes % X", got)
	}
	ask(h, "40 01 A2 28 01 00 00 00", "41 00") // pages 16 and 17
	refused("40 01 A2 11 01 02 03 04")
	ask(h, "40 01 A2 12 01 02 03 04", "41 00")
	ask(h, "40 01 A2 28 00 00 01 00", "41 00") // hold the bits of pages 16 to 19
	ask(h, "40 01 A2 28 02 00 00 00", "41 00")
	ask(h, "40 01 A2 12 05 06 07 08", "41 00")
	w := card.Writes()
	if last := w[len(w)-1]; last.Unit != 0x12 || !bytes.Equal(last.Old, []byte{1, 2, 3, 4}) || !bytes.Equal(last.New, []byte{5, 6, 7, 8}) {
		t.Errorf("%+v", last)
	}
}

func TestNTAGPassword(t *testing.T) {
	card := NewCard(NTAG213, uid7(), Traits{})
	h, _ := listed(t, card)
	ask(h, "40 01 A2 2B 11 22 33 44", "41 00") // PWD
	ask(h, "40 01 A2 2C AB CD 00 00", "41 00") // PACK
	ask(h, "40 01 A2 2A 82 00 00 00", "41 00") // reading too, two tries
	ask(h, "40 01 A2 29 04 00 00 06", "41 00") // from page 6 on
	ask(h, "40 01 A2 05 01 02 03 04", "41 00")
	ask(h, "40 01 A2 06 01 02 03 04", "41 01")
	relist(h, card)
	ask(h, "40 01 30 06", "41 01")
	relist(h, card)
	ask(h, "40 01 30 05", fmt.Sprintf("41 00 01 02 03 04 % X", card.Dump()[:12])) // the end is before page 6
	ask(h, "42 1B 00 00 00 00", "43 02")                                          // NAK
	relist(h, card)
	ask(h, "42 1B 11 22 33 44", "43 00 AB CD")
	ask(h, "40 01 A2 06 01 02 03 04", "41 00")
	ask(h, "40 01 30 2B", fmt.Sprintf("41 00"+strings.Repeat("00", 8)+"% X", card.Dump()[:8]))
	for range 2 {
		relist(h, card)
		ask(h, "42 1B 00 00 00 00", "43 02")
	}
	relist(h, card)
	ask(h, "42 1B 11 22 33 44", "43 02") // too late
}

// A raw anticollision by hand, as tools do it.
func TestAnticollisionByHand(t *testing.T) {
	card := NewCard(Classic1K, uid7(), Traits{})
	c := start(t, quick(nil))
	h, _ := overTCP(t, c)
	c.Present(card)
	ask(h, "32 01 01", "33")
	ask(h, "08 63 02 00 63 03 00 63 3D 07", "09")
	ask(h, "42 26", "43 00 44 00")
	ask(h, "08 63 3D 00", "09")
	ask(h, "42 93 20", "43 00 88 04 A2 B3 9D")
	ask(h, fmt.Sprintf("42 % X", withCRC(unhex("93 70 88 04 A2 B3 9D")...)), "43 00 04 DA 17")
	ask(h, "42 95 20", "43 00 C4 D5 E6 80 77")
	ask(h, fmt.Sprintf("42 % X", withCRC(unhex("95 70 C4 D5 E6 80 77")...)), fmt.Sprintf("43 00 % X", withCRC(0x08)))
	ask(h, "42 12 34", "43 00 01") // a frame without a CRC: NAK
}

func TestDESFire(t *testing.T) {
	card := NewCard(DESFire, uid7(), Traits{})
	c := start(t, quick(nil))
	h, _ := overTCP(t, c)
	c.Present(card)
	ask(h, "4A 01 00", "4B 01 01 03 44 20 07 04 A2 B3 C4 D5 E6 80 06 75 77 81 02 80")
	ask(h, "40 01 60", "41 00 6D 00")
	ask(h, "44 01", "45 00")
	ask(h, "40 01 60", "41 01")
}

func TestCardsThatCannotBe(t *testing.T) {
	for _, make := range []func(){
		func() { NewCard(NTAG213, uid4(), Traits{}) },
		func() { NewCard("paper", uid7(), Traits{}) },
		func() { NewCard(Classic1K, []byte{1}, Traits{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("there is such a card")
				}
			}()
			make()
		}()
	}
	card := NewCard(NTAG213, uid7(), Traits{})
	if card.Load(nil) == nil || card.Load(make([]byte, 180)) != nil {
		t.Error("a dump has a length")
	}
	lock := func(uid, dump []byte, at time.Time) bool { return uid[0] == 0x04 && dump[16] == 0x42 }
	if card.Opens(lock, time.Now()) {
		t.Error("the lock opens to an empty card")
	}
	card.mem[16] = 0x42
	if !card.Opens(lock, time.Now()) {
		t.Error("the lock does not open")
	}
}
