package mewssim

import (
	"encoding/json"
	"time"
)

// Service is something the property sells.
type Service struct {
	ID, Name string
	// Bookable ones have reservations; Additional ones are products.
	Bookable         bool
	Created, Updated time.Time
}

// Category is a kind of resource of a service.
type Category struct {
	ID, Service, Name string
	// Type is like Room, Suite, Bed, Dorm, ParkingSpot.
	Type             string
	Created, Updated time.Time
}

// Room is a resource: a room, a bed, a parking spot.
type Room struct {
	ID, Name, Category, Floor string
	// Parent is the room a bed stands in, "" for none.
	Parent string
	// State is Dirty, Clean, Inspected, OutOfService or OutOfOrder.
	State            string
	Inactive         bool
	Locks            []string // LockIds of its keys; nil means its name
	Created, Updated time.Time
}

// assignment ties a room to its category.
type assignment struct {
	id, room, category string
	created            time.Time
}

// Customer is a profile. Empty fields have no value.
type Customer struct {
	ID, Number string
	// Title is Mister, Miss or Misses.
	Title, Sex, FirstName, LastName, SecondLastName string
	Nationality                                     string
	// PreferredLanguage is the profile's, Language Mews' guess; both like de-DE.
	PreferredLanguage, Language  string
	BirthDate                    string // YYYY-MM-DD
	Email, Phone, Loyalty, Notes string
	Classifications              []string
	// MergedInto is the surviving profile, after a merge.
	MergedInto       string
	Inactive         bool
	Created, Updated time.Time
	Deleted          time.Time
}

// The states of a reservation.
const (
	Inquired   = "Inquired"
	Requested  = "Requested"
	Optional   = "Optional"
	Confirmed  = "Confirmed"
	Started    = "Started"   // checked in
	CheckedOut = "Processed" // as it reads on the wire
	Canceled   = "Canceled"  // with one l, unlike a command's
)

// Reservation is a booking of a service.
type Reservation struct {
	ID, Number, Service, Group string
	// Owner is a customer, or a company if Company.
	Owner   string
	Company bool
	State   string
	// Category is the one asked for; Room is "" while none is assigned.
	Category, Room string
	// Arrival and Departure are scheduled, In and Out what became of them.
	Arrival, Departure, In, Out time.Time
	Adults                      int
	CancellationReason          string
	Created, Updated, Cancelled time.Time
}

// start and end follow the deprecated StartUtc and EndUtc, which an early
// check-in and a check-out rewrite. Events still carry them.
func (r *Reservation) start() time.Time {
	if r.In.IsZero() {
		return r.Arrival
	}
	return r.In
}

func (r *Reservation) end() time.Time {
	if r.Out.IsZero() {
		return r.Departure
	}
	return r.Out
}

// Companionship is one more guest of a reservation.
type Companionship struct {
	ID, Reservation, Group, Customer string
	Created, Updated                 time.Time
}

// The types of devices Mews knows.
const (
	KeyCutter       = "KeyCutter"
	Printer         = "Printer"
	PassportScanner = "PassportScanner"
	PaymentTerminal = "PaymentTerminal"
	FiscalMachine   = "FiscalMachine"
)

// Device is a device of the property.
type Device struct {
	ID, Type, Name string
	// Identifier is the configured text that payloads carry, such as an
	// encoder's number; "" for none.
	Identifier string
	// APIURL and Data are what the hotel typed as address and as Data JSON.
	APIURL, Data string
}

// The states of a command.
const (
	Pending    = "Pending"
	Received   = "Received"
	Processing = "Processing"
	Processed  = "Processed"
	Cancelled  = "Cancelled" // with two l, unlike a reservation's
	Failed     = "Error"
)

// Command is an entry of the queue of device commands.
type Command struct {
	ID, Device, State string
	Created           time.Time
	Creator           string // family name of who gave it, "" for nobody
	Data              json.RawMessage
	// Progress is the last honoured with Processing, Notes with a final state.
	Progress *float64
	Notes    string
	// History is every change and every attempt, oldest first.
	History []Change
}

// Final says whether the command is over.
func (c Command) Final() bool { return finalState(c.State) }

func finalState(state string) bool {
	return state == Processed || state == Cancelled || state == Failed
}

// Updates are what the client sent with commands/update, refused ones too.
func (c Command) Updates() []Change {
	var out []Change
	for _, h := range c.History {
		if h.By == ByClient {
			out = append(out, h)
		}
	}
	return out
}

// Who changes a command.
const (
	ByClient = "client"
	ByStaff  = "staff"
)

// Change is one step of a command.
type Change struct {
	At time.Time // server's clock
	By string
	// State, Progress and Notes are as they were sent, honoured or not.
	State    string
	Progress *float64
	Notes    *string
	// Status is the answer to the client, 0 for staff.
	Status int
	// Taken is true if the state was set by it.
	Taken bool
}
