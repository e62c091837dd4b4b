package pn532sim

import (
	"bytes"
	"time"
)

// The statuses that come of what happens here (UM0701-02, 7.1).
const (
	statusOK        = 0x00
	statusTimeout   = 0x01 // no answer, or NAK
	statusCRC       = 0x02
	statusCollision = 0x06
	statusFieldOff  = 0x0A
	statusAuth      = 0x14
	statusContext   = 0x27 // not acceptable in this context
)

// inListPassiveTarget looks for cards (UM0701-02, 7.3.5). Of its types only
// 106 kbit/s type A has cards here.
func (c *Chip) inListPassiveTarget(j *job, args []byte) reply {
	maxTg, brTy := args[0], args[1]
	if maxTg < 1 || maxTg > 2 || brTy > 4 {
		return reply{syntax: true}
	}
	uid, ok := uncascade(args[2:])
	if brTy == 0 && !ok {
		return reply{syntax: true}
	}
	c.mu.Lock()
	tries := int(c.core.retries[2])
	if !c.core.ready {
		c.blame(j.out.name(), RuleSetUp, "InListPassiveTarget before SAMConfiguration")
	}
	c.mu.Unlock()
	for try := 0; try <= tries || tries == 0xFF; try++ {
		found := c.poll(int(maxTg), brTy == 0, uid)
		if len(found) > 0 {
			return reply{data: append([]byte{byte(len(found))}, bytes.Join(found, nil)...), none: !c.sleep(c.cfg.CardTime, j.stop)}
		}
		if !c.sleep(c.cfg.PollTime, j.stop) {
			return reply{none: true}
		}
	}
	return reply{data: []byte{0}}
}

// uncascade reads the UID that a host wants: 4 bytes, or 7 or 10 with their
// cascade tags.
func uncascade(b []byte) ([]byte, bool) {
	switch {
	case len(b) == 0:
		return nil, true
	case len(b) == 4:
		return b, true
	case len(b) == 8 && b[0] == cascade:
		return b[1:], true
	case len(b) == 12 && b[0] == cascade && b[4] == cascade:
		return append(bytes.Clone(b[1:4]), b[5:]...), true
	}
	return nil, false
}

// poll is one try to list cards; it returns the target data of each.
func (c *Chip) poll(most int, typeA bool, uid []byte) (found [][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.core.tg, c.core.active = [2]*target{}, -1
	c.cryptoOff()
	if !c.core.ready {
		return nil
	}
	c.empower()
	c.deskPolls()
	if !typeA {
		return nil
	}
	c.setBits(regTxMode, modeCRC|modeFraming, modeCRC)
	c.setBits(regRxMode, modeCRC|modeFraming, modeCRC)
	for i := range most {
		if i > 0 {
			c.haltCard()
		}
		card, atqa, ok := c.pickUp(airREQA, uid)
		if !ok {
			break
		}
		c.core.tg[i], c.core.active = &target{card: card}, i
		id := card.UID()
		data := append([]byte{byte(i + 1), atqa[1], atqa[0], card.SAK(), byte(len(id))}, id...)
		if c.core.parameters&paramRATS != 0 && card.isoDEP() {
			for _, a := range c.transmit(airFrame{data: withCRC(airRATS, 0x50)}) {
				ats, _ := uncrc(a.data)
				data = append(data, ats...)
			}
		}
		found = append(found, data)
	}
	return found
}

// haltCard sends the active card to sleep, so that another can be found or
// woken. The caller holds c.mu.
func (c *Chip) haltCard() { c.transmit(airFrame{data: withCRC(airHLTA, 0x00)}) }

// inAutoPoll looks for cards again and again (UM0701-02, 7.3.13): times,
// period in 150 ms, types.
func (c *Chip) inAutoPoll(j *job, args []byte) reply {
	times, period := int(args[0]), time.Duration(args[1])*150*time.Millisecond
	if times == 0 || args[1] < 1 || args[1] > 0x0F {
		return reply{syntax: true}
	}
	for n := 0; n < times || times == 0xFF; n++ {
		for _, kind := range args[2:] {
			typeA := kind == 0x00 || kind == 0x10 || kind == 0x20
			found := c.poll(1, typeA, nil)
			if len(found) == 0 { // it may have been left active by the type before
				found = c.poll(1, typeA, nil)
			}
			if len(found) == 0 {
				continue
			}
			c.mu.Lock()
			dep := c.core.tg[0].card.isoDEP()
			c.mu.Unlock()
			if kind == 0x00 || dep == (kind == 0x20) {
				return reply{data: append([]byte{1, kind, byte(len(found[0]))}, found[0]...), none: !c.sleep(c.cfg.CardTime, j.stop)}
			}
		}
		if !c.sleep(period, j.stop) {
			return reply{none: true}
		}
	}
	return reply{data: []byte{0}}
}

// target finds a listed target and makes it the active one. Its status is not
// 0 if there is none.
func (c *Chip) target(j *job, tg byte) (*target, byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := int(tg&0x3F) - 1
	if i < 0 || i > 1 || c.core.tg[i] == nil {
		c.blame(j.out.name(), RuleTarget, "target %d is not listed", i+1)
		return nil, statusContext
	}
	t := c.core.tg[i]
	if !c.core.fieldOn {
		return t, statusFieldOff
	}
	if c.core.active == i {
		return t, statusOK
	}
	// The other one is put to sleep and this one woken (UM0701-02, 7.3.12).
	if c.activeTarget() != nil {
		c.haltCard()
	}
	c.cryptoOff()
	c.core.active = i
	if _, _, ok := c.pickUp(airWUPA, t.card.UID()); !ok {
		return t, statusTimeout
	}
	return t, statusOK
}

// inSelect makes a listed target the active one (UM0701-02, 7.3.12).
func (c *Chip) inSelect(j *job, args []byte) reply {
	_, status := c.target(j, args[0])
	return c.ended(j, status)
}

// inDeselect puts targets to sleep, 00 for all; they stay listed (UM0701-02, 7.3.10).
func (c *Chip) inDeselect(j *job, args []byte) reply { return c.letGo(j, args[0], false) }

// inRelease puts targets to sleep and forgets them (UM0701-02, 7.3.11).
func (c *Chip) inRelease(j *job, args []byte) reply { return c.letGo(j, args[0], true) }

func (c *Chip) letGo(j *job, tg byte, forget bool) reply {
	if tg > 2 {
		return c.ended(j, statusContext)
	}
	c.mu.Lock()
	status := byte(statusOK)
	if tg != 0 && c.core.tg[tg-1] == nil {
		status = statusContext
		c.blame(j.out.name(), RuleTarget, "target %d is not listed", tg)
	}
	for i, t := range c.core.tg {
		if t == nil || tg != 0 && int(tg) != i+1 {
			continue
		}
		if t.card.isoDEP() && c.core.active == i {
			t.card.deselect()
		}
		if forget {
			c.core.tg[i] = nil
			if c.core.active == i {
				c.core.active = -1
			}
		}
	}
	c.cryptoOff()
	c.mu.Unlock()
	return c.ended(j, status)
}

// ended is a response of a status and no more.
func (c *Chip) ended(j *job, status byte) reply {
	c.mu.Lock()
	c.core.lastErr = status
	c.mu.Unlock()
	return c.plain(j, status)
}

// inCommunicateThru sends bytes as they are, with what the registers say about
// CRC and the bits of the last byte (UM0701-02, 7.3.9).
func (c *Chip) inCommunicateThru(j *job, args []byte) reply {
	c.mu.Lock()
	tx, rx := c.core.regs[regTxMode], c.core.regs[regRxMode]
	f := airFrame{data: bytes.Clone(args), bits: int(c.core.regs[regBitFraming] & lastBits)}
	if tx&modeCRC != 0 {
		f.data = withCRC(args...)
	}
	var answers []airFrame
	on := c.core.fieldOn
	if tx&modeFraming == 0 && len(args) > 0 { // without data the chip only listens
		answers = c.transmit(f)
	}
	wait := c.cfg.CardTime
	if len(answers) == 0 {
		wait = c.comTimeout()
	}
	c.mu.Unlock()
	if !c.sleep(wait, j.stop) {
		return reply{none: true}
	}
	got, status := merge(answers)
	if !on {
		status = statusFieldOff
	}
	if status == statusOK && rx&modeCRC != 0 {
		body, ok := uncrc(got.data)
		if got.bits != 0 || !ok {
			status = statusCRC
		}
		got.data = body
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.core.lastErr = status
	if status != statusOK {
		return reply{data: []byte{status}}
	}
	c.setBits(regControl, lastBits, byte(got.bits))
	return reply{data: append([]byte{statusOK}, got.data...)}
}

// merge is what the receiver makes of the answers of all cards.
func merge(answers []airFrame) (airFrame, byte) {
	if len(answers) == 0 {
		return airFrame{}, statusTimeout
	}
	for _, a := range answers[1:] {
		if a.bits != answers[0].bits || !bytes.Equal(a.data, answers[0].data) {
			return airFrame{}, statusCollision
		}
	}
	return answers[0], statusOK
}
