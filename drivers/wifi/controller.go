package wifi

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// controller is one product. Its methods may be called from several
// goroutines, but for one stay only from one at a time. Errors are those of
// drivers.Driver.
type controller interface {
	// Ensure makes the credential of a stay as the grant says, or finds it, or
	// replaces it. Calling it twice yields one credential.
	Ensure(ctx context.Context, g Grant) (Credential, error)
	// Revoke ends the credential and, with cut, the sessions that it let in.
	// What is gone already is success.
	Revoke(ctx context.Context, stay Stay, cut bool) (Revoked, error)
	// List returns all credentials that carry our marker; with an error beside
	// them, those that could be read.
	List(ctx context.Context) ([]Credential, error)
	// Probe checks reach, key, site and rights, and changes nothing.
	Probe(ctx context.Context) (Report, error)
	// Caps says what the product can do.
	Caps() Caps
}

// Stay is a stay as a controller knows it.
type Stay struct {
	// Key is the stay key: 16 hexadecimal digits of a keyed hash.
	Key string
	// Known are the values of the stay's newest receipt; nil if there is none.
	Known map[string]string
}

// marker is the note, name or comment by which our objects are found again. It
// has at most 32 characters and none that a product is known to lose.
func (s Stay) marker() string { return markerPrefix + s.Key }

const markerPrefix = "htl:"

var stayKey = regexp.MustCompile(`^[0-9a-f]{16}(-[0-9]{1,11})?$`)

// Grant is the access that a stay should have. Rates are in kbit/s as the
// guest sees them; zero is no limit. Data is in MB, which is 10^6 in some
// products and 2^20 in others: a cap is approximate.
type Grant struct {
	Stay
	Room string
	// Until is when access ends: departure and grace.
	Until time.Time
	// Overdue says that the departure lay in the past, so that Until is the
	// shortest access that is granted, counted from now; Departed is then
	// departure and grace.
	Overdue  bool
	Departed time.Time
	Devices  int
	Tier
}

// Credential is what lets a guest in.
type Credential struct {
	Key  string // of the stay
	ID   string // the controller's
	User string // "" where the code is all that a guest types
	Code string
	// Shown is the code as its guest reads it best; "" for as it is.
	Shown string
	// Codes are all codes the stay has had, as far as known, with Code.
	Codes []string
	// Since is when the first of them was made.
	Since time.Time
	// Created is when this one was made, by the gateway's clock.
	Created time.Time
	Live    bool
}

func (c Credential) codes() string { return strings.Join(c.Codes, " ") }

// Revoked says what a revoke found and ended.
type Revoked struct {
	Credentials, Sessions int
}

func (r Revoked) String() string {
	if r == (Revoked{}) {
		return "WiFi access was closed already"
	}
	return fmt.Sprintf("WiFi access closed: %s removed, %s cut", plural(r.Credentials, "code"), plural(r.Sessions, "device"))
}

// Report is what a probe found.
type Report struct {
	Product, Version string
	Site             string
	// Skew is how far the controller's clock is ahead of the gateway's.
	Skew time.Duration
}

// maxSkew is how far the clocks may differ before a person is told.
const maxSkew = 2 * time.Minute

// Caps are the abilities in which products differ.
type Caps struct {
	ChooseCode     bool // we choose what the guest types
	ChooseUser     bool // we choose the account's name
	AbsoluteExpiry bool // a credential ends at an instant, used or not
	Extend         bool // a credential's end can be changed
	RateLimit      bool
	DataCap        bool
	DeviceLimit    bool
	FindByNote     bool // our marker can be searched for
	CutSession     bool
	SecretReadable bool // the code can be read again
}
