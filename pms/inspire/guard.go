package inspire

import (
	"strings"

	"edgeagent/pms"
)

// ownership says whose an event is.
type ownership int

const (
	ourHotel ownership = iota
	otherHotel
	unclearHotel // nobody can say: it must move nothing
)

// guard keeps other hotels' events off our rooms. One chain code can cover
// several hotels, and room 101 exists in each.
type guard struct {
	scope, hotel string
	told         bool // events have told their hotel
	unclear      bool // events have not
	asked        bool // the selection asks for it
}

func (g *guard) begin(asked bool) { g.asked = asked }

// check says whose an event is.
func (g *guard) check(ev *event) ownership {
	hotel := ev.hotel
	if hotel == "" {
		for _, f := range ev.fields {
			if f.Name == pms.FieldProperty {
				if hotel = f.New; hotel == "" {
					hotel = f.Old
				}
				break
			}
		}
	}
	switch {
	case hotel != "" && g.hotel != "":
		g.told = true
		if sameHotel(hotel, g.hotel) {
			return ourHotel
		}
		return otherHotel
	case g.scope == "single_property":
		return ourHotel
	case ev.name.profile && g.told:
		return ourHotel // a guest of the chain; it is joined to our stays by guest id only
	}
	g.unclear = true
	return unclearHotel
}

func sameHotel(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}

// reason is why no event moves anything, "" if events do.
func (g *guard) reason(chain string) string {
	if g.scope == "single_property" || !g.unclear && (g.asked || g.told) {
		return ""
	}
	return "chain code " + chain + " may cover several hotels and its events do not say which one they mean; " +
		"ask the vendor, and if the chain code covers this hotel only, write chain_scope: single_property"
}
