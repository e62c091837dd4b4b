package wifi

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"
)

// What an account of a Nomadix gateway is called, what its guest types, and
// whether it still is what a stay should have.

// name is that of a stay's account. An access code is its own name, so it is
// derived with the property's key, which nobody outside has.
func (n *nomadix) name(way nomadixWay, stay Stay) string {
	if !way.coded {
		return stay.userName()
	}
	mac := hmac.New(sha256.New, n.key)
	code := make([]byte, 0, codeLength)
	for round := byte(0); len(code) < codeLength; round++ {
		mac.Reset()
		_, _ = mac.Write(append([]byte("nomadix access code "+stay.Key), round))
		for _, x := range mac.Sum(nil) {
			if x < 248 && len(code) < codeLength { // as in newCode
				code = append(code, codeAlphabet[x%31])
			}
		}
	}
	return string(code)
}

// told is the name of the account in the stay's receipt, "" if there is none.
func (n *nomadix) told(stay Stay) string {
	if strings.HasPrefix(stay.Known["voucher"], nomadixWays["codes"].command) {
		return stay.Known["code"]
	}
	return stay.Known["user"]
}

// names are all under which a stay may have an account: settings and firmware change.
func (n *nomadix) names(stay Stay) []string {
	names := []string{stay.userName()}
	if n.wanted.coded {
		names = append(names, n.name(n.wanted, stay))
	}
	if told := n.told(stay); codeFormatOfOurs.MatchString(told) && !slices.Contains(names, told) {
		names = append(names, told)
	}
	return names
}

// code is what the guest types beside the name: what the guest was told, else
// what the account has, as after a lost reply, else a new one.
func (n *nomadix) code(way nomadixWay, stay Stay, found *nomadixUser) string {
	switch {
	case way.coded:
		return ""
	case codeFormatOfOurs.MatchString(stay.Known["code"]) && n.told(stay) == stay.userName():
		return stay.Known["code"]
	case found != nil && codeFormatOfOurs.MatchString(found.password):
		return found.password
	}
	return newCode()
}

// shape is what an account cannot show of itself. It goes into the receipt.
func (way nomadixWay) shape(g Grant) string {
	if way.newer {
		return fmt.Sprintf("%s %d", way.command, g.Devices)
	}
	return fmt.Sprintf("%s %d/%d", way.command, g.DownKbps, g.UpKbps)
}

// fits reports whether an account gives what the grant says.
func (n *nomadix) fits(way nomadixWay, found nomadixUser, g Grant, code string) bool {
	n.mu.Lock()
	doubt := n.doubt[g.Key]
	n.mu.Unlock()
	if doubt || g.Known["voucher"] != way.shape(g) {
		return false
	}
	// A gateway may hide passwords, and may not have taken the room.
	if found.password != "" && found.password != code || found.room != "" && found.room != nomadixLabel(g.Room) {
		return false
	}
	end := found.end
	if way.newer && !found.absolute {
		end, _ = time.Parse(time.RFC3339, g.Known["until"])
	}
	now, least := n.now(), g.Until
	if g.Overdue {
		least = g.Departed // made before the departure passed, it is still right
		if now.After(least) {
			least = now
		}
	}
	return now.Before(end) && !end.Before(least.Add(-tolerance)) && !end.After(g.Until.Add(tolerance))
}

func (n *nomadix) credential(way nomadixWay, g Grant, code string) Credential {
	made := Credential{Key: g.Key, ID: way.shape(g), User: n.name(way, g.Stay), Code: code, Live: true, Since: n.now()}
	if way.coded {
		made.User, made.Code = "", made.User
	}
	if since, err := time.Parse(time.RFC3339, g.Known["since"]); err == nil {
		made.Since = since
	}
	made.Created, made.Codes = made.Since, []string{made.Code}
	return made
}
