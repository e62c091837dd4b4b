package radiussim

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net"
	"testing"
	"time"
)

// The example of RFC 2865, section 7.1.
func TestHide(t *testing.T) {
	auth, err := hex.DecodeString("0f403f9473978057bd83d5cb98f4227a")
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(hide("arctangent", []byte("xyzzy5461"), [16]byte(auth))); got != "0dbe708d93d413ce3196e43f782a0aee" {
		t.Errorf("%s", got)
	}
}

// order is a request as a careful client makes it.
func order(code byte, at time.Time, change func(*packet)) *packet {
	p := &packet{code: code, id: 7}
	p.add(messageAuth, make([]byte, 16))
	p.text(userName, "ana")
	p.add(nasIPAddress, nasIP)
	p.text(acctSessionID, "81")
	p.text(callingStationID, "02-AB-00-00-00-01")
	p.number(eventTimestamp, uint32(at.Unix()))
	if change != nil {
		change(p)
	}
	return p
}

func TestOrders(t *testing.T) {
	now := time.Unix(1795000000, 0)
	for name, test := range map[string]struct {
		code   byte
		age    time.Duration
		secret string
		change func(*packet)
		answer byte // 0 is silence
		cause  uint32
		online bool
	}{
		"disconnect":        {code: disconnectRequest, answer: disconnectACK},
		"coa":               {code: coaRequest, change: func(p *packet) { p.number(sessionTimeout, 60) }, answer: coaACK, online: true},
		"wrong secret":      {code: disconnectRequest, secret: "other", online: true},
		"not signed":        {code: disconnectRequest, change: func(p *packet) { p.attributes = p.attributes[1:] }, online: true},
		"signature last":    {code: disconnectRequest, change: func(p *packet) { p.attributes = append(p.attributes[1:], p.attributes[0]) }, online: true},
		"old":               {code: disconnectRequest, age: 301 * time.Second, online: true},
		"other case of MAC": {code: disconnectRequest, change: func(p *packet) { p.attributes[4].value = []byte("02-ab-00-00-00-01") }, answer: disconnectNAK, cause: 503, online: true},
		"other NAS":         {code: disconnectRequest, change: func(p *packet) { p.attributes[2].value = []byte{10, 0, 0, 1} }, answer: disconnectNAK, cause: 403, online: true},
		"other session":     {code: disconnectRequest, change: func(p *packet) { p.attributes[3].value = []byte("82") }, answer: disconnectNAK, cause: 503, online: true},
		"access request":    {code: accessRequest, online: true},
	} {
		t.Run(name, func(t *testing.T) {
			nas, err := StartNAS(NASOptions{OrderSecret: "s", Now: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			defer nas.Close()
			nas.Admit(Session{ID: "81", MAC: "m", User: "ana", Calling: "02-AB-00-00-00-01", IP: net.IPv4(10, 0, 0, 9), Started: now})
			secret := "s"
			if test.secret != "" {
				secret = test.secret
			}
			request := order(test.code, now.Add(-test.age), test.change)
			raw := request.seal([]byte(secret), [16]byte{})
			p, err := parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			got := nas.order(p)
			if again := nas.order(p); !bytes.Equal(got, again) {
				t.Error("the same request is answered in two ways")
			}
			if nas.Online("m") != test.online {
				t.Errorf("online: %v", nas.Online("m"))
			}
			if test.answer == 0 {
				if got != nil {
					t.Errorf("answers %x", got)
				}
				return
			}
			answer, err := parse(got)
			if err != nil || answer.code != test.answer || answer.seconds(errorCause) != test.cause || !answer.genuine([]byte("s"), request.authenticator) {
				t.Errorf("%+v, %v", answer, err)
			}
		})
	}
}

func TestSessionEndsByItself(t *testing.T) {
	now := time.Unix(1795000000, 0)
	nas, err := StartNAS(NASOptions{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer nas.Close()
	nas.Admit(Session{MAC: "m", Started: now, Timeout: time.Minute})
	if now = now.Add(59 * time.Second); !nas.Online("m") {
		t.Error("it ends too early")
	}
	if now = now.Add(time.Second); nas.Online("m") {
		t.Error("it outlives its Session-Timeout")
	}
}

func TestMissingProgram(t *testing.T) {
	_, err := find("no-such-daemon")
	var missing *MissingError
	if !errors.As(err, &missing) || err.Error() != "no-such-daemon is not installed; as root: apt-get install --no-install-recommends "+Packages {
		t.Errorf("%v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(order(coaRequest, time.Unix(1, 0), nil).seal([]byte("s"), [16]byte{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := parse(b); err == nil && !bytes.Equal(p.bytes(), b[:len(p.bytes())]) {
			t.Errorf("%x is read as %x", b, p.bytes())
		}
	})
}
