package wifi

import (
	"fmt"
	"iter"
	"regexp"
)

// The voucher server's name stands in the paths of calls, where OPNsense takes
// a plus sign for a space and a slash for the end.
var opnsenseServer = regexp.MustCompile(`^[\p{L}\p{N}._()-]([\p{L}\p{N} ._()-]{0,62}[\p{L}\p{N}._()-])?$`)

// maxZone is the greatest id that the controller gives to a zone.
const maxZone = 65_535

func opnsenseProblems(c *Config) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		if c.Server != "" && !opnsenseServer.MatchString(c.Server) &&
			!yield("server", fmt.Sprintf("%q cannot be called by its name: rename the voucher server under System, Access, Servers so that it has only letters, digits, spaces, dots, hyphens and brackets", c.Server)) {
			return
		}
		for i, zone := range c.Zones {
			if (zone < 0 || zone > maxZone) && !yield(fmt.Sprintf("zones[%d]", i), fmt.Sprintf("%d is not the id of a zone: write the number in the column Zone under Services, Captive Portal, Zones", zone)) {
				return
			}
		}
	}
}
