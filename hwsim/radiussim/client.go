package radiussim

import (
	"crypto/rand"
	"fmt"
	"net"
	"time"
)

// What a NAS asks its RADIUS server.

// request begins a packet about a device.
func (n *NAS) request(code byte, mac string) *packet {
	var id [1]byte
	_, _ = rand.Read(id[:])
	p := &packet{code: code, id: id[0]}
	if code == accessRequest {
		p.add(messageAuth, make([]byte, 16))
	}
	p.add(nasIPAddress, nasIP)
	p.text(nasIdentifier, "lobby-hotspot")
	p.number(nasPort, 1)
	p.text(callingStationID, n.calling(mac))
	p.text(calledStationID, "hotspot1")
	return p
}

func (n *NAS) account(s *Session, status, cause uint32) error {
	p := n.request(accountingRequest, s.MAC)
	p.text(userName, s.User)
	p.number(acctStatusType, status)
	p.text(acctSessionID, s.ID)
	p.add(framedIPAddress, s.IP.To4())
	p.number(eventTimestamp, uint32(n.clock().Unix()))
	if status != 1 {
		p.number(acctSessionTime, uint32(max(n.clock().Sub(s.Started)/time.Second, 0)))
	}
	if cause > 0 {
		p.number(acctTerminate, cause)
	}
	answer, err := exchange(n.opt.Acct, n.opt.Secret, p, nil)
	if err == nil && answer.code != accountingResponse {
		err = errPacket
	}
	return err
}

// exchange sends a request and waits for its answer. more adds what needs the
// authenticator of an Access-Request.
func exchange(addr, secret string, p *packet, more func(*packet)) (*packet, error) {
	if more != nil {
		_, _ = rand.Read(p.authenticator[:])
		more(p)
		p.sign([]byte(secret))
	} else {
		p.seal([]byte(secret), [16]byte{})
	}
	line, err := net.Dial("udp", addr)
	if err != nil {
		return nil, err
	}
	defer line.Close()
	buffer := make([]byte, 4096)
	for range 3 {
		if _, err := line.Write(p.bytes()); err != nil {
			return nil, err
		}
		_ = line.SetReadDeadline(time.Now().Add(3 * time.Second))
		size, err := line.Read(buffer)
		if err != nil {
			continue
		}
		answer, err := parse(buffer[:size])
		if err == nil && answer.id == p.id && answer.genuine([]byte(secret), p.authenticator) {
			return answer, nil
		}
	}
	return nil, fmt.Errorf("the RADIUS server at %s does not answer", addr)
}
