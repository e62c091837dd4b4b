package keycard

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"edgeagent/drivers"
)

// protocols are the languages of lock systems that this package speaks.
var protocols = map[string]*dialect{
	"salto":    &salto,
	"onity":    &onity,
	"vingcard": &vingcard,
}

// dialect is what a family of lock systems does in its own way.
type dialect struct {
	// maker is the family by its name.
	maker string
	// caveat is what must be told with every good word about it; "" for nothing.
	caveat string
	form   *framing
	codes  map[string]codeInfo
	// plans are the actions that it has.
	plans map[string]planFunc
	// answer reads a frame as the result of a step; nil: as the Industry Standard link has it.
	answer func(s *step, fields []string, zone *time.Location) (result, bool)
	// shows is how many bytes at the start of a field may be shown in a trace.
	shows func(dir Direction, fields []string, i int) int
	// address gives an encoder's name on the wire; ok is false if it cannot be one.
	address func(name string) (wire string, ok bool)
	// addresses says what names can be addressed, missing what to write for a name that is missing.
	addresses, missing string
	// stamp is the layout of instants; hours says that they have no minutes.
	stamp string
	hours bool
	// maxRooms is how many rooms one card can open, maxOperator how long an operator's name may be.
	maxRooms, maxOperator int
	// maxCode is how long an authorisation code may be, 0 where there is none.
	maxCode int
	// tracks are the magnetic tracks that encoders have unless the site says otherwise.
	tracks []int
	// authorisations has the character of each authorisation, from 1 on.
	authorisations string
	// ejects are the letters for what happens to a finished card.
	ejects map[string]string
	// example is an address over TCP.
	example string
	// confirms: results are acknowledged unless the site says otherwise.
	confirms bool
	// tells: while a command is at work, ENQ is answered NAK, unless the site says otherwise.
	tells bool
}

// planFunc translates a command of one action into steps.
type planFunc func(d *Driver, p *plan, cmd drivers.Command, now time.Time) error

// of makes one from what needs the parameters only.
func of(translate func(d *Driver, p *plan, params map[string]string, now time.Time) error) planFunc {
	return func(d *Driver, p *plan, cmd drivers.Command, now time.Time) error {
		return translate(d, p, cmd.Params, now)
	}
}

var salto = dialect{
	maker: "SALTO", form: &standardFraming, codes: saltoCodes, shows: showsStandard,
	plans: map[string]planFunc{
		actionEncode: (*Driver).planEncode, actionCancel: of((*Driver).planCancel), actionRead: of((*Driver).planRead),
		actionModify: of((*Driver).planModify), actionMobile: (*Driver).planMobile,
		actionWrite: of((*Driver).planTrack), actionTrack: of((*Driver).planTrack),
	},
	address:   func(name string) (string, bool) { return name, name != "" && len(name) <= maxEncoder && isASCII(name) },
	addresses: fmt.Sprintf("at most %d plain ASCII characters", maxEncoder),
	missing:   "the encoder's name is missing: write it exactly as it stands in the lock system",
	stamp:     "1504020106", maxRooms: maxRooms, maxOperator: maxName, maxCode: 64, tracks: []int{1, 2, 3},
	// The quotes are left out.
	authorisations: "123456789abcdefghijklmnopqrstuvwxyz!#$%&()*+,-./:;<=>?@[\\]^_{}",
	ejects:         map[string]string{"eject": "E", "rear": "T", "retain": "R"},
	example:        "192.0.2.10:8090", tells: true,
}

// Onity and TESA, and the relatives of them that want ack_result. What the
// encoders of a site can do beyond this is for its property file to say.
var onity = dialect{
	maker: "Onity", form: &standardFraming, codes: onityCodes, shows: showsStandard,
	plans: map[string]planFunc{
		actionEncode: (*Driver).planEncode, actionCancel: of((*Driver).planCancel), actionRead: of((*Driver).planRead),
		actionWrite: of((*Driver).planTrack), actionTrack: of((*Driver).planTrack),
	},
	address:   func(name string) (string, bool) { return name, encoderNumber.MatchString(name) },
	addresses: "write its number, such as 2",
	missing:   "the encoder's number is missing: write it as the lock system counts its encoders, such as 2",
	stamp:     "15020106", hours: true, maxRooms: maxRooms, maxOperator: 20, tracks: []int{1, 2},
	authorisations: "123456789",
	ejects:         map[string]string{"eject": "E", "retain": "R"},
	example:        "192.0.2.10:6669", tells: true,
}

// VingCard Vision, DaVinci, 2100 and 2800 over a serial line. Most of what is
// known of it has a single public source.
var vingcard = dialect{
	maker: "VingCard", caveat: "VingCard needs a site capture before anybody relies on it: it is built from public sources and tried on a simulated lock system only",
	form: &vingcardFraming, codes: vingcardCodes, answer: (*step).readVingCard, shows: showsVingCard,
	plans: map[string]planFunc{
		actionEncode: (*Driver).vingEncode, actionCancel: of((*Driver).vingCancel), actionRead: of((*Driver).vingRead),
		actionModify: of((*Driver).vingModify),
	},
	address:   vingAddress,
	addresses: "write its address, 1 to 99",
	missing:   "the encoder's address is missing: write the number that Vision has for it, 1 to 99",
	stamp:     "200601021504", maxRooms: maxRooms, maxOperator: maxName, tracks: []int{1, 2},
	example: "192.0.2.10:4001", confirms: true,
}

const (
	maxName    = 24 // rooms and operator
	maxRooms   = 4
	maxEncoder = 64
	maxCopies  = 9

	maxVingName = 64
)

var encoderNumber = regexp.MustCompile(`^[1-9][0-9]{0,3}$`)

// vingAddress writes an encoder's number with two digits.
func vingAddress(name string) (string, bool) {
	number := strings.TrimPrefix(name, "0")
	if len(name) > 2 || !encoderNumber.MatchString(number) {
		return name, false
	}
	return strings.Repeat("0", 2-len(number)) + number, true
}

// dialectOf is the section's dialect; that of SALTO where it names none that is known.
func (c *Config) dialectOf() *dialect {
	if d := protocols[c.Protocol]; d != nil {
		return d
	}
	return &salto
}

// simulatedOnly is what a family's word is worth that no device has given yet.
const simulatedOnly = "simulated only: not verified on a device yet; edgeagent trace records what would verify it"

// Caveat is what must be told about the section's protocol before anybody relies on it.
func (c *Config) Caveat() string {
	if c.IsPN532() {
		return pn532Caveat
	}
	return or(c.dialectOf().caveat, simulatedOnly)
}

// tells reports whether the lock system says by NAK that it is still at work.
// Where that is not known, its word that it is ready proves nothing about a
// command whose answer is missing.
func (c *Config) tells() bool {
	if c.NakWhileBusy != nil {
		return *c.NakWhileBusy
	}
	return c.dialectOf().tells
}

// hasTrack reports whether the encoders of the site write and read a magnetic track.
func (d *Driver) hasTrack(number string) bool {
	return slices.ContainsFunc(d.cfg.Tracks, func(n int) bool { return fmt.Sprint(n) == number })
}

// lacks refuses what the lock system cannot do.
func (d *Driver) lacks(what, instead string) error {
	return refused(BadRequest, "a lock system of %s has no %s: %s", d.dialect.maker, what, instead)
}
