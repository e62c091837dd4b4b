package wifi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/console"
	"edgeagent/hwsim/nomadixsim"

	"github.com/google/go-cmp/cmp"
)

// gatewayStage is a stage whose gateway can be asked for more than others.
type gatewayStage struct {
	*stage
	gateway *nomadixsim.Gateway
}

func newGatewayStage(t *testing.T, opts nomadixsim.Options, credentials string) gatewayStage {
	t.Helper()
	return newSkewedGateway(t, opts, credentials, 0)
}

// newSkewedGateway has a clock that is ahead.
func newSkewedGateway(t *testing.T, opts nomadixsim.Options, credentials string, ahead time.Duration) gatewayStage {
	t.Helper()
	var gateway *nomadixsim.Gateway
	s := newStage(t, suiteProduct{name: "nomadix", owns: nomadixAccount, start: func(now func() time.Time) (world, Config, map[string]string, error) {
		opts.Now = func() time.Time { return now().Add(ahead) }
		var err error
		gateway, err = nomadixsim.Start(opts)
		return gateway, Config{Controller: "nomadix", Credentials: credentials}, nil, err
	}})
	return gatewayStage{s, gateway}
}

// commands are those that came since the last call, in order.
func (s gatewayStage) commands() string {
	var names []string
	for _, r := range s.Requests() {
		names = append(names, strings.TrimPrefix(r.Path, nomadixPath+" "))
	}
	s.ForgetRequests()
	return strings.Join(names, " ")
}

func (s gatewayStage) wants(commands string) {
	s.t.Helper()
	if got := s.commands(); got != commands {
		s.t.Errorf("commands %q, want %q", got, commands)
	}
}

// Down is the guest's download, times are in seconds from now, and the instant
// of the newer commands is by the gateway's clock.
func TestNomadixCommands(t *testing.T) {
	c := newClient(&url.URL{Scheme: "http", Host: "192.0.2.1:1111"}, Config{}, nil, func() time.Time { return start })
	c.skew.Store(int64(time.Hour))
	n := newNomadix(c, Config{}).(*nomadix)
	g := Grant{Stay: Stay{Key: keyA}, Room: "101", Until: start.Add(26*time.Hour + time.Millisecond), Devices: 4,
		Tier: Tier{DownKbps: 20_000, UpKbps: 5_000}}
	for _, test := range []struct {
		way  string
		room string
		want string
	}{
		{"users", "101", `<USG COMMAND="USER_ADD"><USER_NAME>name</USER_NAME><PASSWORD ENCRYPT="FALSE">code</PASSWORD>` +
			`<EXPIRY_TIME UNITS="SECONDS">93601</EXPIRY_TIME><COUNTDOWN>0</COUNTDOWN><ROOM_NUMBER>101</ROOM_NUMBER>` +
			`<BANDWIDTH_MAX_UP>5000</BANDWIDTH_MAX_UP><BANDWIDTH_MAX_DOWN>20000</BANDWIDTH_MAX_DOWN><USER_DEF1>htl:` + keyA + `</USER_DEF1></USG>`},
		{"users", "Chalet 12", `<USG COMMAND="USER_ADD"><USER_NAME>name</USER_NAME><PASSWORD ENCRYPT="FALSE">code</PASSWORD>` +
			`<EXPIRY_TIME UNITS="SECONDS">93601</EXPIRY_TIME><COUNTDOWN>0</COUNTDOWN>` +
			`<BANDWIDTH_MAX_UP>5000</BANDWIDTH_MAX_UP><BANDWIDTH_MAX_DOWN>20000</BANDWIDTH_MAX_DOWN><USER_DEF1>htl:` + keyA + `</USER_DEF1></USG>`},
		{"groups", "101", `<USG COMMAND="GROUP_ADD"><USER_NAME>name</USER_NAME><PASSWORD ENCRYPT="FALSE">code</PASSWORD>` +
			`<EXPIRY_TIME UNITS="SECONDS">93601</EXPIRY_TIME><VALID_UNTIL>2026-11-23T17:00:00Z</VALID_UNTIL><GROUP_USERS_MAX>4</GROUP_USERS_MAX></USG>`},
		{"codes", "101", `<USG COMMAND="ACCESS_CODE_ADD"><USER_NAME>name</USER_NAME>` +
			`<EXPIRY_TIME UNITS="SECONDS">93601</EXPIRY_TIME><VALID_UNTIL>2026-11-23T17:00:00Z</VALID_UNTIL><GROUP_USERS_MAX>4</GROUP_USERS_MAX></USG>`},
	} {
		g.Room = test.room
		if diff := cmp.Diff(test.want, string(n.newAccount(nomadixWays[test.way], g, "name", "code").bytes())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.way, diff)
		}
	}
	if got := string(newUSG("A", "B", `1"<`).put("C", "<&'", "D", "x").bytes()); got != `<USG COMMAND="A" B="1&#34;&lt;"><C D="x">&lt;&amp;&#39;</C></USG>` {
		t.Error(got)
	}
}

func TestNomadixRatesReachTheGuest(t *testing.T) {
	s := newGatewayStage(t, nomadixsim.Options{}, "")
	s.joins(mac1, s.must(ensure(keyA, tomorrow)))
	if down, up, _ := s.gateway.Session(mac1); down != 20_000 || up != 5_000 {
		t.Errorf("down %d, up %d", down, up)
	}
	s.commands()
	s.must(ensure(keyA, tomorrow, "tier", "suite"))
	s.wants("USER_QUERY USER_DELETE USER_ADD CACHE_UPDATE")
	if down, up, ok := s.gateway.Session(mac1); down != 90_000 || up != 40_000 || !ok {
		t.Errorf("the device that is on: down %d, up %d, %v", down, up, ok)
	}
	s.must(ensure(keyA, tomorrow, "tier", "suite"))
	s.wants("USER_QUERY")
}

func TestNomadixSaysNothingOfALimitItDoesNotHave(t *testing.T) {
	for credentials, want := range map[string]string{
		"":       "WiFi access until 2026-11-23 16:00",
		"groups": "WiFi access for 5 devices until 2026-11-23 16:00",
		"codes":  "WiFi access for 5 devices until 2026-11-23 16:00",
	} {
		s := newGatewayStage(t, nomadixsim.Options{Newer: true}, credentials)
		if receipt, err := s.try(ensure(keyA, tomorrow)); err != nil || receipt.Note != want {
			t.Errorf("%q, %v", receipt.Note, err)
		}
	}
}

// An extension keeps the device that is on, past the end it logged in with; a
// shorter stay does not leave one behind.
func TestNomadixSessionsFollowTheStay(t *testing.T) {
	for _, credentials := range []string{"users", "groups", "codes"} {
		s := newGatewayStage(t, nomadixsim.Options{Newer: true}, credentials)
		told := s.must(ensure(keyA, tomorrow))
		s.joins(mac1, told)
		s.must(ensure(keyA, tomorrow.Add(48*time.Hour)))
		s.advance(30 * time.Hour)
		if !s.Online(mac1) {
			t.Errorf("%s: off before the new departure", credentials)
		}
		s.joins(mac2, told)
		s.must(ensure(keyA, tomorrow.Add(12*time.Hour)))
		s.joins(mac3, told) // the same code again
		s.advance(9 * time.Hour)
		if s.Online(mac1) || s.Online(mac2) || s.Online(mac3) {
			t.Errorf("%s: on after the new departure", credentials)
		}
	}
}

// The newer commands want an instant, by a clock that may be a little off.
func TestNomadixSkewedGateway(t *testing.T) {
	for _, credentials := range []string{"users", "groups", "codes"} {
		for _, ahead := range []time.Duration{-90 * time.Second, 90 * time.Second} {
			s := newSkewedGateway(t, nomadixsim.Options{Newer: true}, credentials, ahead)
			told := s.must(ensure(keyA, tomorrow))
			s.commands()
			s.must(ensure(keyA, tomorrow))
			s.wants("USER_QUERY")
			s.advance(25 * time.Hour)
			s.joins(mac1, told)
			s.advance(62 * time.Minute)
			if s.Online(mac1) {
				t.Errorf("%s, %v ahead: online after departure and grace", credentials, ahead)
			}
		}
	}
}

// With an older firmware the newer commands are unknown: guests get accounts.
func TestNomadixFallsBackToAccounts(t *testing.T) {
	for credentials, command := range map[string]string{"groups": "GROUP_ADD", "codes": "ACCESS_CODE_ADD"} {
		s := newGatewayStage(t, nomadixsim.Options{}, credentials)
		told := s.must(ensure(keyA, tomorrow))
		s.wants("USER_QUERY " + command + " USER_QUERY USER_ADD")
		if told["user"] == "" || s.caps().DeviceLimit || !s.caps().RateLimit {
			t.Errorf("%s: user %q, caps %+v", credentials, told["user"], s.caps())
		}
		s.joins(mac1, told)
		s.must(ensure(keyB, tomorrow))
		s.wants("USER_QUERY USER_ADD") // asked once
		_, err := s.drv.Report(t.Context())
		if want := s.URL()[len("https://"):] + " does not know " + command + ", so guests get accounts made with USER_ADD: remove credentials, or update the gateway's firmware"; err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("probe: %v", err)
		}
		s.restart()
		if again := s.must(ensure(keyA, tomorrow)); again["code"] != told["code"] || !s.Online(mac1) {
			t.Errorf("%s: after a restart the guest has another code, or is off", credentials)
		}
		s.must(revoke(keyA))
		s.refuses(mac1, told)
	}
}

func TestNomadixChangeOfCredentials(t *testing.T) {
	s := newGatewayStage(t, nomadixsim.Options{Newer: true}, "users")
	old := s.must(ensure(keyA, tomorrow))
	for _, credentials := range []string{"codes", "users", "groups", "codes"} {
		s.section.Credentials = credentials
		s.restart()
		told := s.must(ensure(keyA, tomorrow))
		if old["user"] != told["user"] {
			s.refuses(mac2, old)
		}
		s.joins(mac1, told)
		if all := s.Access(); len(all) != 1 {
			t.Errorf("%s: %d accounts", credentials, len(all))
		}
		old = told
	}
	s.section.Credentials = "users" // and before anything is ensured, the guest leaves
	s.restart()
	s.must(revoke(keyA))
	if len(s.Access()) != 0 || s.Online(mac1) {
		t.Error("the access code outlived its guest")
	}
}

// An access code is a secret that follows from the stay and the property's key.
func TestNomadixAccessCodes(t *testing.T) {
	code := func(key, stay string) string {
		c := newClient(&url.URL{Scheme: "http", Host: "192.0.2.1:1111"}, Config{}, nil, time.Now)
		c.key = []byte(key)
		n := newNomadix(c, Config{Credentials: "codes"}).(*nomadix)
		return n.name(n.wanted, Stay{Key: stay})
	}
	a := code("k", keyA)
	if a != code("k", keyA) || a == code("k", keyB) || a == code("l", keyA) || a == (Stay{Key: keyA}).userName() || !codeFormatOfOurs.MatchString(a) {
		t.Errorf("codes %q %q %q", a, code("k", keyB), code("l", keyA))
	}
	c := newClient(&url.URL{Scheme: "http", Host: "192.0.2.1:1111"}, Config{}, nil, time.Now)
	_, err := newNomadix(c, Config{Credentials: "codes"}).Ensure(t.Context(), Grant{Stay: Stay{Key: keyA}})
	if class(err) != "down" || err.Error() != "access codes need the property's key, and there is none" {
		t.Errorf("without a key: %v", err)
	}
}

func TestNomadixRoomIsALabel(t *testing.T) {
	s := newGatewayStage(t, nomadixsim.Options{Rooms: []string{"101", "102"}}, "")
	s.must(ensure(keyA, tomorrow, "room", "101"))
	s.wants("USER_QUERY USER_ADD")
	s.must(ensure(keyA, tomorrow, "room", "102")) // not on the bill of 101
	s.wants("USER_QUERY USER_DELETE USER_ADD")
	first := s.must(ensure(keyB, tomorrow, "room", "502")) // the gateway does not know it
	s.wants("USER_QUERY USER_ADD USER_ADD")
	if again := s.must(ensure(keyB, tomorrow, "room", "502")); again["code"] != first["code"] {
		t.Error("another code")
	}
	s.wants("USER_QUERY") // and is not made anew for it
	s.must(ensure(keyC, tomorrow, "room", "Chalet 12"))
	s.wants("USER_QUERY USER_ADD")
}

// A tier that was lost on the way and taken back: the receipt still fits, the
// account may not.
func TestNomadixDoubtsALostReply(t *testing.T) {
	s := newGatewayStage(t, nomadixsim.Options{}, "")
	first := s.must(ensure(keyA, tomorrow))
	s.Inject(console.Fault{Kind: console.DropAfterCommit, Match: "USER_ADD"})
	if _, err := s.try(ensure(keyA, tomorrow, "tier", "suite")); class(err) != "retry" {
		t.Fatal(err)
	}
	told := s.must(ensure(keyA, tomorrow))
	if a := s.only(keyA); a.DownKbps != 20_000 || told["code"] != first["code"] {
		t.Errorf("down %d kbit/s, the same code: %v", a.DownKbps, told["code"] == first["code"])
	}
}

// Somebody else was quicker: between the look and the making.
func TestNomadixAdoptsWhatExists(t *testing.T) {
	made := `<USG RESULT="OK"><USER_NAME>` + (Stay{Key: keyA}).userName() + `</USER_NAME><PASSWORD>abcdefgh</PASSWORD></USG>`
	g := newStubGateway(t, stubError(201), stubError(204), made, stubOK, stubOK)
	receipt, err := g.drv.Do(t.Context(), ensure(keyA, tomorrow))
	if err != nil || receipt.Values["code"] != "abcdefgh" {
		t.Errorf("%v, adopted: %v", err, receipt.Values["code"] == "abcdefgh")
	}
	g.wants(t, "USER_QUERY USER_ADD USER_QUERY USER_DELETE USER_ADD")
	// It exists and is not found: made anew, once.
	g = newStubGateway(t, stubError(201), stubError(204), stubError(201), stubOK, stubError(204))
	_, err = g.drv.Do(t.Context(), ensure(keyA, tomorrow))
	if class(err) != "retry" || !strings.HasSuffix(err.Error(), "make the account: "+g.host+": USER_ADD: the gateway says that the account exists, and does not find it (error 204)") {
		t.Errorf("got %v", err)
	}
	g.wants(t, "USER_QUERY USER_ADD USER_QUERY USER_DELETE USER_ADD")
}

func TestNomadixListAsksOnce(t *testing.T) {
	s := newGatewayStage(t, nomadixsim.Options{}, "")
	s.must(ensure(keyA, tomorrow))
	s.must(ensure(keyB, tomorrow))
	s.must(revoke(keyB))
	s.commands()
	if got := s.sweep(); got.Held != 1 || got.Removed != 0 || got.Unknown != 0 {
		t.Errorf("swept %+v", got)
	}
	s.wants("USER_QUERY USER_QUERY")
	s.sweep()
	s.wants("USER_QUERY") // B's is gone, and only we could bring it back
	s.must(ensure(keyB, tomorrow))
	s.commands()
	if got := s.sweep(); got.Held != 2 {
		t.Errorf("swept %+v", got)
	}
	if s.caps().FindByNote {
		t.Error("nothing can be searched for")
	}
}

// A late departure that nobody told us of: access granted by the latest ensure
// is not ended by the sweep that follows.
func TestNomadixSweepLeavesTheOverdue(t *testing.T) {
	s := newGatewayStage(t, nomadixsim.Options{}, "")
	s.must(ensure(keyA, tomorrow))
	s.advance(30 * time.Hour)
	told := s.must(ensure(keyA, tomorrow))
	s.joins(mac1, told)
	if got := s.sweep(); got.Removed != 0 || !s.Online(mac1) {
		t.Errorf("swept %+v", got)
	}
	s.advance(5 * time.Hour)
	if s.Online(mac1) {
		t.Error("on for longer than the shortest access")
	}
}

func TestNomadixOneCommandAtATime(t *testing.T) {
	s := newGatewayStage(t, nomadixsim.Options{Latency: 5 * time.Millisecond}, "")
	errs := make(chan error)
	for i := range 8 {
		go func() {
			_, err := s.drv.Do(t.Context(), ensure(fmt.Sprintf("%016x", i), tomorrow))
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n := s.gateway.Busiest(); n != 1 {
		t.Errorf("%d commands at once", n)
	}
}

// Most gateways are spoken to in the clear and ask for no password.
func TestNomadixInTheClear(t *testing.T) {
	sim, err := nomadixsim.Start(nomadixsim.Options{Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	drv, err := open("w", Config{Controller: "nomadix", URL: sim.URL()}, drivers.Site{}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := drv.Do(t.Context(), ensure(keyA, time.Now().Add(time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	if err := sim.Join(mac1, receipt.Values["user"], receipt.Values["code"]); err != nil {
		t.Error(err)
	}
	if drv.cfg.Timeout != 10*time.Second {
		t.Errorf("timeout %v", drv.cfg.Timeout)
	}
}

// stubGateway gives the answers that it is told to, in order; then the last again.
type stubGateway struct {
	drv     *Driver
	host    string
	seen    []string
	answers []string
	at      atomic.Int32
}

const stubOK = `<USG RESULT="OK" ID="02BC3C"></USG>`

func stubError(number int) string {
	return fmt.Sprintf("<?xml version=\"1.0\" ?>\n<!DOCTYPE USG \" x.dtd\">\n<USG RESULT=\"ERROR\"><ERROR_NUM>%d</ERROR_NUM><ERROR_DESC>abcdefgh</ERROR_DESC></USG>", number)
}

func newStubGateway(t *testing.T, answers ...string) *stubGateway {
	t.Helper()
	g := &stubGateway{answers: answers}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", start.Format(http.TimeFormat))
		text, _ := io.ReadAll(r.Body)
		_, command, _ := strings.Cut(string(text), `COMMAND="`)
		command, _, _ = strings.Cut(command, `"`)
		g.seen = append(g.seen, command)
		i := min(int(g.at.Add(1))-1, len(g.answers)-1)
		_, _ = fmt.Fprint(w, g.answers[i])
	}))
	t.Cleanup(server.Close)
	g.host = strings.TrimPrefix(server.URL, "http://")
	drv, err := open("guest-wifi", Config{Controller: "nomadix", URL: server.URL}, drivers.Site{}, func() time.Time { return start })
	if err != nil {
		t.Fatal(err)
	}
	g.drv = drv
	return g
}

func (g *stubGateway) wants(t *testing.T, commands string) {
	t.Helper()
	if got := strings.Join(g.seen, " "); got != commands {
		t.Errorf("commands %q, want %q", got, commands)
	}
}

func TestNomadixErrorNumbers(t *testing.T) {
	for _, test := range []struct {
		number      int
		class, want string
	}{
		{100, "refused", "the gateway cannot read the command (error 100)"},
		{101, "down", "the gateway does not know the command: its firmware is too old for this agent (error 101)"},
		{102, "refused", "the gateway misses an attribute in the command (error 102)"},
		{103, "refused", "the gateway misses data in the command (error 103)"},
		{200, "refused", "the gateway does not know the room (error 200)"},
		{201, "refused", "the gateway does not know the account (error 201)"},
		{202, "refused", "the gateway does not know the device (error 202)"},
		{203, "refused", "the gateway wants another password for the account (error 203)"},
		{205, "later", "the gateway has no place for another subscriber: delete old accounts on its page, or extend its licence (error 205)"},
		{206, "retry", "the gateway cannot provide all that was asked for (error 206)"},
		{207, "retry", "the gateway has an internal error of AAA: switch on AAA and its internal authorisation (error 207)"},
		{300, "refused", "the gateway does not find the account at its RADIUS server: accounts of guests must be its own (error 300)"},
		{301, "refused", "the gateway has trouble with the account at its RADIUS server: accounts of guests must be its own (error 301)"},
		{302, "refused", "the gateway cannot bill the room (error 302)"},
		{303, "refused", "the gateway does not take the way of payment (error 303)"},
		{999, "retry", "the gateway has an error that is not in its manual (error 999)"},
		{12345, "retry", "the gateway has an error that is not in its manual (error 0)"},
	} {
		g := newStubGateway(t, stubError(201), stubError(test.number))
		_, err := g.drv.Do(t.Context(), ensure(keyA, tomorrow))
		prefix := "guest-wifi: open access: make the account: "
		if test.class == "refused" {
			prefix += "refused: "
		}
		if class(err) != test.class || err.Error() != prefix+g.host+": USER_ADD: "+test.want {
			t.Errorf("%d: class %s, %v", test.number, class(err), err)
		}
	}
	g := newStubGateway(t, stubError(201)) // gone already
	if receipt, err := g.drv.Do(t.Context(), revoke(keyA)); err != nil || receipt.Note != "WiFi access was closed already" {
		t.Errorf("%q, %v", receipt.Note, err)
	}
	g.wants(t, "USER_DELETE LOGOUT")
	g = newStubGateway(t, stubError(201), stubOK) // says OK to every LOGOUT
	if _, err := g.drv.Do(t.Context(), revoke(keyA)); err != nil || len(g.seen) != 1+nomadixLogouts {
		t.Errorf("%d commands, %v", len(g.seen), err)
	}
	g = newStubGateway(t, `<USG RESULT="OK"><USER_NAME>other</USER_NAME><PASSWORD>abcdefgh</PASSWORD></USG>`)
	if _, err := g.drv.Do(t.Context(), ensure(keyA, tomorrow)); class(err) != "retry" || err.Error() != "guest-wifi: open access: look for the account: the gateway answered about another one" {
		t.Errorf("%v", err)
	}
}

func TestNomadixProbe(t *testing.T) {
	g := newStubGateway(t, strings.Replace(stubError(201), "RESULT", `ID="02BC3C" RESULT`, 1))
	report, err := g.drv.Report(t.Context())
	if err != nil || report.Product != "Nomadix" || report.Site != "02BC3C" {
		t.Errorf("%+v, %v", report, err)
	}
	g.wants(t, "USER_QUERY")
	for _, test := range []struct{ answer, class, want string }{
		{stubError(207), "retry", "USER_QUERY: the gateway has an internal error of AAA: switch on AAA and its internal authorisation (error 207)"},
		{stubError(101), "down", "USER_QUERY: the gateway does not know the command: its firmware is too old for this agent (error 101)"},
		{"<!DOCTYPE html>\n<title>Welcome</title>", "retry", "it is not what this product sends; does url lead to the controller itself?"},
		{"", "retry", "read the answer to POST /usg/command.xml: it is empty"},
	} {
		g := newStubGateway(t, test.answer)
		if _, err := g.drv.Report(t.Context()); class(err) != test.class || !strings.HasPrefix(err.Error(), "guest-wifi: ask for an account: "+g.host) || !strings.HasSuffix(err.Error(), test.want) {
			t.Errorf("class %s, %v", class(err), err)
		}
	}
	endless := newGatewayStage(t, nomadixsim.Options{}, "")
	endless.Inject(console.Fault{Kind: console.EndlessBody})
	if _, err := endless.drv.Report(t.Context()); !errors.Is(err, errTooLarge) {
		t.Errorf("an answer without an end: %v", err)
	}
	s := newGatewayStage(t, nomadixsim.Options{User: "agent", Password: "word"}, "")
	if _, err := s.drv.Report(t.Context()); class(err) != "down" || !strings.HasSuffix(err.Error(), "the controller answered 401: it asks for another user or password: compare them with those of its XML interface, and the file of password_file") {
		t.Errorf("%v", err)
	}
	_ = s.Close()
	s.restart()
	if _, err := s.drv.Report(t.Context()); class(err) != "down" || !strings.HasSuffix(err.Error(), "connection refused: is the XML interface switched on, with this gateway's address in its list of senders?") {
		t.Errorf("%v", err)
	}
}

func TestNomadixConfig(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Config)
		want   []string
	}{
		{"in the clear", func(*Config) {}, nil},
		{"with a password", func(c *Config) { c.User, c.PasswordFile, c.Credentials = "agent", "f", "groups" }, nil},
		{"over TLS", func(c *Config) { c.URL, c.TLS.PinSHA256 = "https://10.0.0.2:1112", goodPin }, nil},
		{"a pin in the clear", func(c *Config) { c.TLS.PinSHA256 = goodPin }, []string{"tls: tls is for https: remove the line, or write https:// into url"}},
		{"credentials", func(c *Config) { c.Credentials = "vouchers" }, []string{`credentials: unknown credentials "vouchers": write one of codes, groups, users`}},
		{"no password", func(c *Config) { c.User = "agent" }, []string{"password_file: password_file is missing: write the name of the file that holds the password of user"}},
		{"no user", func(c *Config) { c.PasswordFile = "f" }, []string{"user: user is missing: write the name that the gateway asks for, or remove password_file if it asks for none"}},
		{"a path", func(c *Config) { c.URL += "/usg/command.xml" }, []string{"url: write the url without a path, such as http://10.0.0.2:1111"}},
		{"another's key", func(c *Config) { c.Site = "x" }, []string{"site: site is not for Nomadix: remove the line"}},
	} {
		cfg := Config{Controller: "nomadix", URL: "http://10.0.0.2:1111"}
		test.change(&cfg)
		var got []string
		for path, problem := range cfg.Problems() {
			got = append(got, path+": "+problem)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}
