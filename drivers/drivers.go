// Package drivers holds the words of the device side: what a device is told
// (Command), what it can be told (Action), and what came of it (Receipt).
//
// A driver never loops over work, never waits between tries and never logs a
// failure: it tries once and says what happened. The lanes of internal/agent
// own repetition, order and patience.
package drivers

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"
	"periph.io/x/conn/v3"
)

// Driver is one device, or one controller of many: an encoder, the TVs behind
// a broker, a WiFi controller. Its methods may be called from several
// goroutines, as many as its kind's width allows.
type Driver interface {
	conn.Resource // String names the device as the property file does; Halt releases it

	// Do carries the command out and returns once the device itself has
	// confirmed. An error that is ErrRefused or ErrUnknown ends the command;
	// any other means: nothing happened, try again. With ErrUnknown the
	// receipt's Values are what would be true if it was carried out.
	Do(ctx context.Context, cmd Command) (Receipt, error)
	// Probe asks whether the device is there. It changes nothing.
	Probe(ctx context.Context) error
	// State says how the device stands, for the status page.
	State() State
}

// Follower is a driver that shows what another device has made, such as a TV
// with the guest's WiFi code on it.
type Follower interface {
	// Follow is told that what is known about a subject of a device has changed:
	// Site.Known has it. It returns at once.
	Follow(device, subject string)
}

// Remarker is a driver of which people must know something that is no trouble:
// what its device cannot do.
type Remarker interface {
	// Remark is a sentence without a full stop; "" for none.
	Remark() string
}

// The two ways in which a command ends without success. Wrap them with the
// reason in the words of whoever has to act: fmt.Errorf("%w: no card was
// presented", drivers.ErrRefused).
var (
	// ErrRefused: trying again will not help.
	ErrRefused = errors.New("refused")
	// ErrUnknown: it may or may not have been carried out. A person must look.
	ErrUnknown = errors.New("outcome unknown")
)

// RetryAfter is an error of a device that said when to come back. It is busy as
// a whole: the lane pauses for at least that long, and the command's own tries
// are not used up.
type RetryAfter struct {
	Wait time.Duration
	// Alone says that the device is free for other commands: this one waits, and
	// the lane goes on.
	Alone bool
	Err   error
}

func (e *RetryAfter) Error() string { return e.Err.Error() }
func (e *RetryAfter) Unwrap() error { return e.Err }

// LinkDown is an error about the device as a whole, not about the command: the
// lane pauses, and the command's own tries are not used up.
type LinkDown struct{ Err error }

func (e *LinkDown) Error() string { return e.Err.Error() }
func (e *LinkDown) Unwrap() error { return e.Err }

// Command tells a device to do one thing.
type Command struct {
	// ID is the same at every try, and never used for another command.
	ID string
	// Seq grows with every command of the gateway, across restarts.
	Seq    int64
	Device string
	Action string
	// Subject is what the command is about, "room:101" or "stay:9f…": commands
	// of one subject are carried out in order, and a newer setting of a
	// subject replaces an older unsent one.
	Subject string
	Params  map[string]string
	// Due is the earliest instant at which it may be carried out, such as half
	// an hour after a check-out; zero: at once. A lane waits for it; a driver
	// that looks at Site.Wanted must heed it too.
	Due time.Time
	// Accepted is when the gateway took the command on; zero if nobody knows.
	Accepted time.Time
	// Try counts from 1. A setting may have been carried out by an earlier try
	// whose reply was lost.
	Try int
	// Progress, if not nil, hears of steps that a person waits for. It returns at once.
	Progress func(Step)
}

// Step is a moment of a command that a person waits for, such as "present the card now".
type Step string

// The steps that drivers report.
const (
	StepSent     Step = "sent"
	StepAccepted Step = "accepted" // present the card now
	StepCardDone Step = "card done"
)

// Receipt is what came of a command that was carried out.
type Receipt struct {
	// Note is one sentence for people, without personal data or secrets.
	Note string `json:"note,omitempty"`
	// Values are what must be known later: a voucher's id and code, a card's
	// UID. They may be secret; they are stored, never logged.
	Values map[string]string `json:"values,omitempty"`
}

// ValueAt is the name of the value that says when the others became true.
const ValueAt = "at"

// ValueUnderWay is set in what Site.Known returns while another device is about
// to change it: who would act on it waits.
const ValueUnderWay = "under_way"

// ValueStay is the stay of a key that the room has. The agent adds it to what a
// driver remembers, and it is all that is known of a key whose driver could not say
// what it made.
const ValueStay = "stay"

// ValueDoubted is set in what Site.Known returns when nobody knows whether the
// last key came to be: its stay is told, and nothing else of what the room has.
const ValueDoubted = "doubted"

// ValueClosed is set in a receipt whose access has been ended: what it tells of
// lets nobody in, and may come back as it was.
const ValueClosed = "closed"

// LetsIn reports whether what a receipt of access tells of is worth showing to
// its guest: nobody has ended it, and its end is not past.
func LetsIn(values map[string]string, now time.Time) bool {
	until, err := time.Parse(time.RFC3339, values["until"])
	return values["code"] != "" && values[ValueClosed] == "" && (err != nil || now.Before(until))
}

// At is when the values of the receipt became true; zero if they do not say.
func (r Receipt) At() time.Time {
	at, err := time.Parse(time.RFC3339Nano, r.Values[ValueAt])
	if err != nil {
		return time.Time{}
	}
	return at
}

// Action is something that a kind of device can be told. It is data: rules are
// checked against it, and help and schema are made from it.
type Action struct {
	Name string
	Help string
	// Setting: states how a thing should be; repeatable, and a newer one
	// replaces an older unsent one. Otherwise it is a job: it happens at most
	// once and expires.
	Setting bool
	// Ends: takes something away, so that it is wanted after the stay too.
	Ends bool
	// Subject is a template of what it is about, such as "room:${room}".
	Subject string
	Params  []Param
	// Limit bounds one try, including the time a person needs.
	Limit time.Duration
	// Within is the default time after which a job is no longer wanted; settings have none.
	Within time.Duration
}

// Param is a parameter of an action.
type Param struct {
	Name, Help string
	Type       ParamType
	Required   bool
	// Default is a template used when a rule does not set the parameter, such as "${room}"; "" for none.
	Default string
	// OneOf lists the allowed values; nil for any.
	OneOf []string
}

// ParamType is the type of a parameter's value.
type ParamType string

// The types of parameters. All values travel as text.
const (
	Text    ParamType = "text"
	Integer ParamType = "integer"
	Flag    ParamType = "flag"    // true or false
	Instant ParamType = "instant" // RFC 3339
	Guests  ParamType = "guests"  // JSON array of {title, first, last, …}
)

// Condition is how a device stands.
type Condition string

// The conditions of a device.
const (
	Online      Condition = "online"
	Degraded    Condition = "degraded" // works in part: some encoder or TV behind it does not answer
	Busy        Condition = "busy"
	Quarantined Condition = "quarantined" // waits for a late answer before it takes new work
	Offline     Condition = "offline"
	Unset       Condition = "not tried yet"
)

// State is how a device stands, since when, and why.
type State struct {
	Condition Condition `json:"condition"`
	Since     time.Time `json:"since"`
	Reason    string    `json:"reason,omitempty"`
}

// Site is what a driver must know of the property it stands in.
type Site struct {
	// Property is the property's slug, such as "seaview": [a-z0-9_-]{1,64}.
	Property string
	// Label is the property's name for people.
	Label string
	// Zone is the property's time zone, never the gateway's.
	Zone *time.Location
	// Language is the property's default, a BCP 47 tag.
	Language string
	// Key is the property's secret for keyed hashes.
	Key []byte
	// Secret reads a secret by the file name that the property file gives.
	Secret func(file string) (string, error)
	// Wanted lists the newest setting of every subject of the named device,
	// sent or not: what the device should hold now.
	Wanted func(device string) []Command
	// Known returns the Values of the newest receipt that has any, for a
	// subject of the named device; nil if there is none. A driver finds there
	// after a restart what it once made. The func itself may be nil.
	Known func(device, subject string) map[string]string
	// Interrupted reports whether a job of the named device may still be under way
	// of which an earlier process did not learn the outcome. nil: nobody can say.
	Interrupted func(device string) bool
	// Late tells what became of a command that ended with ErrUnknown, once the
	// device has said so after all. It may be nil.
	Late func(commandID string, done bool, note string)
	Log  zerolog.Logger
}
