package pn532sim

// The registers of the contactless unit that mean something here
// (PN532 data sheet 115430, 8.6.23; the same addresses in UM0701-02, 7.2.4).
const (
	regTxMode     = 0x6302 // bit 7 CRC, bits 6-4 speed, bits 1-0 framing
	regRxMode     = 0x6303
	regStatus2    = 0x6338 // bit 3: Crypto1 is on
	regControl    = 0x633C // bits 2-0: valid bits of the last byte received
	regBitFraming = 0x633D // bits 2-0: bits of the last byte to send

	modeCRC     = 0x80
	modeFraming = 0x03
	cryptoOn    = 0x08
	lastBits    = 0x07
)

// registersAtReset are those that do not start as 00. Nobody changes the table.
var registersAtReset = map[uint16]byte{
	0x6305: 0x40, // CIU_TxAuto: force 100 % ASK
	0x6306: 0x10, // CIU_TxSel
	0x6307: 0x84, // CIU_RxSel
	0x6308: 0x84, // CIU_RxThreshold
	0x6309: 0x4D, // CIU_Demod
	0x630C: 0x62, // CIU_MifNFC
	0x6331: 0x20, // CIU_Command
	0x633B: 0x08, // CIU_WaterLevel

	regTxMode:  modeCRC,
	regRxMode:  modeCRC,
	regControl: 0x10, // initiator
}

// readRegister answers one byte for each address of two (UM0701-02, 7.2.4).
func (c *Chip) readRegister(j *job, args []byte) reply {
	if len(args)%2 != 0 {
		return reply{syntax: true}
	}
	var out []byte
	c.mu.Lock()
	for i := 0; i < len(args); i += 2 {
		out = append(out, c.core.regs[uint16(args[i])<<8|uint16(args[i+1])])
	}
	c.mu.Unlock()
	return c.plain(j, out...)
}

// writeRegister takes an address of two bytes and a value, as often as wanted
// (UM0701-02, 7.2.5).
func (c *Chip) writeRegister(j *job, args []byte) reply {
	if len(args)%3 != 0 {
		return reply{syntax: true}
	}
	c.mu.Lock()
	for i := 0; i < len(args); i += 3 {
		addr, v := uint16(args[i])<<8|uint16(args[i+1]), args[i+2]
		if addr == regStatus2 && v&cryptoOn == 0 {
			c.core.crypto = false // it can be switched off by hand, not on
		}
		c.core.regs[addr] = v
	}
	c.mu.Unlock()
	return c.plain(j)
}

// setBits changes some bits of a register. The caller holds c.mu.
func (c *Chip) setBits(addr uint16, mask, v byte) {
	c.core.regs[addr] = c.core.regs[addr]&^mask | v&mask
}
