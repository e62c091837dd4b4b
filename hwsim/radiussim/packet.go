package radiussim

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"slices"
)

// Codes of RFC 2865, 2866 and 5176.
const (
	accessRequest      = 1
	accessAccept       = 2
	accessReject       = 3
	accountingRequest  = 4
	accountingResponse = 5
	disconnectRequest  = 40
	disconnectACK      = 41
	disconnectNAK      = 42
	coaRequest         = 43
	coaACK             = 44
	coaNAK             = 45
)

// Attributes.
const (
	userName          = 1
	userPassword      = 2
	chapPassword      = 3
	nasIPAddress      = 4
	nasPort           = 5
	framedIPAddress   = 8
	replyMessage      = 18
	vendorSpecific    = 26
	sessionTimeout    = 27
	calledStationID   = 30
	callingStationID  = 31
	nasIdentifier     = 32
	acctStatusType    = 40
	acctSessionID     = 44
	acctSessionTime   = 46
	acctTerminate     = 49
	eventTimestamp    = 55
	chapChallenge     = 60
	messageAuth       = 80
	acctInterimPeriod = 85
	errorCause        = 101
)

type attribute struct {
	kind  byte
	value []byte
}

// packet is a RADIUS packet.
type packet struct {
	code, id      byte
	authenticator [16]byte
	attributes    []attribute
}

func (p *packet) add(kind byte, value []byte) {
	p.attributes = append(p.attributes, attribute{kind, value})
}

func (p *packet) text(kind byte, value string) { p.add(kind, []byte(value)) }

func (p *packet) number(kind byte, n uint32) {
	p.add(kind, binary.BigEndian.AppendUint32(nil, n))
}

func (p *packet) get(kind byte) ([]byte, bool) {
	i := slices.IndexFunc(p.attributes, func(a attribute) bool { return a.kind == kind })
	if i < 0 {
		return nil, false
	}
	return p.attributes[i].value, true
}

// seconds is a number of four bytes; 0 if there is none.
func (p *packet) seconds(kind byte) uint32 {
	if v, ok := p.get(kind); ok && len(v) == 4 {
		return binary.BigEndian.Uint32(v)
	}
	return 0
}

func (p *packet) bytes() []byte {
	b := append([]byte{p.code, p.id, 0, 0}, p.authenticator[:]...)
	for _, a := range p.attributes {
		b = append(append(b, a.kind, byte(len(a.value)+2)), a.value...)
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	return b
}

var errPacket = errors.New("not a RADIUS packet")

func parse(b []byte) (*packet, error) {
	if len(b) < 20 {
		return nil, errPacket
	}
	size := int(binary.BigEndian.Uint16(b[2:]))
	if size < 20 || size > len(b) {
		return nil, errPacket
	}
	p := &packet{code: b[0], id: b[1], authenticator: [16]byte(b[4:20])}
	for rest := b[20:size]; len(rest) > 0; {
		if len(rest) < 2 || rest[1] < 2 || int(rest[1]) > len(rest) {
			return nil, errPacket
		}
		p.add(rest[0], slices.Clone(rest[2:rest[1]]))
		rest = rest[rest[1]:]
	}
	return p, nil
}

// seal fills in the Message-Authenticator, if the packet has one, and the
// authenticator, and returns what goes over the wire. asked is the
// authenticator of the request that this answers; zero for a request.
func (p *packet) seal(secret []byte, asked [16]byte) []byte {
	p.authenticator = asked
	p.sign(secret)
	p.authenticator = md5.Sum(append(p.bytes(), secret...))
	return p.bytes()
}

// sign fills in the Message-Authenticator.
func (p *packet) sign(secret []byte) {
	for i := range p.attributes {
		if p.attributes[i].kind == messageAuth {
			p.attributes[i].value = make([]byte, 16)
			p.attributes[i].value = signature(p.bytes(), secret)
		}
	}
}

func signature(b, secret []byte) []byte {
	h := hmac.New(md5.New, secret)
	h.Write(b)
	return h.Sum(nil)
}

// genuine checks authenticator and Message-Authenticator of what came in.
func (p *packet) genuine(secret []byte, asked [16]byte) bool {
	blank := *p
	blank.authenticator = asked
	if md5.Sum(append(blank.bytes(), secret...)) != p.authenticator {
		return false
	}
	shown, ok := p.get(messageAuth)
	if !ok {
		return true
	}
	blank.attributes = slices.Clone(p.attributes)
	for i := range blank.attributes {
		if blank.attributes[i].kind == messageAuth {
			blank.attributes[i].value = make([]byte, 16)
		}
	}
	return hmac.Equal(shown, signature(blank.bytes(), secret))
}

// hide is User-Password of RFC 2865, section 5.2.
func hide(password string, secret []byte, authenticator [16]byte) []byte {
	text := append([]byte(password), make([]byte, (16-len(password)%16)%16)...)
	if len(text) == 0 {
		text = make([]byte, 16)
	}
	before := authenticator[:]
	for at := 0; at < len(text); at += 16 {
		pad := md5.Sum(append(slices.Clone(secret), before...))
		for i := range pad {
			text[at+i] ^= pad[i]
		}
		before = text[at : at+16]
	}
	return text
}

// respond is CHAP-Password of RFC 2865, section 2.2.
func respond(id byte, password string, challenge []byte) []byte {
	sum := md5.Sum(append(append([]byte{id}, password...), challenge...))
	return append([]byte{id}, sum[:]...)
}
