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
	MaxKeys          Reason = "max_keys"
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
