package agent

import (
	"fmt"
	"strings"
)

// reconnecter is a source whose connection a person can have opened anew.
type reconnecter interface{ Reconnect() }

// Reconnect has a PMS link open its connection anew, as after devices were
// linked in Mews. It returns at once; the status shows what comes of it.
func (a *Agent) Reconnect(link string) error {
	var able []string
	for _, src := range a.sources {
		r, ok := src.(reconnecter)
		switch {
		case ok && src.String() == link:
			a.log.Info().Str("pms", link).Msg("reconnect asked for")
			r.Reconnect()
			return nil
		case src.String() == link:
			return fmt.Errorf("the link %s reconnects by itself when that is of use", link)
		case ok:
			able = append(able, src.String())
		}
	}
	if len(able) == 0 {
		return fmt.Errorf("there is no PMS link %q, and none here needs to be opened anew", link)
	}
	return fmt.Errorf("there is no PMS link %q; those that can be opened anew: %s", link, strings.Join(able, ", "))
}
