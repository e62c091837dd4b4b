package wifi

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"edgeagent/drivers"
)

// A Nomadix gateway, by its XML interface. An account is known by its name
// alone: nothing lists them, and nothing that can be searched for is kept with
// them. So the name follows from the stay, List asks for the stays that the
// agent knows of, and what an account cannot show, its rates and limits, is
// read from the stay's receipt.
//
// An account cannot be changed. It is deleted and made again with the same name
// and password: nobody who is online notices, since a session outlives its
// account and ends when the account ended as it began.

// nomadixWay is how a stay's access is made.
type nomadixWay struct {
	command string
	newer   bool // a command of newer firmware
	coded   bool // its name is all that a guest types
}

// nomadixWays are those of credentials in the property file.
var nomadixWays = map[string]nomadixWay{
	"users":  {command: "USER_ADD"},
	"groups": {command: "GROUP_ADD", newer: true},
	"codes":  {command: "ACCESS_CODE_ADD", newer: true, coded: true},
}

func nomadixProblems(c *Config) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		if _, ok := nomadixWays[c.Credentials]; !ok && c.Credentials != "" &&
			!yield("credentials", fmt.Sprintf("unknown credentials %q: write one of codes, groups, users", c.Credentials)) {
			return
		}
		switch {
		case c.User != "" && c.PasswordFile == "":
			yield("password_file", "password_file is missing: write the name of the file that holds the password of user")
		case c.User == "" && c.PasswordFile != "":
			yield("user", "user is missing: write the name that the gateway asks for, or remove password_file if it asks for none")
		}
	}
}

type nomadix struct {
	*client
	wanted nomadixWay
	// older is set once the gateway did not know the wanted way's command.
	older atomic.Bool
	// made counts the accounts that were begun; see List.
	made atomic.Int64

	mu sync.Mutex
	// doubt are the stays with an account that was begun and not confirmed: it
	// may be other than the stay's receipt says.
	doubt map[string]bool
	// absent are the stays without an account, so that nobody asks again each hour.
	absent map[string]bool
}

func newNomadix(c *client, cfg Config) controller {
	way, ok := nomadixWays[cfg.Credentials]
	if !ok {
		way = nomadixWays["users"]
	}
	n := &nomadix{client: c, wanted: way, doubt: map[string]bool{}, absent: map[string]bool{}}
	c.manners = manners{
		refused:   "it asks for another user or password: compare them with those of its XML interface, and the file of password_file",
		rights:    "it does not let this gateway in: list its address as a sender of the XML interface",
		elsewhere: "write the address and port of the XML interface into url, such as http://192.168.1.1:1111",
	}
	if cfg.User != "" {
		c.sign = c.basicAuth
	}
	c.pace.single = true // no pace is published
	return n
}

// Caps depend on the command: only USER_ADD is known to take rates, only the
// newer ones a number of devices. Extend is by deleting and making again, with
// the code that the guest has. AbsoluteExpiry rests on COUNTDOWN 0 of USER_ADD,
// which public documents read as time that runs whether anybody is on or not.
func (n *nomadix) Caps() Caps {
	way := n.way()
	return Caps{ChooseCode: true, ChooseUser: !way.coded, AbsoluteExpiry: true, Extend: true,
		RateLimit: !way.newer, DeviceLimit: way.newer, CutSession: true, SecretReadable: true}
}

func (n *nomadix) way() nomadixWay {
	if n.wanted.newer && n.older.Load() {
		return nomadixWays["users"]
	}
	return n.wanted
}

func (n *nomadix) Ensure(ctx context.Context, g Grant) (Credential, error) {
	if n.wanted.coded && len(n.key) == 0 {
		return Credential{}, &drivers.LinkDown{Err: errors.New("access codes need the property's key, and there is none")}
	}
	way := n.way()
	made, err := n.ensure(ctx, way, g)
	if way.newer && hasUSGError(err, usgUnknownCommand) {
		n.older.Store(true)
		way = n.way()
		made, err = n.ensure(ctx, way, g)
	}
	if err != nil {
		return Credential{}, err
	}
	// After a change of credentials the old account has to go.
	name := n.name(way, g.Stay)
	if old := n.told(g.Stay); old != name && codeFormatOfOurs.MatchString(old) {
		if _, _, err := n.end(ctx, []string{old}, true); err != nil {
			return Credential{}, err
		}
	}
	return made, nil
}

// ensure makes the account of a stay in one way, or finds it.
func (n *nomadix) ensure(ctx context.Context, way nomadixWay, g Grant) (Credential, error) {
	name := n.name(way, g.Stay)
	for try := 0; ; try++ {
		found, err := n.query(ctx, name)
		if err != nil {
			return Credential{}, err
		}
		code := n.code(way, g.Stay, found)
		if found != nil && n.fits(way, *found, g, code) {
			return n.credential(way, g, code), nil
		}
		if err := n.untimed(); err != nil {
			return Credential{}, err
		}
		// Said to exist and not found by its name: it is made anew all the same.
		if found != nil || try > 0 {
			if err := n.clear(ctx, g, name, found); err != nil {
				return Credential{}, err
			}
		}
		err = n.begin(ctx, way, g, name, code)
		if hasUSGError(err, usgUserExists) && try == 0 {
			continue // somebody was quicker: look again
		}
		if err != nil {
			return Credential{}, err
		}
		if found != nil {
			return n.credential(way, g, code), n.refresh(ctx, found.mac)
		}
		return n.credential(way, g, code), nil
	}
}

// begin makes an account, and keeps in mind that it may have been made.
func (n *nomadix) begin(ctx context.Context, way nomadixWay, g Grant, name, code string) error {
	n.made.Add(1)
	n.mu.Lock()
	n.doubt[g.Key] = true
	delete(n.absent, g.Key)
	n.mu.Unlock()
	if err := n.add(ctx, way, g, name, code); err != nil {
		return err
	}
	n.mu.Lock()
	delete(n.doubt, g.Key)
	n.mu.Unlock()
	return nil
}

// clear deletes an account that is made anew. Sessions that would outlive the
// new one are ended before it is there; their guests type the same code again.
func (n *nomadix) clear(ctx context.Context, g Grant, name string, found *nomadixUser) error {
	if _, err := n.remove(ctx, name); err != nil {
		return err
	}
	before, err := time.Parse(time.RFC3339, g.Known["until"])
	if err != nil && found != nil {
		before = found.end
	}
	if before.After(g.Until.Add(tolerance)) {
		_, err := n.logout(ctx, name)
		return err
	}
	return nil
}

// Revoke deletes the account first, then ends its sessions: the other way round
// a device would log straight back in.
func (n *nomadix) Revoke(ctx context.Context, stay Stay, cut bool) (Revoked, error) {
	accounts, sessions, err := n.end(ctx, n.names(stay), cut)
	if err != nil {
		return Revoked{}, err
	}
	n.mu.Lock()
	delete(n.doubt, stay.Key)
	n.mu.Unlock()
	return Revoked{Credentials: accounts, Sessions: sessions}, nil
}

func (n *nomadix) end(ctx context.Context, names []string, cut bool) (accounts, sessions int, err error) {
	for _, name := range names {
		there, err := n.remove(ctx, name)
		if err != nil {
			return accounts, sessions, err
		}
		if there {
			accounts++
		}
	}
	if !cut {
		return accounts, 0, nil
	}
	for _, name := range names {
		ended, err := n.logout(ctx, name)
		sessions += ended
		if err != nil {
			return accounts, sessions, err
		}
	}
	return accounts, sessions, nil
}
