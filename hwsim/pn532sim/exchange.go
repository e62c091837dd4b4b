package pn532sim

import "bytes"

// The commands of MIFARE cards that the chip carries out itself (UM0701-02, 7.3.8).
const (
	mfAuthA     = 0x60
	mfAuthB     = 0x61
	mfRead      = 0x30
	mfWrite     = 0xA0 // 16 bytes
	mfWritePage = 0xA2 // 4 bytes
	mfTransfer  = 0xB0
	mfDecrement = 0xC0
	mfIncrement = 0xC1
	mfRestore   = 0xC2
)

// mfLength is the length of such a command, and 0 for any other.
func mfLength(code byte) int {
	switch code {
	case mfAuthA, mfAuthB:
		return 12 // block, 6 of the key, 4 of the UID
	case mfRead, mfTransfer:
		return 2
	case mfWrite:
		return 18
	case mfWritePage, mfDecrement, mfIncrement, mfRestore:
		return 6
	}
	return 0
}

// inDataExchange talks to a listed card (UM0701-02, 7.3.8).
func (c *Chip) inDataExchange(j *job, args []byte) reply {
	send := args[1:]
	if len(send) > 0 {
		if n := mfLength(send[0]); n != 0 && n != len(send) && !c.targetHasDEP(args[0]) {
			return reply{syntax: true}
		}
	}
	t, status := c.target(j, args[0])
	if status != statusOK {
		return c.ended(j, status)
	}
	data, status, alive := c.talk(j, t, send)
	if !alive {
		return reply{none: true}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.core.lastErr = status
	if status != statusOK {
		c.cryptoOff()
		return reply{data: []byte{status}}
	}
	return reply{data: append([]byte{statusOK}, data...)}
}

func (c *Chip) targetHasDEP(tg byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := int(tg&0x3F) - 1
	return i >= 0 && i < 2 && c.core.tg[i] != nil && c.core.tg[i].card.isoDEP()
}

// talk is one exchange as the card sees it; alive is false when the host has
// ended the command.
func (c *Chip) talk(j *job, t *target, send []byte) (data []byte, status byte, alive bool) {
	if len(send) == 0 {
		return nil, statusTimeout, c.sleep(c.cfg.CardTime, j.stop)
	}
	if t.card.isoDEP() {
		return c.apdu(j, t, send)
	}
	switch code := send[0]; code {
	case mfAuthA, mfAuthB:
		return c.authenticate(j, t, send)
	case mfWrite:
		if status, alive = c.confirmed(j, send[:2]); status == statusOK && alive {
			status, alive = c.confirmed(j, send[2:])
		}
		return nil, status, alive
	case mfWritePage, mfTransfer:
		status, alive = c.confirmed(j, send)
		return nil, status, alive
	case mfDecrement, mfIncrement, mfRestore:
		if status, alive = c.confirmed(j, send[:2]); status != statusOK || !alive {
			return nil, status, alive
		}
		// The card is silent when it has taken the operand.
		got, alive := c.once(j, send[2:])
		if len(got) > 0 {
			return nil, statusTimeout, alive
		}
		return nil, statusOK, alive
	}
	got, alive := c.once(j, send)
	f, status := merge(got)
	switch {
	case status != statusOK:
		return nil, status, alive
	case f.bits == 4 && f.data[0] == airACK:
		return nil, statusOK, alive
	case f.bits != 0:
		return nil, statusTimeout, alive
	}
	body, ok := uncrc(f.data)
	if !ok {
		return nil, statusCRC, alive
	}
	return body, statusOK, alive
}

// once sends bytes with their CRC and gives the card its time.
func (c *Chip) once(j *job, send []byte) (answers []airFrame, alive bool) {
	c.mu.Lock()
	answers = c.transmit(airFrame{data: withCRC(send...)})
	wait := c.cfg.CardTime
	if len(answers) == 0 {
		wait = c.comTimeout()
	}
	c.mu.Unlock()
	return answers, c.sleep(wait, j.stop)
}

// confirmed is once for what a card answers with a 4-bit ACK.
func (c *Chip) confirmed(j *job, send []byte) (status byte, alive bool) {
	answers, alive := c.once(j, send)
	f, status := merge(answers)
	if status == statusOK && (f.bits != 4 || f.data[0] != airACK) {
		status = statusTimeout
	}
	return status, alive
}

// authenticate opens a sector with a key. The cipher is not played through: the
// card is asked whether the key is right.
func (c *Chip) authenticate(j *job, t *target, send []byte) ([]byte, byte, bool) {
	block, key, uid := send[1], send[2:8], send[8:12]
	c.mu.Lock()
	status := byte(statusTimeout)
	if c.inField(t.card) && !c.overstayed(t.card, c.cfg.Clock.Now()) {
		c.write("air", Air, []byte{send[0], block}, "authentication, "+t.card.String())
		ok, answered := t.card.authenticate(send[0] == mfAuthB, block, key, uid, c.core.crypto)
		switch {
		case ok:
			status = statusOK
			c.core.crypto = true
			c.setBits(regStatus2, cryptoOn, cryptoOn)
		case answered:
			status = statusAuth
		}
		if t.card.used() {
			c.goes(t.card)
		}
	}
	c.mu.Unlock()
	return nil, status, c.sleep(c.cfg.CardTime, j.stop)
}

// apdu passes a command to a card that speaks ISO 14443-4. The blocks around it
// are not played through.
func (c *Chip) apdu(j *job, t *target, send []byte) ([]byte, byte, bool) {
	c.mu.Lock()
	status := byte(statusTimeout)
	var got []byte
	if c.inField(t.card) && t.card.listens() {
		c.write("air", Air, send, "")
		got, status = bytes.Clone([]byte{0x6D, 0x00}), statusOK // no such instruction
		c.write("air", Air, got, "from "+t.card.String())
	}
	c.mu.Unlock()
	return got, status, c.sleep(c.cfg.CardTime, j.stop)
}
