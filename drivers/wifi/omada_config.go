package wifi

import (
	"fmt"
	"iter"
	"slices"
)

// omadaProblems yields what is wrong with the keys that only Omada has.
func omadaProblems(c *Config) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		vouchers := c.Credentials == omadaVouchersMode
		if c.Credentials != "" && c.Credentials != omadaUsersMode && !vouchers &&
			!yield("credentials", fmt.Sprintf("%q is neither %s, which can be extended, nor %s", c.Credentials, omadaUsersMode, omadaVouchersMode)) {
			return
		}
		if c.ControllerID != "" && !omadaID.MatchString(c.ControllerID) &&
			!yield("controller_id", "not an Omada ID: write the one that the page of the Open API client shows") {
			return
		}
		if len([]rune(c.Site)) > 64 && !yield("site", "longer than the 64 characters of a site's name") {
			return
		}
		if slices.Contains(c.Portals, "") && !yield("portals", "one of the names is empty: write those of the controller's Portal page") {
			return
		}
		if vouchers && c.DevicesPerGuest > omadaMaxPerVoucher {
			yield("devices_per_guest", fmt.Sprintf("%d is out of range: a voucher takes 1 to %d", c.DevicesPerGuest, omadaMaxPerVoucher))
		}
	}
}
