package keycard

import (
	"fmt"

	"edgeagent/drivers"
)

// Reason is why a key was not made, in words that do not depend on the make of
// the lock system.
type Reason string

// The reasons of a Failure.
const (
	NoCard           Reason = "no_card"
	CardIsStaff      Reason = "card_is_staff"
	CardDamaged      Reason = "card_damaged"
	EncoderBusy      Reason = "encoder_busy"
	EncoderOffline   Reason = "encoder_offline"
	InterfaceBusy    Reason = "interface_busy"
	LinkLost         Reason = "link_down"
	RoomUnknown      Reason = "room_unknown"
	RoomOutOfService Reason = "room_out_of_service"
	RoomNotCheckedIn Reason = "room_not_checked_in"
	BadRequest       Reason = "bad_request"
	LockSystemError  Reason = "lock_system_error"
	ProtocolError    Reason = "protocol_error"
	Timeout          Reason = "timeout"
	Cancelled        Reason = "cancelled"
)

// Failure is the error of a command that did not end well. It unwraps to
// drivers.ErrRefused or drivers.ErrUnknown; to neither where nothing happened
// and the same command may be tried again.
type Failure struct {
	Reason Reason
	// Code is the lock system's own code, "" if the failure is not its word.
	Code string
	// Hint says what is wrong and what a person can do, in one sentence.
	Hint string
	// Made counts the cards that were finished before it; Wanted all that were asked for.
	Made, Wanted int

	kind error
}

// Error says it in one line.
func (f *Failure) Error() string {
	text := f.Hint
	if f.Code != "" {
		text += " (code " + f.Code + ")"
	}
	if f.Made > 0 {
		text = fmt.Sprintf("%d of %d cards were made, then: %s", f.Made, f.Wanted, text)
	}
	if f.kind != nil {
		text = f.kind.Error() + ": " + text
	}
	return text
}

// Unwrap gives drivers.ErrRefused, drivers.ErrUnknown or nil.
func (f *Failure) Unwrap() error { return f.kind }

func refused(reason Reason, hint string, args ...any) *Failure {
	return &Failure{Reason: reason, Hint: fmt.Sprintf(hint, args...), kind: drivers.ErrRefused}
}

func unknown(reason Reason, hint string, args ...any) *Failure {
	return &Failure{Reason: reason, Hint: fmt.Sprintf(hint, args...), kind: drivers.ErrUnknown}
}

// again is the failure of a command that was not carried out: try again.
func again(reason Reason, hint string, args ...any) *Failure {
	return &Failure{Reason: reason, Hint: fmt.Sprintf(hint, args...)}
}

// class says what can be done about an error result.
type class string

const (
	classRetry     class = "retryable" // by itself, after a pause
	classOperator  class = "operator"  // a person must act, then ask again
	classPermanent class = "permanent" // the same request cannot work
)

// codeInfo is what an error code of the lock system means.
type codeInfo struct {
	class  class
	reason Reason
	hint   string
}

// saltoCodes are the error codes of the Industry Standard link in SALTO's
// dialect. EN and ER are known from relatives only.
var saltoCodes = map[string]codeInfo{
	"ES": {classPermanent, BadRequest, "the lock system does not understand the request: check encoder name, rooms and authorisations in the property file"},
	"NC": {classOperator, EncoderOffline, "the encoder does not answer: check its power, cable and its name in the property file"},
	"NF": {classPermanent, LockSystemError, "database files of the lock system are damaged or missing: call its support"},
	"OV": {classRetry, EncoderBusy, "the encoder is busy with another card"},
	"EO": {classRetry, EncoderBusy, "another station is working on this room or card"},
	"EP": {classOperator, NoCard, "no card, or it lies wrongly: place or turn the card and ask again"},
	"ED": {classOperator, NoCard, "no card was presented: ask again and hold a card to the encoder"},
	"EF": {classOperator, CardDamaged, "the card cannot be written: take another and hold it until the beep"},
	"EN": {classOperator, CardDamaged, "the magnetic signal is weak: clean the encoder's head and take another card"},
	"EV": {classOperator, CardIsStaff, "this is a staff card: take a blank one"},
	"EA": {classPermanent, RoomNotCheckedIn, "the room is checked out in the lock system: make a new key instead of a copy"},
	"TD": {classPermanent, RoomUnknown, "the lock system does not know the room: map it under rooms in the property file"},
	"OS": {classPermanent, RoomOutOfService, "the room is out of service in the lock system: release it there"},
	"EG": {classOperator, LockSystemError, "the lock system reports an error"},
	"ER": {classOperator, LockSystemError, "the lock system reports an error"},
}

// codeOf looks a code up; one that nobody knows is shown to the operator as it is.
func codeOf(codes map[string]codeInfo, code string) codeInfo {
	if info, ok := codes[code]; ok {
		return info
	}
	return codeInfo{classOperator, LockSystemError, "the lock system answers with a code that is not known"}
}
