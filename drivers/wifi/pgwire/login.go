package pgwire

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Kinds of AuthenticationRequest.
const (
	authOK           = 0
	authCleartext    = 3
	authMD5          = 5
	authSASL         = 10
	authSASLContinue = 11
	authSASLFinal    = 12
)

func (c *Conn) logIn(cfg Config) error {
	start := binary.BigEndian.AppendUint32(make([]byte, 4), protocol3)
	for _, text := range []string{"user", cfg.User, "database", cfg.Database, "application_name", "edgeagent", "client_encoding", "UTF8"} {
		start = cstring(start, text)
	}
	start = append(start, 0)
	binary.BigEndian.PutUint32(start, uint32(len(start)))
	if err := c.send(start); err != nil {
		return err
	}
	state := logInState{local: cfg.Network == "unix"}
	for {
		kind, body, err := c.receive()
		if err != nil {
			return err
		}
		switch kind {
		case 'R':
			if len(body) < 4 {
				return errProtocol
			}
			how, rest := binary.BigEndian.Uint32(body), body[4:]
			if err := c.authenticate(cfg, how, rest, &state); err != nil {
				return err
			}
		case 'S':
			if name, value, ok := bytes.Cut(bytes.TrimSuffix(body, []byte{0}), []byte{0}); ok && string(name) == "server_version" {
				c.ServerVersion = string(value)
			}
		case 'E':
			return serverError(body)
		case 'Z':
			// A server that skips to the end has proved as little as one that says
			// "welcome" too early.
			if !state.welcome {
				return errProtocol
			}
			return nil
		case 'K', 'N', 'v':
		default:
			return errProtocol
		}
	}
}

// logInState is how far a log-in has come.
type logInState struct {
	local   bool   // a Unix socket: the system says who is at the other end
	proof   *scram // begun, if not nil
	proved  bool   // the server knows the password, or has shown a certificate and been told it
	welcome bool   // AuthenticationOk
}

func (c *Conn) authenticate(cfg Config, how uint32, rest []byte, state *logInState) error {
	switch how {
	case authOK:
		// Who has begun SCRAM has to prove that it knows the password too.
		if state.proof != nil && !state.proved {
			return errProtocol
		}
		if !state.proved && !state.local {
			return errors.New("the database lets anybody in without a password: set scram-sha-256 in pg_hba.conf")
		}
		state.welcome = true
		return nil
	case authCleartext:
		if _, safe := c.line.(*tls.Conn); !safe && !state.local {
			return errors.New("the database wants the password in the clear: set scram-sha-256 in pg_hba.conf")
		}
		state.proved = state.proof == nil
		return c.send(cstring(message('p'), cfg.Password))
	case authMD5:
		// It proves nothing of the server, and what was overheard lets others in.
		if !state.local {
			return errors.New("the database wants MD5: set scram-sha-256 in pg_hba.conf")
		}
		if len(rest) != 4 {
			return errProtocol
		}
		return c.send(cstring(message('p'), "md5"+md5Hex(md5Hex(cfg.Password+cfg.User)+string(rest))))
	case authSASL:
		if !bytes.Contains(append([]byte{0}, rest...), []byte("\x00SCRAM-SHA-256\x00")) {
			return errors.New("the database knows no way to log in that is known here: set scram-sha-256 in pg_hba.conf")
		}
		if !printable(cfg.Password) {
			return errors.New("the password has other characters than printable ASCII: choose another")
		}
		state.proof, state.proved = newScram(cfg.Password, rand.Text()), false
		first := state.proof.first()
		m := binary.BigEndian.AppendUint32(cstring(message('p'), "SCRAM-SHA-256"), uint32(len(first)))
		return c.send(append(m, first...))
	case authSASLContinue:
		if state.proof == nil {
			return errProtocol
		}
		final, err := state.proof.final(string(rest))
		if err != nil {
			return err
		}
		return c.send(append(message('p'), final...))
	case authSASLFinal:
		if state.proof == nil || !state.proof.verify(string(rest)) {
			return errors.New("the database does not know the password itself: it is not the one that it says it is")
		}
		state.proved = true
		return nil
	}
	return errors.New("the database knows no way to log in that is known here: set scram-sha-256 in pg_hba.conf")
}

func md5Hex(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// printable passwords need no SASLprep (RFC 4013), which maps them to themselves.
func printable(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// scram is SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677).
type scram struct {
	password, nonce string
	want            []byte // the server's signature
}

func newScram(password, nonce string) *scram { return &scram{password: password, nonce: nonce} }

const gs2Header = "n,,"

func (s *scram) bare() string { return "n=,r=" + s.nonce }

func (s *scram) first() string { return gs2Header + s.bare() }

// Bounds of the rounds of hashing that a server may ask for: too few give the
// password away, too many stop the gateway.
const (
	minRounds = 4096
	maxRounds = 1_000_000
)

func (s *scram) final(challenge string) (string, error) {
	fields := map[string]string{}
	for part := range strings.SplitSeq(challenge, ",") {
		if name, value, ok := strings.Cut(part, "="); ok {
			fields[name] = value
		}
	}
	salt, err := base64.StdEncoding.DecodeString(fields["s"])
	rounds, wrong := strconv.Atoi(fields["i"])
	if err != nil || wrong != nil || len(salt) == 0 || rounds < minRounds || rounds > maxRounds ||
		!strings.HasPrefix(fields["r"], s.nonce) || len(fields["r"]) == len(s.nonce) {
		return "", errProtocol
	}
	salted, err := pbkdf2.Key(sha256.New, s.password, salt, rounds, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("log in: %w", err)
	}
	bare := "c=" + base64.StdEncoding.EncodeToString([]byte(gs2Header)) + ",r=" + fields["r"]
	signed := s.bare() + "," + challenge + "," + bare
	key := mac(salted, "Client Key")
	stored := sha256.Sum256(key)
	proof := mac(stored[:], signed)
	for i := range proof {
		proof[i] ^= key[i]
	}
	s.want = mac(mac(salted, "Server Key"), signed)
	return bare + ",p=" + base64.StdEncoding.EncodeToString(proof), nil
}

func (s *scram) verify(answer string) bool {
	text, ok := strings.CutPrefix(answer, "v=")
	got, err := base64.StdEncoding.DecodeString(text)
	return ok && err == nil && s.want != nil && hmac.Equal(got, s.want)
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
