package keycard

import (
	"regexp"
	"strings"
)

// What may be shown of a frame is listed by its place. What stands anywhere else
// stays hidden, for nobody can say what it is: a name, or the number of a card.

// The places of a command that hold no name, phone, track or code; of any other
// command and of answers, only the first two do.
var (
	keyPlaces    = places(0, 10, 15)
	mobilePlaces = places(0, 9) // the phone at 1 is looked for by itself
	stayPlaces   = places(0, 3)
	roomPlaces   = places(0, 2)
	cardPlaces   = places(0, 10)
	headPlaces   = places(0, 1)
)

var commandPlaces = map[string]map[int]bool{
	"CN": keyPlaces, "CC": keyPlaces, "CA": keyPlaces, "CNM": mobilePlaces, "CCM": mobilePlaces,
	"MC": stayPlaces, "CO": roomPlaces, "LT": roomPlaces,
	"P1": roomPlaces, "P2": roomPlaces, "P3": roomPlaces, "L1": roomPlaces, "L2": roomPlaces, "L3": roomPlaces,
}

// places are those from first to last, and more.
func places(first, last int, more ...int) map[int]bool {
	shown := map[int]bool{}
	for i := first; i <= last; i++ {
		shown[i] = true
	}
	for _, i := range more {
		shown[i] = true
	}
	return shown
}

// wordShape is what a frame begins with: a command or a code, or VingCard's head.
var wordShape = regexp.MustCompile(`^([A-Z][A-Z0-9]{1,2}|[0-9]{4}[0-9A-Za-z])$`)

// word is what a frame begins with, where it may be logged.
func word(fields []string) string {
	if wordShape.MatchString(fields[0]) {
		return fields[0]
	}
	return "?"
}

func showsStandard(dir Direction, fields []string, i int) int {
	shown := headPlaces
	switch {
	case dir == Sent:
		if known := commandPlaces[fields[0]]; known != nil {
			shown = known
		}
	case fields[0] == "LT":
		shown = readPlaces(fields)
	}
	if !shown[i] || i == 0 && word(fields) == "?" || i == 1 && phoneNumber.MatchString(fields[1]) {
		return 0
	}
	return len(fields[i])
}

// readPlaces are those of what the lock system says of a card.
func readPlaces(fields []string) map[int]bool {
	f := append(append([]string(nil), fields...), make([]string, 7)...)
	switch {
	case len(fields) <= 13 && (f[6] == "CI" || f[6] == "CO"):
		return cardPlaces
	case cardStatus.MatchString(f[2]):
		return roomPlaces
	case f[2] == "" && cardStatus.MatchString(f[6]):
		return places(0, 1, 6)
	}
	return headPlaces
}

// cardStatus is what kind of card was read, where it is no guest's.
var cardStatus = regexp.MustCompile(`^L[CMRSD]$`)

// showsVingCard hides all but rooms, types, dates and the number of cards:
// names, tracks, the card's number, and what nobody knows.
func showsVingCard(_ Direction, fields []string, i int) int {
	letter := fields[i][:min(1, len(fields[i]))]
	switch {
	case word(fields) == "?":
		return min(i, 1)
	case i == 0, strings.ContainsAny(letter, "RLTU"), strings.ContainsAny(letter, "DOC") && digits.MatchString(fields[i][1:]):
		return len(fields[i])
	}
	return 1 // the letter
}

var digits = regexp.MustCompile(`^[0-9]*$`)
