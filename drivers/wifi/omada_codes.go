package wifi

import (
	"errors"
	"fmt"
	"strconv"

	"edgeagent/drivers"
)

// What the error codes of the Open API mean to the lanes. They come with HTTP
// 200 as well as with others.

// omadaClass is what follows from a code.
type omadaClass int

const (
	omadaRetry   omadaClass = iota // this command later; others may get through
	omadaDown                      // no command gets through until a person has acted
	omadaRefuse                    // this command never gets through
	omadaToken                     // the token is refused: another one may do
	omadaAdopt                     // it exists already
	omadaNotHere                   // the device is not online, or not known
)

// Codes that the driver acts upon.
const (
	omadaTokenExpired = -44112
	omadaNoSite       = -33000
)

// omadaCodes are the codes of the published access guide and of the interfaces'
// own pages, as far as the driver can meet them.
var omadaCodes = map[int]struct {
	class omadaClass
	words string
}{
	-1001:  {omadaRefuse, "the controller finds a value out of its range: compare tiers and devices_per_guest with what it takes"},
	-1005:  {omadaDown, "the client may not do that: give its role Site Hotspot Manager, view and modify"},
	-1200:  {omadaToken, "logged out again and again: is somebody changing the Open API client?"},
	-1505:  {omadaDown, "the client has no right on this site: add the site to its privileges"},
	-7131:  {omadaDown, "the controller has another id: write the Omada ID that the page of the Open API client shows into controller_id"},
	-33000: {omadaDown, "the site is gone; it is looked for by its name next time"},
	-33004: {omadaRetry, "the site is being copied or restored"},
	-33732: {omadaRefuse, "the rate profile does not exist"},
	-41006: {omadaNotHere, "no such client"},
	-41009: {omadaNotHere, "the client is not connected"},
	-41010: {omadaNotHere, "the client is not connected"},
	-41017: {omadaNotHere, "no such record"},
	-41018: {omadaNotHere, "the record has ended"},
	-42010: {omadaRetry, "the controller holds as many vouchers as it can: delete expired groups on its Hotspot page"},
	-42012: {omadaRetry, "the controller holds as many local users as it can: delete expired ones on its Hotspot page"},
	-42013: {omadaAdopt, "a local user of that name exists"},
	-42020: {omadaRefuse, "the local user is bound to a device with an impossible address: correct or delete it on the controller's Hotspot page"},
	-42036: {omadaRetry, "no portal takes vouchers: switch Voucher on in a portal of the type Hotspot"},
	-42037: {omadaRetry, "the controller wants a portal by name: list portals"},
	-42039: {omadaRetry, "a portal takes no local users: switch Local User on there, or list the ones that do under portals"},
	-42059: {omadaAdopt, "a voucher group of that name exists"},
	-42062: {omadaRefuse, "the voucher would be valid for longer than the 1000 days that the controller takes, or end before it begins"},
	-42063: {omadaRefuse, "the voucher would be valid for longer than the 1000 days that the controller takes, or end before it begins"},
	-44106: {omadaDown, "client refused: compare client_id and the file of client_secret_file with Settings, Platform Integration, Open API"},
	-44111: {omadaDown, "the client takes no client credentials: make one in that mode"},
	-44112: {omadaToken, "a new token has expired already: is the controller's clock right?"},
	-44113: {omadaToken, "a new token is refused: is somebody changing the Open API client?"},
	-44114: {omadaToken, "the refresh token has expired"},
	-44116: {omadaDown, "the controller finds no such client: compare controller_id, client_id and the client's mode, client credentials"},
	-44118: {omadaDown, "the client is in authorization code mode: make one in the mode client credentials"},
}

// omadaCodeText is a code as an error shows it: nothing if there is none, and no
// more digits than a code has, so that no voucher can pass for one.
func omadaCodeText(code int) string {
	switch {
	case code == 0:
		return ""
	case code < 0 && code > -100_000:
		return strconv.Itoa(code)
	}
	return "and an unknown code"
}

// omadaCodeOf is the code in an error, 0 if there is none.
func omadaCodeOf(err error) int {
	answer, ok := errors.AsType[*answerError](err)
	if !ok {
		return 0
	}
	code, err := strconv.Atoi(answer.code)
	if err != nil {
		return 0
	}
	return code
}

// omadaIs reports whether an error has a code of a class.
func omadaIs(err error, class omadaClass) bool {
	known, ok := omadaCodes[omadaCodeOf(err)]
	return ok && known.class == class
}

// explain is about every answer: HTTP 200 carries errors too, and one with a
// code that nobody has published is tried again.
func (o *omada) explain(err error, answer *answerError) error {
	known, ok := omadaCodes[omadaCodeOf(answer)]
	if !ok {
		if answer.status == 200 {
			return err
		}
		return nil
	}
	err = fmt.Errorf("%w: %s", err, known.words)
	switch known.class {
	case omadaDown, omadaToken:
		return &drivers.LinkDown{Err: err}
	case omadaRefuse:
		return fmt.Errorf("%w: %w", drivers.ErrRefused, err)
	}
	return err
}
