package dynauth

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"layeh.com/radius"
	"pgregory.net/rapid"
)

var (
	secret  = []byte("vector-secret")
	example = Session{User: "k7m2p9xq", AcctSessionID: "80000001", CallingStationID: "AA-bb-CC-00-11-22",
		NASIP: netip.MustParseAddr("10.0.0.2"), FramedIP: netip.MustParseAddr("10.5.0.7"), NASIdentifier: "lobby"}
)

// The packets that radclient 3.2.1 of FreeRADIUS sends for the same attributes.
func TestVectorsOfRadclient(t *testing.T) {
	for _, v := range []struct {
		code radius.Code
		more func(*radius.Packet)
		want string
	}{
		{radius.CodeDisconnectRequest, nil, "28e800663001dab625798c71107275545ae0eeed5012c47dd2749f83454154f47d64eb57e0b0010a6b376d327039787104060a00000220076c6f6262792c0a38303030303030311f1341412d62622d43432d30302d31312d323208060a05000737066afd86c0"},
		{radius.CodeCoARequest, func(p *radius.Packet) { p.Add(sessionTimeout, number(3600)) }, "2b71006c45355c80bf396109d0f4ab0186f6469f5012c27618029e6e90acd9d9dc7642b9c0b5010a6b376d327039787104060a00000220076c6f6262792c0a38303030303030311f1341412d62622d43432d30302d31312d323208060a0500071b0600000e1037066afd86c0"},
	} {
		want, err := hex.DecodeString(v.want)
		if err != nil {
			t.Fatal(err)
		}
		p := radius.New(v.code, secret)
		p.Identifier = want[1]
		got, err := encode(p, example, time.Unix(1795000000, 0), v.more)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v, %v\ngot  %x\nwant %x", v.code, err, got, want)
		}
	}
}

// Whatever is known of a session goes out to the letter, signature first.
func TestPropertyOfRequests(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 60, 253)
		s := Session{User: text.Draw(t, "user"), AcctSessionID: text.Draw(t, "id"), CallingStationID: text.Draw(t, "calling"), NASIdentifier: text.Draw(t, "nas")}
		key := rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "secret")
		b, err := encode(radius.New(radius.CodeDisconnectRequest, key), s, time.Unix(rapid.Int64Range(0, 1<<32-1).Draw(t, "at"), 0), nil)
		if err != nil {
			t.Fatal(err)
		}
		if b[20] != 80 || b[21] != 18 {
			t.Fatalf("the first attribute is %d", b[20])
		}
		for i, want := range map[byte]string{1: s.User, 44: s.AcctSessionID, 31: s.CallingStationID, 32: s.NASIdentifier} {
			if got := plainly(b, i); got != want {
				t.Fatalf("attribute %d is %q, want %q", i, got, want)
			}
		}
		blank := bytes.Clone(b)
		clear(blank[4:20])
		if sum := md5.Sum(append(blank, key...)); !bytes.Equal(sum[:], b[4:20]) {
			t.Fatal("wrong authenticator")
		}
		clear(blank[22:38])
		h := hmac.New(md5.New, key)
		h.Write(blank)
		if !bytes.Equal(h.Sum(nil), b[22:38]) {
			t.Fatal("wrong signature")
		}
	})
}

// plainly reads an attribute without any library.
func plainly(b []byte, kind byte) string {
	for rest := b[20:]; len(rest) > 1; rest = rest[rest[1]:] {
		if rest[0] == kind {
			return string(rest[2:rest[1]])
		}
	}
	return ""
}

func TestTooLong(t *testing.T) {
	_, err := encode(radius.New(radius.CodeCoARequest, secret), Session{User: strings.Repeat("x", 254)}, time.Now(), nil)
	if err == nil {
		t.Error("254 bytes fit into an attribute")
	}
}

func TestCauses(t *testing.T) {
	for cause, want := range map[Cause]struct {
		class Class
		words string
	}{
		0:   {Later, "refused without a reason"},
		201: {Gone, "residual session context removed (Error-Cause 201)"},
		202: {Setup, "invalid EAP packet (Error-Cause 202)"},
		401: {Setup, "unsupported attribute: it does not know one of the attributes by which a session is named (Error-Cause 401)"},
		402: {Setup, "missing attribute: it wants an attribute that radacct does not have (Error-Cause 402)"},
		403: {Setup, "NAS identification mismatch: set nas_ip and identifier to what it calls itself (Error-Cause 403)"},
		404: {Setup, "invalid request (Error-Cause 404)"},
		405: {Setup, "unsupported service (Error-Cause 405)"},
		406: {Setup, "unsupported extension: it does not know this kind of request (Error-Cause 406)"},
		407: {Setup, "invalid attribute value (Error-Cause 407)"},
		501: {Setup, "administratively prohibited: switch on incoming requests (CoA, dynamic authorization) on it, for our address (Error-Cause 501)"},
		502: {Setup, "request not routable: the proxy in between does not know the way to it (Error-Cause 502)"},
		503: {Gone, "session context not found (Error-Cause 503)"},
		504: {Setup, "session context not removable (Error-Cause 504)"},
		505: {Later, "other proxy processing error (Error-Cause 505)"},
		506: {Later, "resources unavailable (Error-Cause 506)"},
		507: {Later, "request initiated: it asks the server first (Error-Cause 507)"},
		508: {Setup, "multiple session selection unsupported: several sessions fit (Error-Cause 508)"},
		999: {Later, "Error-Cause 999"},
	} {
		if cause.Class() != want.class || cause.String() != want.words {
			t.Errorf("%d: class %d, %q", cause, cause.Class(), cause)
		}
		heard := talk(t, func(request []byte, _ int) [][]byte { return [][]byte{answer(request, 42, cause, secret)} })
		var refusal *NAK
		if !errors.As(heard.err, &refusal) || refusal.Cause != cause {
			t.Errorf("%d: heard %v", cause, heard.err)
		}
	}
	if n := len(causes); n != 18 {
		t.Errorf("%d causes are known, and 18 are tested", n)
	}
}

// answer is what a NAS sends; cause 0 is none.
func answer(request []byte, code byte, cause Cause, key []byte) []byte {
	p := &radius.Packet{Code: radius.Code(code), Identifier: request[1], Secret: key}
	copy(p.Authenticator[:], request[4:20])
	if cause != 0 {
		p.Add(errorCause, number(uint32(cause)))
	}
	b, err := p.Encode()
	if err != nil {
		panic(err)
	}
	return b
}

type heard struct {
	err      error
	requests [][]byte
}

// talk has a NAS answer the n-th packet, from 0, that it gets.
func talk(t *testing.T, say func(request []byte, n int) [][]byte) heard {
	t.Helper()
	port, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var got heard
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 4096)
		for n := 0; ; n++ {
			size, from, err := port.ReadFrom(buffer)
			if err != nil {
				return
			}
			request := bytes.Clone(buffer[:size])
			got.requests = append(got.requests, request)
			for _, b := range say(request, n) {
				_, _ = port.WriteTo(b, from)
			}
		}
	}()
	nas := NAS{Address: port.LocalAddr().String(), Source: netip.MustParseAddr("127.0.0.1"), Secret: secret,
		Waits: []time.Duration{30 * time.Millisecond, 60 * time.Millisecond, 120 * time.Millisecond}}
	got.err = nas.Disconnect(t.Context(), example)
	_ = port.Close()
	<-done
	return got
}

func TestRepeatsTheSamePacket(t *testing.T) {
	got := talk(t, func(request []byte, n int) [][]byte {
		if n < 2 {
			return nil
		}
		return [][]byte{answer(request, 41, 0, secret)}
	})
	if got.err != nil || len(got.requests) != 3 || !bytes.Equal(got.requests[0], got.requests[1]) || !bytes.Equal(got.requests[0], got.requests[2]) {
		t.Errorf("%v after %d packets: %x", got.err, len(got.requests), got.requests)
	}
}

func TestBelievesOnlyTheNAS(t *testing.T) {
	nothing := func([]byte, int) [][]byte { return nil }
	if got := talk(t, nothing); !errors.Is(got.err, ErrSilent) || len(got.requests) != 3 || got.err.Error() != "no answer: wrong secret, wrong source address, or unreachable" {
		t.Errorf("silence: %v after %d packets", got.err, len(got.requests))
	}
	forged := func(r []byte, _ int) [][]byte { return [][]byte{answer(r, 41, 0, []byte("other"))} }
	if got := talk(t, forged); !errors.Is(got.err, ErrForged) {
		t.Errorf("forged: %v", got.err)
	}
	mixed := func(r []byte, _ int) [][]byte {
		other := answer(r, 42, 503, secret)
		other[1]++
		return [][]byte{{1, 2, 3}, other, answer(r, 44, 0, secret), answer(r, 41, 0, []byte("other")), append(answer(r, 41, 0, secret), 0, 0)}
	}
	if got := talk(t, mixed); got.err != nil || len(got.requests) != 1 {
		t.Errorf("among others: %v after %d packets", got.err, len(got.requests))
	}
	signedWrong := func(r []byte, _ int) [][]byte {
		p := &radius.Packet{Code: 41, Identifier: r[1], Secret: secret}
		copy(p.Authenticator[:], r[4:20])
		p.Add(messageAuthenticator, make([]byte, 16))
		b, _ := p.Encode()
		return [][]byte{b}
	}
	if got := talk(t, signedWrong); !errors.Is(got.err, ErrForged) {
		t.Errorf("wrong Message-Authenticator: %v", got.err)
	}
	nas := NAS{Address: "127.0.0.1:1", Secret: secret}
	if err := nas.Disconnect(t.Context(), example); !errors.Is(err, ErrClosed) {
		t.Errorf("closed port: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	request, err := encode(radius.New(radius.CodeDisconnectRequest, secret), example, time.Unix(1, 0), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(answer(request, 41, 0, secret))
	f.Add(answer(request, 42, 503, secret))
	f.Add([]byte{42, request[1], 0, 20})
	f.Fuzz(func(t *testing.T, b []byte) {
		err := decode(b, request, secret)
		var refusal *NAK
		if err == nil || errors.As(err, &refusal) {
			// Only who has the secret can make such a packet.
			if size := int(b[2])<<8 | int(b[3]); !radius.IsAuthenticResponse(b[:size], request, secret) {
				t.Errorf("believed %x", b)
			}
		}
	})
}
