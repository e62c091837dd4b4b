package wifi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"edgeagent/drivers"
)

// The commands of the XML interface, as a public manual of a licensed product
// (an access point that takes the same commands on the same port) and open
// clients have them.

const (
	nomadixPath = "/usg/command.xml"
	// nomadixLogouts bounds the ending of one name's sessions, one call each: a
	// gateway might answer OK whether or not there was one.
	nomadixLogouts = 32
	// nomadixFullWait is when to come back to a gateway without room for another account.
	nomadixFullWait = 5 * time.Minute
)

// The error numbers that are handled where they arise.
const (
	usgUnknownCommand = 101
	usgUnknownRoom    = 200
	usgUnknownUser    = 201
	usgUnknownMAC     = 202
	usgUserExists     = 204
)

// nomadixNumbers are what the gateway's errors mean to the lanes, and to people.
var nomadixNumbers = map[int]struct {
	class nomadixClass
	words string
}{
	100:               {usgRefused, "cannot read the command"},
	usgUnknownCommand: {usgBroken, "does not know the command: its firmware is too old for this agent"},
	102:               {usgRefused, "misses an attribute in the command"},
	103:               {usgRefused, "misses data in the command"},
	usgUnknownRoom:    {usgRefused, "does not know the room"},
	usgUnknownUser:    {usgRefused, "does not know the account"},
	usgUnknownMAC:     {usgRefused, "does not know the device"},
	203:               {usgRefused, "wants another password for the account"},
	usgUserExists:     {usgAgain, "says that the account exists, and does not find it"},
	205:               {usgFull, "has no place for another subscriber: delete old accounts on its page, or extend its licence"},
	206:               {usgAgain, "cannot provide all that was asked for"},
	207:               {usgAgain, "has an internal error of AAA: switch on AAA and its internal authorisation"},
	300:               {usgRefused, "does not find the account at its RADIUS server: accounts of guests must be its own"},
	301:               {usgRefused, "has trouble with the account at its RADIUS server: accounts of guests must be its own"},
	302:               {usgRefused, "cannot bill the room"},
	303:               {usgRefused, "does not take the way of payment"},
}

// nomadixClass is what to do about an error.
type nomadixClass int

const (
	usgAgain   nomadixClass = iota // an unheard-of number too
	usgRefused                     // this command never works
	usgBroken                      // no command works
	usgFull
)

// usgError is an answer with an error number. The gateway's own words for it
// may quote an account, so they are not kept.
type usgError struct {
	command string
	number  int
}

func (e *usgError) Error() string {
	words := nomadixNumbers[e.number].words
	if words == "" {
		words = "has an error that is not in its manual"
	}
	return fmt.Sprintf("%s: the gateway %s (error %d)", e.command, words, e.number)
}

func hasUSGError(err error, number int) bool {
	var answer *usgError
	return errors.As(err, &answer) && answer.number == number
}

// ask sends one command and returns its answer.
func (n *nomadix) ask(ctx context.Context, c *usgCommand, command string) (usgReply, error) {
	var got usgReply
	err := n.call(ctx, request{method: http.MethodPost, path: nomadixPath, raw: c.bytes(), contentType: "text/xml", limit: maxUSG,
		decode: func(r io.Reader) (err error) {
			got, err = readUSG(r)
			return err
		}})
	if err == nil && got.ok {
		return got, nil
	}
	if err != nil {
		return got, n.unreachable(err)
	}
	err = fmt.Errorf("%s: %w", n.base.Host, &usgError{command: command, number: got.number})
	switch nomadixNumbers[got.number].class {
	case usgRefused:
		return got, fmt.Errorf("%w: %w", drivers.ErrRefused, err)
	case usgBroken:
		return got, &drivers.LinkDown{Err: err}
	case usgFull:
		return got, &drivers.RetryAfter{Wait: nomadixFullWait, Alone: true, Err: err} // revokes make room
	}
	return got, err
}

// unreachable adds to a call that found nobody what is commonly wrong.
func (n *nomadix) unreachable(err error) error {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return &drivers.LinkDown{Err: fmt.Errorf("%w: is the XML interface switched on, with this gateway's address in its list of senders?", err)}
	}
	return err
}

// nomadixUser is an account as USER_QUERY shows it.
type nomadixUser struct {
	password, room string
	mac            string // of the device that uses it; "" if none does
	end            time.Time
	absolute       bool // the gateway said when it ends, not how long it lasts
}

var nomadixMAC = regexp.MustCompile(`^[0-9A-F]{12}$`)

// query returns the account of a name, nil if there is none.
func (n *nomadix) query(ctx context.Context, name string) (*nomadixUser, error) {
	got, err := n.ask(ctx, newUSG("USER_QUERY").put("USER", name, "ID_TYPE", "USER_NAME"), "USER_QUERY")
	if hasUSGError(err, usgUnknownUser) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for the account: %w", err)
	}
	if there := got.fields["USER_NAME"].text; there != name {
		return nil, errors.New("look for the account: the gateway answered about another one")
	}
	u := &nomadixUser{password: got.fields["PASSWORD"].text, room: got.fields["ROOM_NUMBER"].text}
	if mac := got.fields["MAC_ADDR"].text; nomadixMAC.MatchString(mac) {
		u.mac = mac
	}
	skew := time.Duration(n.skew.Load())
	if until, err := time.Parse(time.RFC3339, got.fields["VALID_UNTIL"].text); err == nil {
		u.end, u.absolute = until.Add(-skew), true
	} else if left, ok := usgDuration(got.fields["EXPIRY_TIME"]); ok {
		u.end = n.now().Add(left)
	}
	return u, nil
}

// usgDuration reads a number of seconds, minutes, hours or days.
func usgDuration(f usgField) (time.Duration, bool) {
	const longest = 100 * 365 * 24 * time.Hour
	unit, ok := usgUnits[f.units]
	count, err := strconv.ParseInt(f.text, 10, 64)
	if !ok || err != nil || count < 0 || count > int64(longest/unit) {
		return 0, false
	}
	return time.Duration(count) * unit, true
}

var usgUnits = map[string]time.Duration{"SECONDS": time.Second, "MINUTES": time.Minute, "HOURS": time.Hour, "DAYS": 24 * time.Hour}

// add makes an account. A room that the gateway does not know is left out: it
// is a label, and a guest has WiFi without it.
func (n *nomadix) add(ctx context.Context, way nomadixWay, g Grant, name, code string) error {
	_, err := n.ask(ctx, n.newAccount(way, g, name, code), way.command)
	if hasUSGError(err, usgUnknownRoom) && g.Room != "" {
		g.Room = ""
		_, err = n.ask(ctx, n.newAccount(way, g, name, code), way.command)
	}
	if err != nil {
		return fmt.Errorf("make the account: %w", err)
	}
	return nil
}

// newAccount is the command that makes an account. Time is counted from now,
// whether anybody is on or not (COUNTDOWN 0); the newer commands want the
// instant, by the gateway's clock. There is no PAYMENT_METHOD: nobody is to be
// charged.
func (n *nomadix) newAccount(way nomadixWay, g Grant, name, code string) *usgCommand {
	left := max(int64((g.Until.Sub(n.now())+time.Second-1)/time.Second), 1)
	c := newUSG(way.command).put("USER_NAME", name)
	if !way.coded {
		c.put("PASSWORD", code, "ENCRYPT", "FALSE")
	}
	c.put("EXPIRY_TIME", strconv.FormatInt(left, 10), "UNITS", "SECONDS")
	if way.newer {
		until := g.Until.Add(time.Duration(n.skew.Load()))
		return c.put("VALID_UNTIL", until.UTC().Format("2006-01-02T15:04:05Z")).put("GROUP_USERS_MAX", strconv.Itoa(g.Devices))
	}
	c.put("COUNTDOWN", "0")
	if room := nomadixLabel(g.Room); room != "" {
		c.put("ROOM_NUMBER", room)
	}
	if g.UpKbps > 0 {
		c.put("BANDWIDTH_MAX_UP", strconv.Itoa(g.UpKbps))
	}
	if g.DownKbps > 0 {
		c.put("BANDWIDTH_MAX_DOWN", strconv.Itoa(g.DownKbps))
	}
	return c.put("USER_DEF1", g.marker()) // for people who look at its page
}

var nomadixRoom = regexp.MustCompile(`^[0-9A-Za-z ._/-]{1,8}$`)

// nomadixLabel is a room's name if the gateway can take it; cut short it would be
// another room's.
func nomadixLabel(room string) string {
	if nomadixRoom.MatchString(room) {
		return room
	}
	return ""
}

// remove deletes an account; there says that there was one.
func (n *nomadix) remove(ctx context.Context, name string) (there bool, err error) {
	_, err = n.ask(ctx, newUSG("USER_DELETE").put("USER", name, "ID_TYPE", "USER_NAME"), "USER_DELETE")
	if hasUSGError(err, usgUnknownUser) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("delete the account: %w", err)
	}
	return true, nil
}

// logout ends the sessions of a name. Whether one call ends all of them is not
// documented, so it is repeated until there is none.
func (n *nomadix) logout(ctx context.Context, name string) (ended int, err error) {
	for ended < nomadixLogouts {
		_, err := n.ask(ctx, newUSG("LOGOUT").put("SUB_USER_NAME", name), "LOGOUT")
		if hasUSGError(err, usgUnknownUser) || hasUSGError(err, usgUnknownMAC) {
			return ended, nil
		}
		if err != nil {
			return ended, fmt.Errorf("log the account's devices out: %w", err)
		}
		ended++
	}
	return ended, nil
}

// refresh lets the session of a device have what its account says by now. The
// gateway names one device of an account; others keep what they had until they
// log in again, at the old end at the latest.
func (n *nomadix) refresh(ctx context.Context, mac string) error {
	if mac == "" {
		return nil
	}
	_, err := n.ask(ctx, newUSG("CACHE_UPDATE", "MAC_ADDR", mac), "CACHE_UPDATE")
	var answer *usgError
	if err != nil && !errors.As(err, &answer) { // without it the session is as the others are
		return fmt.Errorf("renew a device's session: %w", err)
	}
	return nil
}
