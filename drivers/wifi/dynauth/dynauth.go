// Package dynauth speaks RFC 5176 with a NAS: it ends a session
// (Disconnect-Request) and gives it another length (CoA-Request). Packets are
// those of layeh.com/radius; what that leaves to its users is here: the
// Message-Authenticator, and the repetition.
package dynauth

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"layeh.com/radius"
)

// Attributes that are used here, by their numbers in RFC 2865, 2866, 2869 and 5176.
const (
	userName             radius.Type = 1
	nasIPAddress         radius.Type = 4
	framedIPAddress      radius.Type = 8
	sessionTimeout       radius.Type = 27
	callingStationID     radius.Type = 31
	nasIdentifier        radius.Type = 32
	acctSessionID        radius.Type = 44
	eventTimestamp       radius.Type = 55
	messageAuthenticator radius.Type = 80
	nasIPv6Address       radius.Type = 95
	errorCause           radius.Type = 101
)

// Session names a session by everything that accounting knows of it; what is
// empty is left out. Text goes out to the letter as it came in.
type Session struct {
	User, AcctSessionID, CallingStationID string
	NASIP, FramedIP                       netip.Addr
	NASIdentifier                         string
}

// NAS is a network access server.
type NAS struct {
	// Address is host:port.
	Address string
	// Source is the address to send from; the zero value leaves it to the system.
	Source netip.Addr
	// Secret is shared with it.
	Secret []byte
	// Waits are how long each try is waited for; nil for 2, 4 and 8 seconds.
	Waits []time.Duration
	// Now is the clock of Event-Timestamp; nil for time.Now.
	Now func() time.Time
}

// NAK is a request that the NAS has refused.
type NAK struct{ Cause Cause }

func (e *NAK) Error() string { return e.Cause.String() }

// ErrSilent is a NAS that did not answer. One that does not like the secret or
// the sender says nothing, as RADIUS has it.
var ErrSilent = errors.New("no answer: wrong secret, wrong source address, or unreachable")

// ErrForged is an answer whose signature does not fit the secret.
var ErrForged = errors.New("it answered with a signature that does not fit the secret")

// ErrClosed is a machine that answers that nothing listens there.
var ErrClosed = errors.New("nothing listens at this port: switch on incoming requests (CoA, dynamic authorization) on it")

// Disconnect ends a session. A *NAK of the class Gone means that there is none.
func (n NAS) Disconnect(ctx context.Context, s Session) error {
	return n.exchange(ctx, radius.CodeDisconnectRequest, s, nil)
}

// SetTimeout gives a session a new Session-Timeout, in seconds.
func (n NAS) SetTimeout(ctx context.Context, s Session, seconds uint32) error {
	return n.exchange(ctx, radius.CodeCoARequest, s, func(p *radius.Packet) { p.Add(sessionTimeout, number(seconds)) })
}

func number(n uint32) radius.Attribute { return binary.BigEndian.AppendUint32(nil, n) }

// encode fills in a request. Message-Authenticator comes first: what checks it
// must not be led astray by what stands before it (CVE-2024-3596).
func encode(p *radius.Packet, s Session, at time.Time, more func(*radius.Packet)) ([]byte, error) {
	p.Add(messageAuthenticator, make([]byte, md5.Size))
	text := func(kind radius.Type, value string) {
		if value != "" {
			p.Add(kind, radius.Attribute(value))
		}
	}
	text(userName, s.User)
	switch {
	case s.NASIP.Is4():
		p.Add(nasIPAddress, s.NASIP.AsSlice())
	case s.NASIP.Is6():
		p.Add(nasIPv6Address, s.NASIP.AsSlice())
	}
	text(nasIdentifier, s.NASIdentifier)
	text(acctSessionID, s.AcctSessionID)
	text(callingStationID, s.CallingStationID)
	if s.FramedIP.Is4() {
		p.Add(framedIPAddress, s.FramedIP.AsSlice())
	}
	if more != nil {
		more(p)
	}
	p.Add(eventTimestamp, number(uint32(at.Unix())))
	// The signature covers the packet with zeros for itself and for the
	// authenticator (RFC 5176, section 3.3), which in turn covers the signature.
	p.Authenticator = [16]byte{}
	plain, err := p.MarshalBinary()
	if err != nil {
		return nil, err
	}
	p.Set(messageAuthenticator, sign(plain, p.Secret))
	return p.Encode()
}

func sign(packet, secret []byte) radius.Attribute {
	h := hmac.New(md5.New, secret)
	h.Write(packet)
	return h.Sum(nil)
}

// decode reads an answer to a request: nil for an ACK, a *NAK, ErrForged, or
// errOther for what is no answer to it.
func decode(answer, request, secret []byte) error {
	p, err := radius.Parse(answer, secret)
	if err != nil || p.Identifier != request[1] {
		return errOther
	}
	ack, nak := radius.CodeDisconnectACK, radius.CodeDisconnectNAK
	if radius.Code(request[0]) == radius.CodeCoARequest {
		ack, nak = radius.CodeCoAACK, radius.CodeCoANAK
	}
	if p.Code != ack && p.Code != nak {
		return errOther
	}
	answer = answer[:binary.BigEndian.Uint16(answer[2:])] // padding is not signed
	if !radius.IsAuthenticResponse(answer, request, secret) || !signed(p, request) {
		return ErrForged
	}
	if p.Code == ack {
		return nil
	}
	refusal := &NAK{}
	if cause := p.Get(errorCause); len(cause) == 4 {
		refusal.Cause = Cause(binary.BigEndian.Uint32(cause))
	}
	return refusal
}

var errOther = errors.New("not an answer to the request")

// signed checks the Message-Authenticator of an answer, if it has one.
func signed(p *radius.Packet, request []byte) bool {
	shown, ok := p.Lookup(messageAuthenticator)
	if !ok {
		return true
	}
	p.Set(messageAuthenticator, make([]byte, md5.Size))
	copy(p.Authenticator[:], request[4:20])
	plain, err := p.MarshalBinary()
	return err == nil && hmac.Equal(shown, sign(plain, p.Secret))
}

// exchange sends a request until it is answered: the same packet each time, so
// that a NAS which has seen it answers again rather than acts again.
func (n NAS) exchange(ctx context.Context, code radius.Code, s Session, more func(*radius.Packet)) error {
	now, waits := n.Now, n.Waits
	if now == nil {
		now = time.Now
	}
	if waits == nil {
		waits = []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second}
	}
	request, err := encode(radius.New(code, n.Secret), s, now(), more)
	if err != nil {
		return err
	}
	var dialer net.Dialer
	if n.Source.IsValid() {
		dialer.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(n.Source, 0))
	}
	line, err := dialer.DialContext(ctx, "udp", n.Address)
	if err != nil {
		return fmt.Errorf("send to it: %w", err)
	}
	defer line.Close()
	defer context.AfterFunc(ctx, func() { _ = line.SetDeadline(time.Unix(1, 0)) })()
	last := ErrSilent
	for _, wait := range waits {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := line.Write(request); err != nil {
			return unreachable(err)
		}
		err := await(ctx, line, request, n.Secret, time.Now().Add(wait))
		if !errors.Is(err, ErrSilent) && !errors.Is(err, ErrForged) {
			return err
		}
		if errors.Is(err, ErrForged) {
			last = ErrForged
		}
	}
	return last
}

// await reads until an answer to the request comes, or the deadline. Whoever
// can send us packets can send forged ones: those are passed over.
func await(ctx context.Context, line net.Conn, request, secret []byte, until time.Time) error {
	last := ErrSilent
	buffer := make([]byte, radius.MaxPacketLength)
	for {
		_ = line.SetReadDeadline(until)
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := line.Read(buffer)
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			if err := ctx.Err(); err != nil {
				return err
			}
			return last
		case err != nil:
			return unreachable(err)
		}
		switch err := decode(buffer[:n], request, secret); {
		case errors.Is(err, ErrForged):
			last = ErrForged
		case !errors.Is(err, errOther):
			return err
		}
	}
}

func unreachable(err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return ErrClosed
	}
	return fmt.Errorf("speak to it: %w", err)
}
