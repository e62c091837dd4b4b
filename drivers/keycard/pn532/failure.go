package pn532

import (
	"context"
	"errors"
	"fmt"

	"edgeagent/drivers"
)

// Reason is why a card was not made, from the closed set that all encoders share.
type Reason string

// The reasons of a Failure.
const (
	NoCard         Reason = "no_card"
	CardRemoved    Reason = "card_removed"
	CardWrongType  Reason = "card_wrong_type" // also one that holds what we did not write
	CardIsStaff    Reason = "card_is_staff"
	CardDamaged    Reason = "card_damaged" // or cannot be read or written
	AuthRefused    Reason = "auth_refused"
	EncoderOffline Reason = "encoder_offline"
	LinkLost       Reason = "link_down"
	BadRequest     Reason = "bad_request"
	ProtocolError  Reason = "protocol_error"
)

// Failure is the error of a request that did not end well. It unwraps to
// drivers.ErrRefused or drivers.ErrUnknown; to neither where nothing happened
// and the same request may be tried again.
type Failure struct {
	Reason Reason
	// Code is the chip's status in hexadecimal, "" if the failure is not its word.
	Code string
	// Hint says what is wrong and what a person can do, in one sentence.
	Hint string
	// Spoilt: the card's old content was overwritten in part, and it opens nothing now.
	Spoilt bool
	// Doubtful: it was being overwritten, and may be what it was or open nothing.
	Doubtful bool

	kind error
}

// Error says it in one line.
func (f *Failure) Error() string {
	text := f.Hint
	if f.Code != "" {
		text += " (status " + f.Code + ")"
	}
	if f.Spoilt {
		text += "; the card opens nothing now and can be written again"
	}
	if f.Doubtful {
		text += "; what the card held before may still be valid"
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

// again is the failure of a request that was not carried out: try again.
func again(reason Reason, hint string, args ...any) *Failure {
	return &Failure{Reason: reason, Hint: fmt.Sprintf(hint, args...)}
}

// verdict puts the error that ended a request into the agent's words. What it
// says of a Failure or a *drivers.LinkDown stands.
func verdict(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Failure](err); ok {
		return err
	}
	if _, ok := errors.AsType[*drivers.LinkDown](err); ok {
		return err
	}
	var status statusError
	var line *lineError
	switch {
	case errors.As(err, &status):
		info := status.info()
		f := refused(info.reason, "%s", info.hint)
		f.Code = fmt.Sprintf("%02X", byte(status))
		return f
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, errClosed):
		return fmt.Errorf("given up before a card was written: %w", err)
	case errors.As(err, &line), errors.Is(err, errNoAck), errors.Is(err, errTimeout), errors.Is(err, errNotPN532), errors.Is(err, errNotOpen):
		return &drivers.LinkDown{Err: err}
	case errors.Is(err, errSyntax):
		return refused(ProtocolError, "%s", hintBug)
	}
	return err
}

// remedyOf says how often an error is tried again, and what is done before.
func remedyOf(err error) (tries int, what remedy) {
	var status statusError
	var line *lineError
	switch _, isDown := errors.AsType[*drivers.LinkDown](err); {
	case isDown: // the ladder has been climbed
	case errors.As(err, &status):
		info := status.info()
		return info.tries, info.remedy
	case errors.As(err, &line), errors.Is(err, errNoAck), errors.Is(err, errTimeout):
		return 1, climb
	}
	return 0, noRemedy
}
