package keycard

import (
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
	wantUID                 bool
}

// list puts the fields in their places; empty ones at the end are left out.
func (c cardFields) list() []string {
	fields := make([]string, 16)
	fields[0], fields[1], fields[2] = c.command, c.encoder, c.eject
	copy(fields[3:7], c.rooms)
	fields[7], fields[8] = c.grants, c.denials
	fields[9], fields[10] = c.from, c.until
	fields[11] = c.operator // 12 to 14 are tracks
	if c.wantUID {
		fields[15] = "1"
	}
	return trimEmpty(fields)
}
