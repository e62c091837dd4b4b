package radiussim

import (
	"bytes"
	"encoding/binary"
	"time"
)

// Error-Causes that this NAS gives by itself.
const (
	missingAttribute  = 402
	wrongNAS          = 403
	noSuchSession     = 503
	maxAge            = 300 * time.Second
	terminatedByAdmin = 6
)

// serve takes orders until the port is closed.
func (n *NAS) serve() {
	buffer := make([]byte, 4096)
	for {
		size, from, err := n.port.ReadFrom(buffer)
		if err != nil {
			return
		}
		p, err := parse(buffer[:size])
		if err != nil {
			continue
		}
		answer := n.order(p)
		if answer == nil {
			continue
		}
		_, _ = n.port.WriteTo(answer, from)
	}
}

// order answers a request; nil is silence, for what is not to be trusted.
func (n *NAS) order(p *packet) []byte {
	n.mu.Lock()
	if n.mute || p.code != disconnectRequest && p.code != coaRequest || !p.genuine([]byte(n.opt.OrderSecret), [16]byte{}) {
		n.mu.Unlock()
		return nil
	}
	// A NAS that heeds CVE-2024-3596 wants the signature before all else.
	if len(p.attributes) == 0 || p.attributes[0].kind != messageAuth {
		n.mu.Unlock()
		return nil
	}
	if made := time.Unix(int64(p.seconds(eventTimestamp)), 0); n.clock().Sub(made).Abs() > maxAge {
		n.mu.Unlock()
		return nil
	}
	if before, ok := n.done[p.authenticator]; ok {
		n.mu.Unlock()
		return before // the same request again
	}
	calling, _ := p.get(callingStationID)
	user, _ := p.get(userName)
	order := Order{Disconnect: p.code == disconnectRequest, User: string(user), Calling: string(calling), Timeout: time.Duration(p.seconds(sessionTimeout)) * time.Second}
	mac, cause := n.match(p)
	if n.strict != 0 {
		cause = n.strict
	}
	order.Cause, order.Accepted = cause, cause == 0
	n.orders = append(n.orders, order)
	if order.Accepted && !order.Disconnect && order.Timeout > 0 {
		n.sessions[mac].Timeout = order.Timeout
	}
	reply := &packet{code: p.code + 1, id: p.id} // ACK, and NAK after it
	if cause != 0 {
		reply.code++
	}
	reply.add(messageAuth, make([]byte, 16))
	if cause != 0 {
		reply.number(errorCause, cause)
	}
	answer := reply.seal([]byte(n.opt.OrderSecret), p.authenticator)
	n.done[p.authenticator] = answer
	n.mu.Unlock()
	if order.Accepted && order.Disconnect {
		_ = n.leave(mac, terminatedByAdmin)
	}
	return answer
}

// match finds the one session that all attributes of a request fit.
func (n *NAS) match(p *packet) (mac string, cause uint32) {
	if ip, ok := p.get(nasIPAddress); ok && !bytes.Equal(ip, nasIP) {
		return "", wrongNAS
	}
	named := false
	for found, s := range n.sessions {
		fits := true
		for _, a := range p.attributes {
			want, known := "", true
			switch a.kind {
			case userName:
				want = s.User
			case acctSessionID:
				want, named = s.ID, true
			case callingStationID:
				want, named = s.Calling, true
			case framedIPAddress:
				want, named = string(s.IP.To4()), true
			default:
				known = false
			}
			fits = fits && (!known || string(a.value) == want)
		}
		if fits && named {
			return found, 0
		}
	}
	if _, ok := p.get(acctSessionID); !ok && !named {
		return "", missingAttribute
	}
	return "", noSuchSession
}

// Forge is an answer to a request that is signed with another secret, for tests
// of whoever reads it.
func Forge(request []byte, secret string) []byte {
	reply := &packet{code: request[0] + 1, id: request[1]}
	var asked [16]byte
	copy(asked[:], request[4:])
	reply.add(errorCause, binary.BigEndian.AppendUint32(nil, noSuchSession))
	return reply.seal([]byte(secret), asked)
}
