package pms

import (
	"context"
	"iter"
	"time"
)

// Source is a PMS link.
type Source interface {
	// String names the link as the property file does.
	String() string
	// Notices connects, goes on after the given offset ("" at first) and hands
	// over in order, at each yield all that has come in the meantime. An empty
	// batch says that the source has caught up: nothing older is waiting. The
	// sequence ends with the error that broke the stream, or when ctx is done;
	// after an error the caller comes back at once, the source itself knows how
	// long the PMS wants to be left alone.
	Notices(ctx context.Context, after string) iter.Seq2[[]Notice, error]
	// Acknowledge tells the PMS how a device command of its stands. nil: the PMS
	// has it, or knows a final state already.
	Acknowledge(ctx context.Context, a Answer) error
	// Link says how the connection stands, for the status page.
	Link() Link
}

// Answer is what the PMS is told of a device command: first that it was
// received, perhaps how far it is, in the end what came of it.
type Answer struct {
	CommandID string
	State     CommandState
	// Progress goes from 0 to 1; it counts with CommandProcessing only.
	Progress float64
	// Note is one sentence for the hotel's staff, without personal data; it
	// counts with a final state only.
	Note string
}

// CommandState is where a device command stands, in the PMS's own words.
type CommandState string

// The states of a device command that are told.
const (
	CommandReceived   CommandState = "Received"
	CommandProcessing CommandState = "Processing"
	CommandProcessed  CommandState = "Processed"
	CommandCancelled  CommandState = "Cancelled"
	CommandError      CommandState = "Error"
)

// Final reports whether a command ends with the state.
func (s CommandState) Final() bool {
	return s == CommandProcessed || s == CommandCancelled || s == CommandError
}

// LinkState is the state of a PMS link.
type LinkState string

// The states of a link. Parked: the PMS refused in a way that only a person
// can mend; the link is tried again rarely.
const (
	LinkWaiting    LinkState = "waiting"
	LinkConnecting LinkState = "connecting"
	LinkCatchingUp LinkState = "catching up"
	LinkLive       LinkState = "live"
	LinkDraining   LinkState = "draining"
	LinkParked     LinkState = "parked"
)

// Link is how a PMS link stands. It holds no personal data, token or key.
type Link struct {
	State LinkState `json:"state"`
	Since time.Time `json:"since"`
	// NextTry is when a waiting or parked link tries again.
	NextTry time.Time `json:"next_try,omitzero"`
	// Last is when anything was last heard, LastNotice when an event was.
	Last       time.Time `json:"last,omitzero"`
	LastNotice time.Time `json:"last_notice,omitzero"`
	// Problem says, in the installer's words, what is wrong and what to do; "" if nothing.
	Problem string `json:"problem,omitempty"`
	// MonitorOnly says why no notice of this link moves anything; "" if it does.
	MonitorOnly string `json:"monitor_only,omitempty"`
	// Alarms are conditions that do not stop the stream: a gap, a new epoch.
	Alarms []Alarm `json:"alarms,omitempty"`
}

// Alarm is something about a link that a person should know.
type Alarm struct {
	Code  string    `json:"code"`
	Text  string    `json:"text"`
	Since time.Time `json:"since"`
}

// Memory keeps the little that a source must remember across restarts beside
// its offset: when it may connect again, which fallback worked.
type Memory interface {
	Load() ([]byte, error) // nil at first
	Save([]byte) error     // durable when it returns
}

// Finding is one step of a check of a link, for an installer.
type Finding struct {
	// Step is what was tried, in a word: settings, token, upgrade.
	Step string
	OK   bool
	// Text says what happened, Advice which setting to change or whom to ask; "" if nothing.
	Text, Advice string
}
