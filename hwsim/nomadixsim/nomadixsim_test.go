package nomadixsim

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

type bench struct {
	*Gateway
	t      *testing.T
	offset time.Duration
}

const phone, tablet = "02:00:00:00:00:01", "02:00:00:00:00:02"

func newBench(t *testing.T, opts Options) *bench {
	t.Helper()
	b := &bench{t: t}
	base := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	opts.Plain, opts.Now = true, func() time.Time { return base.Add(b.offset) }
	sim, err := Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	b.Gateway = sim
	return b
}

func (b *bench) post(body string, change func(*http.Request)) (int, string) {
	b.t.Helper()
	req, err := http.NewRequest("POST", b.URL()+commandPath, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/xml")
	if change != nil {
		change(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// say sends a command and wants an error number; "" is success.
func (b *bench) say(want, body string) element {
	b.t.Helper()
	_, text := b.post(body, nil)
	_, text, ok := strings.Cut(text, "ndxRsp.dtd\">")
	if !ok {
		b.t.Fatalf("%s: no document type before %q", body, text)
	}
	var root element
	if err := xml.Unmarshal([]byte(text), &root); err != nil {
		b.t.Fatal(err)
	}
	result := "OK"
	if want != "" {
		result = "ERROR"
	}
	if got := root.child("ERROR_NUM").Text; got != want || root.attr("RESULT") != result || root.attr("ID") == "" {
		b.t.Fatalf("%s: error %q, want %q: %s", body, got, want, text)
	}
	return root
}

func userAdd(name, more string) string {
	return `<USG COMMAND="USER_ADD"><USER_NAME>` + name + `</USER_NAME><PASSWORD ENCRYPT="FALSE">pw</PASSWORD>` + more + `</USG>`
}

const day = `<EXPIRY_TIME UNITS="HOURS">24</EXPIRY_TIME>`

func user(command, name string) string {
	return `<USG COMMAND="` + command + `"><USER ID_TYPE="USER_NAME">` + name + `</USER></USG>`
}

func TestStrictCommands(t *testing.T) {
	b := newBench(t, Options{Newer: true, Rooms: []string{"101"}, Most: 3})
	long := strings.Repeat("x", 97)
	for _, test := range []struct{ want, body string }{
		{"100", `<USG COMMAND="USER_ADD">`},
		{"100", `<OTHER COMMAND="USER_ADD"/>`},
		{"100", userAdd("a", day) + "x"},
		{"101", `<USG COMMAND="USER_FLY"/>`},
		{"101", `<USG/>`},
		{"100", userAdd("a", day+`<GUEST>Lind</GUEST>`)},
		{"100", userAdd("a", day+day)},
		{"100", userAdd(long, day)},
		{"100", userAdd("a", day+`<ROOM_NUMBER>123456789</ROOM_NUMBER>`)},
		{"103", userAdd("", day)},
		{"103", userAdd("a", "")},
		{"102", userAdd("a", `<EXPIRY_TIME>24</EXPIRY_TIME>`)},
		{"102", userAdd("a", `<EXPIRY_TIME UNITS="WEEKS">24</EXPIRY_TIME>`)},
		{"103", userAdd("a", `<EXPIRY_TIME UNITS="HOURS">-4</EXPIRY_TIME>`)},
		{"103", userAdd("a", day+`<COUNTDOWN>2</COUNTDOWN>`)},
		{"103", userAdd("a", day+`<BANDWIDTH_MAX_UP>fast</BANDWIDTH_MAX_UP>`)},
		{"200", userAdd("a", day+`<ROOM_NUMBER>999</ROOM_NUMBER>`)},
		{"303", userAdd("a", day+`<PAYMENT_METHOD>GOLD</PAYMENT_METHOD>`)},
		{"", userAdd("a", day+`<ROOM_NUMBER>101</ROOM_NUMBER>`)},
		{"204", userAdd("a", day)},
		{"103", `<USG COMMAND="USER_QUERY"/>`},
		{"102", `<USG COMMAND="USER_QUERY"><USER>a</USER></USG>`},
		{"201", user("USER_QUERY", "nobody")},
		{"201", user("USER_DELETE", "nobody")},
		{"202", `<USG COMMAND="USER_QUERY"><USER ID_TYPE="MAC_ADDR">02:00:00:00:00:01</USER></USG>`},
		{"103", `<USG COMMAND="LOGOUT"/>`},
		{"201", `<USG COMMAND="LOGOUT"><SUB_USER_NAME>a</SUB_USER_NAME></USG>`},
		{"202", `<USG COMMAND="LOGOUT"><SUB_MAC_ADDR>020000000001</SUB_MAC_ADDR></USG>`},
		{"102", `<USG COMMAND="CACHE_UPDATE"/>`},
		{"202", `<USG COMMAND="CACHE_UPDATE" MAC_ADDR="020000000001"/>`},
		{"102", `<USG COMMAND="USER_AUTHORIZE" MAC_ADDR="02:00:00:00:00:01"/>`},
		{"103", `<USG COMMAND="GROUP_ADD"><USER_NAME>g</USER_NAME><PASSWORD ENCRYPT="FALSE">pw</PASSWORD></USG>`},
		{"103", `<USG COMMAND="GROUP_ADD"><USER_NAME>g</USER_NAME><PASSWORD ENCRYPT="FALSE">pw</PASSWORD><VALID_UNTIL>2020-01-01T00:00:00Z</VALID_UNTIL></USG>`},
		{"100", `<USG COMMAND="GROUP_ADD"><USER_NAME>g</USER_NAME><PASSWORD ENCRYPT="FALSE">pw</PASSWORD><VALID_UNTIL>2026-11-24T00:00:00Z</VALID_UNTIL><BANDWIDTH_MAX_UP>1000</BANDWIDTH_MAX_UP></USG>`},
		{"", `<USG COMMAND="ACCESS_CODE_ADD"><USER_NAME>c</USER_NAME><VALID_UNTIL>2026-11-24T00:00:00Z</VALID_UNTIL></USG>`},
		{"", `<USG COMMAND="GROUP_ADD"><USER_NAME>g</USER_NAME><PASSWORD ENCRYPT="FALSE">pw</PASSWORD><VALID_UNTIL>2026-11-24T00:00:00Z</VALID_UNTIL></USG>`},
		{"205", userAdd("z", day)},
	} {
		b.say(test.want, test.body)
	}
}

func TestOlderFirmwareHasNoGroups(t *testing.T) {
	b := newBench(t, Options{})
	b.say("101", `<USG COMMAND="GROUP_ADD"/>`)
	b.say("101", `<USG COMMAND="ACCESS_CODE_ADD"/>`)
}

func TestWhoMayCome(t *testing.T) {
	b := newBench(t, Options{User: "agent", Password: "word"})
	query := user("USER_QUERY", "a")
	for _, test := range []struct {
		name   string
		change func(*http.Request)
		want   int
	}{
		{"nobody", nil, 401},
		{"another password", func(r *http.Request) { r.SetBasicAuth("agent", "w") }, 401},
		{"the agent", func(r *http.Request) { r.SetBasicAuth("agent", "word") }, 200},
		{"a form", func(r *http.Request) {
			r.SetBasicAuth("agent", "word")
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}, 415},
		{"a GET", func(r *http.Request) {
			r.SetBasicAuth("agent", "word")
			r.Method = "GET"
		}, 405},
		{"another path", func(r *http.Request) { r.URL.Path = "/" }, 404},
	} {
		if got, _ := b.post(query, test.change); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
	for _, r := range b.Requests() {
		if r.Body != "" {
			t.Error("the list of requests holds what accounts are made of")
		}
	}
	if last := b.Requests()[0].Path; last != commandPath+" USER_QUERY" {
		t.Errorf("written down as %q", last)
	}
}

func TestSessionsOutliveTheAccount(t *testing.T) {
	b := newBench(t, Options{})
	add := userAdd("a", day+`<BANDWIDTH_MAX_UP>1000</BANDWIDTH_MAX_UP><BANDWIDTH_MAX_DOWN>9000</BANDWIDTH_MAX_DOWN>`)
	b.say("", add)
	if err := b.Join(phone, "a", "wrong"); !errors.Is(err, ErrNoSuchUser) {
		t.Errorf("with a wrong password: %v", err)
	}
	for _, mac := range []string{phone, tablet} {
		if err := b.Join(mac, "a", "pw"); err != nil {
			t.Fatal(err)
		}
	}
	if down, up, _ := b.Session(phone); down != 9000 || up != 1000 {
		t.Errorf("down %d, up %d", down, up)
	}
	if got := b.say("", user("USER_QUERY", "a")); got.child("MAC_ADDR").Text != "020000000002" || got.child("PASSWORD").Text != "pw" || got.child("EXPIRY_TIME").Text != "86400" {
		t.Errorf("query: %+v", got)
	}
	b.say("", user("USER_DELETE", "a"))
	if !b.Online(phone) || !b.Online(tablet) || b.Join("02:00:00:00:00:03", "a", "pw") == nil {
		t.Error("deleting the account should keep who is on, and nobody else")
	}
	logout := `<USG COMMAND="LOGOUT"><SUB_USER_NAME>a</SUB_USER_NAME></USG>`
	b.say("", logout)
	if b.Online(phone) || !b.Online(tablet) {
		t.Error("LOGOUT should end one session")
	}
	b.say("", logout)
	b.say("201", logout)

	// An account made anew reaches a session by CACHE_UPDATE only.
	b.say("", add)
	if err := b.Join(phone, "a", "pw"); err != nil {
		t.Fatal(err)
	}
	b.say("", user("USER_DELETE", "a"))
	b.say("", userAdd("a", `<EXPIRY_TIME UNITS="DAYS">3</EXPIRY_TIME>`))
	b.offset = 25 * time.Hour
	if b.Online(phone) {
		t.Error("the session outlived the account it began with")
	}
	b.offset = 0
	if err := b.Join(phone, "a", "pw"); err != nil {
		t.Fatal(err)
	}
	b.say("", user("USER_DELETE", "a"))
	b.say("", userAdd("a", `<EXPIRY_TIME UNITS="DAYS">5</EXPIRY_TIME>`))
	b.say("", `<USG COMMAND="CACHE_UPDATE" MAC_ADDR="020000000001"/>`)
	b.offset = 4 * 24 * time.Hour
	if !b.Online(phone) {
		t.Error("CACHE_UPDATE did not reach the session")
	}
	b.offset = 6 * 24 * time.Hour
	if b.Online(phone) {
		t.Error("online for ever")
	}
	b.say("201", user("USER_QUERY", "a"))
}

func TestCountdownStartsAtTheFirstLogIn(t *testing.T) {
	b := newBench(t, Options{})
	b.say("", userAdd("a", day+`<COUNTDOWN>1</COUNTDOWN>`))
	b.offset = 48 * time.Hour
	if err := b.Join(phone, "a", "pw"); err != nil {
		t.Error("an unused account with a countdown should be there still")
	}
	b.offset = 73 * time.Hour
	if b.Online(phone) {
		t.Error("online after its day")
	}
}

func TestGroupsLimitDevices(t *testing.T) {
	b := newBench(t, Options{Newer: true})
	b.say("", `<USG COMMAND="ACCESS_CODE_ADD"><USER_NAME>code</USER_NAME><EXPIRY_TIME UNITS="HOURS">30</EXPIRY_TIME><VALID_UNTIL>2026-11-23T14:00:00+01:00</VALID_UNTIL><GROUP_USERS_MAX>1</GROUP_USERS_MAX></USG>`)
	if err := b.Join(phone, "", "code"); err != nil {
		t.Fatal(err)
	}
	if err := b.Join(phone, "", "code"); err != nil {
		t.Errorf("the same phone again: %v", err)
	}
	if err := b.Join(tablet, "", "code"); !errors.Is(err, ErrFull) {
		t.Errorf("a second device: %v", err)
	}
	if a := b.Access()[0]; a.User != "" || a.Code != "code" || a.Devices != 1 || !a.Works {
		t.Errorf("access %+v", a)
	}
	b.offset = 23 * time.Hour
	if b.Online(phone) || b.Join(phone, "", "code") == nil {
		t.Error("it works after VALID_UNTIL")
	}
}

func TestNoAAA(t *testing.T) {
	b := newBench(t, Options{NoAAA: true})
	b.say("207", user("USER_QUERY", "a"))
}
