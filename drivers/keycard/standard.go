package keycard

import "slices"

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
