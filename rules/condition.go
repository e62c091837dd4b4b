package rules

import (
	"slices"
	"strings"
)

// condition is a Match taken apart.
type condition struct {
	field           string
	present, absent bool
	// any: one of these must fit, if there are any; none: none of these may.
	any, none []pattern
}

// pattern is a text, or the beginning of one.
type pattern struct {
	text   string
	prefix bool
}

func (p pattern) fits(value string) bool {
	if p.prefix {
		return strings.HasPrefix(value, p.text)
	}
	return value == p.text
}

func (p pattern) String() string {
	if p.prefix {
		return p.text + "*"
	}
	return p.text
}

func (c *condition) holds(value string) bool {
	if c.present || c.absent {
		return c.present == (value != "")
	}
	for _, p := range c.none {
		if p.fits(value) {
			return false
		}
	}
	for _, p := range c.any {
		if p.fits(value) {
			return true
		}
	}
	return len(c.any) == 0
}

// wanted is the condition in words.
func (c *condition) wanted() string {
	switch {
	case c.present:
		return "present"
	case c.absent:
		return "absent"
	}
	words := func(patterns []pattern) string {
		var list []string
		for _, p := range patterns {
			list = append(list, p.String())
		}
		return either(list)
	}
	switch {
	case len(c.none) == 0:
		return words(c.any)
	case len(c.any) == 0:
		return "not " + words(c.none)
	}
	return words(c.any) + ", but not " + words(c.none)
}

// possible reports whether any value at all fulfils the condition.
func (c *condition) possible() bool {
	if known := domain(c.field); known != nil {
		return slices.ContainsFunc(known, c.holds)
	}
	if len(c.any) == 0 {
		return true
	}
	for _, p := range c.any {
		if !p.prefix && c.holds(p.text) || p.prefix && !c.ruledOut(p) {
			return true
		}
	}
	return false
}

// ruledOut reports whether everything that begins so is ruled out.
func (c *condition) ruledOut(p pattern) bool {
	for _, n := range c.none {
		if n.prefix && strings.HasPrefix(p.text, n.text) {
			return true
		}
	}
	return false
}

// meets reports whether one value can fulfil both conditions on the same
// field. It errs on the side of yes.
func (c *condition) meets(other *condition) bool {
	if known := domain(c.field); known != nil {
		for _, value := range known {
			if c.holds(value) && other.holds(value) {
				return true
			}
		}
		return false
	}
	switch {
	case c.absent:
		return other.holds("")
	case other.absent:
		return c.holds("")
	case len(c.any) == 0 && len(other.any) == 0:
		return true
	}
	return c.reaches(other) || other.reaches(c)
}

// reaches reports whether something that c names fulfils both.
func (c *condition) reaches(other *condition) bool {
	for _, p := range c.any {
		if !p.prefix {
			if c.holds(p.text) && other.holds(p.text) {
				return true
			}
			continue
		}
		if c.ruledOut(p) || other.ruledOut(p) {
			continue
		}
		if len(other.any) == 0 {
			return true
		}
		for _, o := range other.any {
			if o.prefix && (strings.HasPrefix(o.text, p.text) || strings.HasPrefix(p.text, o.text)) {
				return true
			}
		}
	}
	return false
}
