package keycard

import (
	"slices"
	"time"
)

// protocols are the languages of lock systems that this package speaks.
var protocols = map[string]*dialect{
	"salto": &salto,
}

// dialect is what the makes of the Industry Standard link do differently.
type dialect struct {
	// stamp writes an instant as the lock system wants it.
	stamp func(t time.Time, zone *time.Location, e edge) string
	// maxRooms is how many rooms one card can open.
	maxRooms int
	// codes are the error codes it answers with.
	codes map[string]codeInfo
}

var salto = dialect{stamp: minuteStamp, maxRooms: 4, codes: saltoCodes}

const (
	maxName    = 24 // rooms and operator
	maxEncoder = 64
	maxCopies  = 9
	maxCode    = 64 // authorisation code
)

// authorisationChars are SALTO's characters for authorisations 1, 2, 3, …;
// the quotes are left out.
const authorisationChars = "123456789abcdefghijklmnopqrstuvwxyz!#$%&()*+,-./:;<=>?@[\\]^_{}"

// cardFields are the fields of CN, CC and CA.
type cardFields struct {
	command, encoder, eject string
	rooms                   []string
	grants, denials         string
	from, until             string
	operator                string
	tracks                  [3]string
	wantUID                 bool
	authCode                string
}

// list puts the fields in their places; empty ones at the end are left out.
func (c cardFields) list() []string {
	fields := make([]string, 17)
	fields[0], fields[1], fields[2] = c.command, c.encoder, c.eject
	copy(fields[3:7], c.rooms)
	fields[7], fields[8] = c.grants, c.denials
	fields[9], fields[10] = c.from, c.until
	fields[11] = c.operator
	copy(fields[12:15], c.tracks[:])
	if c.wantUID {
		fields[15] = "1"
	}
	fields[16] = c.authCode
	return trimEmpty(fields)
}

// mobile puts the fields of CNM and CCM in their places: a phone stands where
// the encoder does, and no card is handled, so the rooms begin one place earlier.
func (c cardFields) mobile(phone string) []string {
	c.encoder, c.eject = phone, ""
	return slices.Delete(c.list(), 2, 3)
}
