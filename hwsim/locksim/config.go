package locksim

import (
	"time"

	"edgeagent/hwsim/line"
)

// Config describes a lock system. The zero value is one without rooms and encoders.
//
// Waits are of the system's clock.
type Config struct {
	// Clock drives every wait and stamps the transcript; nil for real time.
	Clock line.Clock
	// Now is the hotel's calendar: validity, audit. Nil for Clock.Now.
	Now func() time.Time
	// Zone is the property's time zone, in which the link's dates are read; nil for UTC.
	Zone *time.Location
	// Seed of every chance; 0 takes one from the time of day, see System.Seed.
	Seed uint64
	// Rooms and Encoders are the names that the lock system knows.
	Rooms, Encoders []string
	// AckTime passes between a frame and its ACK; 0 for 5 ms.
	AckTime time.Duration
	// WorkTime is what an encoder needs to write or read one card; 0 for 200 ms.
	WorkTime time.Duration
	// CardWait is how long an encoder waits for a card before it answers ED; 0 for 20 s.
	CardWait time.Duration
	// TakeTime is how long the card lies on the encoder after the work; a
	// request that waits for its removal (E, T) is answered only then.
	TakeTime time.Duration
	// FrameGap is the longest pause inside a frame, after which what came is
	// dropped; 0 for 1 s.
	FrameGap time.Duration
	// AckWhileBusy answers ENQ with ACK while a command is at work.
	AckWhileBusy bool
	// RepeatOnNak sends the last result again when the other end answers it
	// with NAK, as relatives of the protocol do on a serial line.
	RepeatOnNak bool
	// ResultAck has the other end answer each result with ACK, or with NAK to
	// get it once more, as the ST40 and Inhova relatives of the Industry
	// Standard link do. VingCard's link always does.
	ResultAck bool
	// AckWait is how long a result waits for that ACK before it is sent again,
	// three times in all; 0 for 3 s, below 0 it is sent once.
	AckWait time.Duration
	// Onity and VingCard are what a site sets on ports of these families.
	Onity    OnitySite
	VingCard VingCardSite
	// StrictLRC refuses the check byte 0D, which otherwise means "do not verify".
	StrictLRC bool
	// WildcardLRC sends 0D as the check byte of every result.
	WildcardLRC bool
	// UIDOnRead appends the card's UID to the answer of LT.
	UIDOnRead bool
	// OnAck, if not nil, is called after the ACK of a command was written and
	// before its work starts; the work waits until it returns. Room is "" for
	// commands without one.
	OnAck func(command, room string)
}

func (c Config) withDefaults() Config {
	if c.Clock == nil {
		c.Clock = line.Wall()
	}
	if c.Now == nil {
		c.Now = c.Clock.Now
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Seed == 0 {
		c.Seed = uint64(time.Now().UnixNano())
	}
	c.Onity, c.VingCard = c.Onity.withDefaults(), c.VingCard.withDefaults()
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{
		{&c.AckTime, 5 * time.Millisecond}, {&c.WorkTime, 200 * time.Millisecond}, {&c.CardWait, 20 * time.Second},
		{&c.FrameGap, time.Second}, {&c.AckWait, 3 * time.Second},
	} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	return c
}

// OnitySite is what differs from one Onity site to the next. The zero value
// is an encoder that does all that the public clients ask for.
type OnitySite struct {
	// Encoders is the highest encoder number; 0 for 99.
	Encoders int
	// Rooms is how many rooms fit on one key, the main room counted; 0 for 4.
	Rooms int
	// Authorisations are the digits that may be granted or denied; "" for 1 to 9.
	Authorisations string
	// Tracks are those of 1, 2 and 3 that can be written and read; "" for "12".
	Tracks string
	// NoOneShot refuses CA.
	NoOneShot bool
	// UIDs appends the card's UID to the results of CN, CC, CA and LT.
	UIDs bool
	// Unknown is what becomes of a command that the encoder does not know.
	Unknown Unknown
}

// Unknown says what a lock system does with a command that it does not know.
type Unknown int

// What can become of an unknown command.
const (
	UnknownES      Unknown = iota // ACK, then the result ES
	UnknownNAK                    // NAK, as if the frame had been damaged
	UnknownIgnored                // nothing at all
)

func (o OnitySite) withDefaults() OnitySite {
	if o.Encoders == 0 {
		o.Encoders = 99
	}
	if o.Rooms == 0 {
		o.Rooms = 4
	}
	if o.Authorisations == "" {
		o.Authorisations = "123456789"
	}
	if o.Tracks == "" {
		o.Tracks = "12"
	}
	return o
}

// VingCardSite is what differs from one VingCard site to the next.
type VingCardSite struct {
	// UserTypes and UserGroups are the names that fields T and U may hold; nil
	// for any, and then a new key needs neither.
	UserTypes, UserGroups []string
	// MaxCards is how many cards one guest's stay in a room may have; 0 for 9.
	MaxCards int
}

func (v VingCardSite) withDefaults() VingCardSite {
	if v.MaxCards == 0 {
		v.MaxCards = 9
	}
	return v
}
