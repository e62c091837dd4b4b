package dynauth

import "strconv"

// Class is what a refusal means to whoever asked.
type Class int

// The classes.
const (
	// Later: the same request may succeed after a while.
	Later Class = iota
	// Gone: there is no such session, so what was wanted is so already.
	Gone
	// Setup: it will not succeed until a person changes a setting.
	Setup
)

// Cause is a value of Error-Cause (RFC 5176, section 3.5).
type Cause uint32

// NoCause is a refusal without an Error-Cause.
const NoCause Cause = 0

type meaning struct {
	class Class
	words string
}

// causes are all values that RFC 5176 defines.
var causes = map[Cause]meaning{
	NoCause: {Later, "refused without a reason"},
	201:     {Gone, "residual session context removed"},
	202:     {Setup, "invalid EAP packet"},
	401:     {Setup, "unsupported attribute: it does not know one of the attributes by which a session is named"},
	402:     {Setup, "missing attribute: it wants an attribute that radacct does not have"},
	403:     {Setup, "NAS identification mismatch: set nas_ip and identifier to what it calls itself"},
	404:     {Setup, "invalid request"},
	405:     {Setup, "unsupported service"},
	406:     {Setup, "unsupported extension: it does not know this kind of request"},
	407:     {Setup, "invalid attribute value"},
	501:     {Setup, "administratively prohibited: switch on incoming requests (CoA, dynamic authorization) on it, for our address"},
	502:     {Setup, "request not routable: the proxy in between does not know the way to it"},
	503:     {Gone, "session context not found"},
	504:     {Setup, "session context not removable"},
	505:     {Later, "other proxy processing error"},
	506:     {Later, "resources unavailable"},
	507:     {Later, "request initiated: it asks the server first"},
	508:     {Setup, "multiple session selection unsupported: several sessions fit"},
}

// Class says what the cause means; an unknown one may pass.
func (c Cause) Class() Class { return causes[c].class }

// String is the cause in words, with its number.
func (c Cause) String() string {
	known, ok := causes[c]
	switch {
	case !ok:
		return "Error-Cause " + strconv.FormatUint(uint64(c), 10)
	case c == NoCause:
		return known.words
	}
	return known.words + " (Error-Cause " + strconv.FormatUint(uint64(c), 10) + ")"
}
