package pn532

import "fmt"

// class says what can be done about a status that is not 00.
type class string

const (
	classRetry     class = "retryable" // by itself, within the tries of its line
	classOperator  class = "operator"  // a person must act, then ask again
	classPermanent class = "permanent" // the same request cannot work
)

// remedy is what is done before an operation is tried again.
type remedy int

const (
	noRemedy   remedy = iota
	reselect          // a card drops out after every error: select it again
	fieldReset        // field off and on, then select
	initialise        // configure the chip anew, then select
	climb             // the chip is silent: the ladder, then select
)

// statusInfo is what an error status means and how often it is tried again.
type statusInfo struct {
	name   string
	class  class
	tries  int
	remedy remedy
	reason Reason
	hint   string
}

const (
	hintRemoved   = "the card was taken away too early: hold it until the beep"
	hintRepeat    = "the card is hard to read: lay it flat, away from metal and other cards"
	hintBug       = "the request does not fit the NFC module: tell the support of this program"
	hintHardware  = "the NFC module reports a hardware fault: check its power supply, let it cool, replace it"
	hintProtocol  = "the card answers in a way that cannot be understood: take another card"
	hintState     = "the NFC module lost its place and was set up anew: ask again"
	hintAuth      = "the card is not blank or not ours: take a blank card"
	hintExchanged = "the card was exchanged or taken away: use one card and hold it until the beep"
)

// statuses are the error codes of the chip (UM0701-02, 7.1).
var statuses = map[byte]statusInfo{
	0x01: {"time-out", classOperator, 1, reselect, CardRemoved, hintRemoved},
	0x02: {"CRC error", classRetry, 3, reselect, CardDamaged, hintRepeat},
	0x03: {"parity error", classRetry, 3, reselect, CardDamaged, hintRepeat},
	0x04: {"erroneous bit count", classRetry, 3, reselect, CardDamaged, hintRepeat},
	0x05: {"framing error", classRetry, 3, reselect, CardDamaged, hintRepeat},
	0x06: {"bit collision", classRetry, 3, reselect, CardDamaged, "two cards lie on the encoder: one card only"},
	0x07: {"communication buffer too small", classPermanent, 0, noRemedy, ProtocolError, hintBug},
	0x09: {"RF buffer overflow", classPermanent, 0, noRemedy, ProtocolError, hintBug},
	0x0A: {"RF field not switched on in time", classRetry, 1, fieldReset, EncoderOffline, hintHardware},
	0x0B: {"RF protocol error", classRetry, 1, reselect, CardDamaged, hintProtocol},
	0x0D: {"overheated", classRetry, 1, fieldReset, EncoderOffline, hintHardware},
	0x0E: {"internal buffer overflow", classPermanent, 0, noRemedy, ProtocolError, hintBug},
	0x10: {"invalid parameter", classPermanent, 0, noRemedy, ProtocolError, hintBug},
	0x12: {"command not supported", classRetry, 1, reselect, CardDamaged, hintProtocol},
	0x13: {"data format", classRetry, 1, reselect, CardDamaged, hintProtocol},
	0x14: {"MIFARE authentication error", classOperator, 0, noRemedy, AuthRefused, hintAuth},
	0x23: {"wrong UID check byte", classRetry, 1, initialise, CardDamaged, hintState},
	0x25: {"invalid device state", classRetry, 1, initialise, ProtocolError, hintState},
	0x26: {"not allowed in this configuration", classRetry, 1, initialise, ProtocolError, hintState},
	0x27: {"not acceptable now", classRetry, 1, initialise, ProtocolError, hintState},
	0x29: {"released by its initiator", classRetry, 1, initialise, ProtocolError, hintState},
	0x2A: {"another card", classOperator, 0, noRemedy, CardRemoved, hintExchanged},
	0x2B: {"card disappeared", classOperator, 0, noRemedy, CardRemoved, hintExchanged},
	0x2D: {"over-current", classRetry, 1, fieldReset, EncoderOffline, hintHardware},
}

// statusError is a status that is not 00.
type statusError byte

func (e statusError) info() statusInfo {
	if info, ok := statuses[byte(e)]; ok {
		return info
	}
	return statusInfo{"not in the manual", classOperator, 0, noRemedy, ProtocolError, "the NFC module answers with a status that is not known"}
}

func (e statusError) Error() string {
	info := e.info()
	return fmt.Sprintf("%s (status %02X, %s)", info.hint, byte(e), info.name)
}

// statusOf reads the status that leads an answer; bits 7 and 6 belong to other
// kinds of cards.
func statusOf(b []byte) error {
	if len(b) == 0 {
		return errSyntax
	}
	if code := b[0] & 0x3F; code != 0 {
		return statusError(code)
	}
	return nil
}
