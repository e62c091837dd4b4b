package keycard

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"edgeagent/drivers"
)

// A check-out in the lock system goes by room, and ends whatever keys the room
// has. One that comes late, from another encoder or ahead of the ledger, would
// lock the next guest out. So receipts say whose keys the room has.

// valueOwners is the value of a receipt that says for whose stays the room has
// keys since the last new one: keyed hashes with blanks between, the newest last.
const valueOwners = "key_stays"

const (
	// maxOwners bounds how many of them are kept: no room has as many beds.
	maxOwners = 24
	// justMade is how long after a key the PMS's news of its guest may come.
	justMade = 15 * time.Minute
	// awaitKey is when to look again whether another encoder has made its key.
	awaitKey = 5 * time.Second
)

// owner names a stay in receipts; "" for none.
func (d *Driver) owner(stay string) string {
	if stay == "" {
		return ""
	}
	mac := hmac.New(sha256.New, d.site.Key)
	mac.Write([]byte("whose key " + stay))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// joinOwners adds a stay to those whose keys its own has joined.
func joinOwners(owners, owner string) string {
	list := strings.Fields(owners)
	if owner != "" {
		list = append(slices.DeleteFunc(list, func(o string) bool { return o == owner }), owner)
	}
	return strings.Join(list[max(len(list)-maxOwners, 0):], " ")
}

// leftAlone says why a room is not checked out in the lock system, "" if it is
// to be: the key that it has by now is another stay's. That key has ended those
// before it, if it did not join them. Of keys that were made for several stays,
// one after the other, those of a stay that has left are ended with the room's
// last; only a key just made may be that of a guest of whom the PMS has not told
// yet. While another encoder makes a key of the room nobody can say: later. And if
// nobody knows whether the next guest's key was made, it may be in his hand already;
// if it was not, his next one ends the earlier ones.
func (d *Driver) leftAlone(cmd drivers.Command, now time.Time) (note string, err error) {
	if cmd.Action != actionCancel || cmd.Params["stay"] == "" {
		return "", nil
	}
	known := d.known(cmd)
	if known[drivers.ValueUnderWay] != "" {
		return "", &drivers.RetryAfter{Wait: awaitKey, Alone: true, Err: again(EncoderBusy, "another encoder is making a key of the room")}
	}
	owners, owner := strings.Fields(known[valueOwners]), d.owner(cmd.Params["stay"])
	if stay := known[drivers.ValueStay]; len(owners) == 0 && stay != "" {
		owners = []string{d.owner(stay)} // of a driver that had no time to say more
	}
	made := drivers.Receipt{Values: known}.At()
	switch i := slices.Index(owners, owner); {
	case len(owners) == 0, i == len(owners)-1, i >= 0 && now.Sub(made) > justMade:
		return "", nil
	case known[drivers.ValueDoubted] != "":
		return fmt.Sprintf("left alone: nobody knows whether room %s has the next guest's key already; the command that was to make it says so", cmd.Params["room"]), nil
	}
	return fmt.Sprintf("left alone: room %s has the next guest's key already", cmd.Params["room"]), nil
}
