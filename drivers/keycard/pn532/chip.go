package pn532

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The command codes (UM0701-02, 7.1). The chip answers with the code plus one.
const (
	cmdGetFirmwareVersion  = 0x02
	cmdPowerDown           = 0x16
	cmdSAMConfiguration    = 0x14
	cmdRFConfiguration     = 0x32
	cmdInDataExchange      = 0x40
	cmdInCommunicateThru   = 0x42
	cmdInDeselect          = 0x44
	cmdInListPassiveTarget = 0x4A
	cmdInRelease           = 0x52
)

const (
	// passiveTries bounds InListPassiveTarget, which would wait for a card for
	// ever; each try takes about 30 ms.
	passiveTries = 0x10
	sends        = 3 // of one frame that is not acknowledged
)

// limits are how long the chip is waited for.
type limits struct {
	ack, config, exchange, list time.Duration
	stale                       time.Duration // for the answer of a command that was aborted
	fieldOff                    time.Duration // in which a card loses its power
}

// usualLimits are those of a chip whose own clock is not run faster for a test.
func usualLimits() limits {
	l := limits{
		ack: 100 * time.Millisecond, config: time.Second, exchange: 500 * time.Millisecond,
		stale: 20 * time.Millisecond, fieldOff: 20 * time.Millisecond,
	}
	l.list = (passiveTries+1)*30*time.Millisecond + l.exchange
	return l
}

// overhead is what a frame has beside its data: preamble, start code, length
// and checksums of the extended form, TFI, postamble, and a few bytes more of preamble.
const overhead = 16

var (
	errNoAck    = errors.New("the NFC module does not answer")
	errTimeout  = errors.New("the NFC module took the command and did not answer it")
	errSyntax   = errors.New("the NFC module does not understand the command")
	errNotPN532 = errors.New("another chip answers, not a PN532")
)

// lineError is an error of the bus, not of the chip.
type lineError struct{ err error }

func (e *lineError) Error() string { return e.err.Error() }
func (e *lineError) Unwrap() error { return e.err }

// chip sends commands by the rules of exchange: an ACK in time or the frame
// again, one NACK for a damaged answer, an abort for one that does not come.
type chip struct {
	link   Link
	limits limits
	trace  func(sent bool, text string)
	// suspect: an answer of an earlier command may still come, and could be
	// taken for the next one's.
	suspect bool
}

// command sends a command and gives the data of its answer, without the code. n
// is how long that is at most. When the context ends, the chip is told to stop.
func (c *chip) command(ctx context.Context, limit time.Duration, n int, code byte, data ...byte) ([]byte, error) {
	if c.suspect {
		if err := c.fence(ctx); err != nil {
			return nil, err
		}
	}
	return c.exchange(ctx, limit, n, code, data)
}

// fence asks for the firmware version: what comes before that answer belongs to
// the past, and on some modules the first command after an abort is lost.
func (c *chip) fence(ctx context.Context) error {
	_, err := c.exchange(ctx, c.limits.config, 4, cmdGetFirmwareVersion, nil)
	if errors.Is(err, errTimeout) {
		_, err = c.exchange(ctx, c.limits.config, 4, cmdGetFirmwareVersion, nil)
	}
	c.suspect = err != nil
	return err
}

func (c *chip) exchange(ctx context.Context, limit time.Duration, n int, code byte, data []byte) ([]byte, error) {
	frame, err := appendFrame(nil, tfiHost, append([]byte{code}, data...)...)
	if err != nil {
		return nil, err
	}
	silence := errNoAck
	for try := range sends {
		if try > 0 {
			c.suspect = true // the chip may have taken the one before, and answer twice
		}
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		c.link.Drop()
		if err := c.link.Send(frame); err != nil {
			return nil, &lineError{err}
		}
		c.note(true, code, data)
		answer, err := c.acknowledged(ctx, code)
		switch {
		case errors.Is(err, ErrSilent):
			if Garbled(err) {
				silence = err
			}
			continue
		case err != nil:
			return nil, c.ended(ctx, err)
		case answer != nil:
			return answer, nil
		}
		answer, err = c.answered(ctx, limit, n, code)
		return answer, c.ended(ctx, err)
	}
	return nil, silence
}

// acknowledged waits for the ACK of a frame. An answer that comes instead means
// that the ACK was lost.
func (c *chip) acknowledged(ctx context.Context, code byte) ([]byte, error) {
	for deadline := time.Now().Add(c.limits.ack); ; {
		f, err := c.link.Receive(ctx, len(ackFrame), time.Until(deadline))
		switch {
		case err != nil:
			return nil, err
		case f.kind == kindAck:
			return nil, nil
		case f.answers(code):
			c.suspect = true
			c.note(false, code+1, f.data[1:])
			return f.data[1:], nil
		case f.kind == kindError:
			return nil, errSyntax
		case f.kind == kindDamaged:
			return nil, ErrSilent
		}
	}
}

// answered waits for the answer of a command that was acknowledged.
func (c *chip) answered(ctx context.Context, limit time.Duration, n int, code byte) ([]byte, error) {
	asked := false
	for deadline := time.Now().Add(limit); ; {
		f, err := c.link.Receive(ctx, n+overhead, time.Until(deadline))
		switch {
		case err != nil:
			return nil, err
		case f.answers(code):
			c.note(false, code+1, f.data[1:])
			return f.data[1:], nil
		case f.kind == kindError:
			return nil, errSyntax
		case f.kind == kindDamaged && asked:
			return nil, ErrSilent
		case f.kind == kindDamaged:
			asked, c.suspect = true, true
			if err := c.link.Send(nackFrame[:]); err != nil {
				return nil, err
			}
		}
	}
}

// answers reports whether a frame is the answer to a command. A late answer to
// another is none.
func (f Frame) answers(code byte) bool {
	return f.kind == kindData && f.tfi == tfiChip && len(f.data) > 0 && f.data[0] == code+1
}

// ended names the error that ended a wait; a command that may still run is aborted.
func (c *chip) ended(ctx context.Context, err error) error {
	switch {
	case err == nil, errors.Is(err, errSyntax):
		return err
	case errors.Is(err, ErrSilent):
		c.abort()
		return errTimeout
	case ctx.Err() != nil:
		c.abort()
		return err
	}
	return &lineError{err}
}

// abort stops the command that runs, and drops the answer that it may have given.
func (c *chip) abort() {
	c.suspect = true
	if c.link.Send(ackFrame[:]) != nil {
		return // the next command says so
	}
	_, _ = c.link.Receive(context.Background(), maxContent, c.limits.stale)
	c.link.Drop()
}

// note tells the trace what went over the line: what a card holds, keys and
// numbers of cards stay out of it.
func (c *chip) note(sent bool, code byte, data []byte) {
	if c.trace == nil {
		return
	}
	if !sent {
		code--
	}
	shown := data
	switch {
	case code == cmdInListPassiveTarget && !sent:
		shown = data[:min(5, len(data))] // up to SAK
	case code == cmdInDataExchange && sent:
		shown = data[:min(3, len(data))] // target, command of the card, address
	case code == cmdInDataExchange, code == cmdInCommunicateThru:
		shown = data[:min(1, len(data))] // status, or command of the card
	}
	text := fmt.Sprintf("%s % X", commandName(code), shown)
	if rest := len(data) - len(shown); rest > 0 {
		text += fmt.Sprintf(" <%d>", rest)
	}
	c.trace(sent, text)
}

func commandName(code byte) string {
	switch code {
	case cmdGetFirmwareVersion:
		return "GetFirmwareVersion"
	case cmdPowerDown:
		return "PowerDown"
	case cmdSAMConfiguration:
		return "SAMConfiguration"
	case cmdRFConfiguration:
		return "RFConfiguration"
	case cmdInDataExchange:
		return "InDataExchange"
	case cmdInCommunicateThru:
		return "InCommunicateThru"
	case cmdInDeselect:
		return "InDeselect"
	case cmdInListPassiveTarget:
		return "InListPassiveTarget"
	}
	return "InRelease"
}
