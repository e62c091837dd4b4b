package panel

import (
	"fmt"
	"strings"
	"time"
)

// Bounds of a pattern, so that a person can tell it from another and a buzzer
// that somebody mistyped is not removed with pliers.
const (
	maxTimes = 16
	minTime  = 20 * time.Millisecond
	maxTime  = 10 * time.Second
	maxBeep  = 3 * time.Second
)

// pattern is what an output does: on and off for the times given, or one of them for good.
type pattern struct {
	times  []time.Duration
	steady bool
	repeat bool
}

// parseBlink reads a lamp's pattern, and says what is wrong with it.
func parseBlink(text string) (pattern, string) {
	switch text {
	case "steady":
		return pattern{steady: true}, ""
	case "dark":
		return pattern{}, ""
	}
	p := pattern{repeat: true}
	var problem string
	if p.times, problem = parseTimes(text, "steady, dark, or times on and off in turn, such as 500ms 500ms"); problem != "" {
		return pattern{}, problem
	}
	if len(p.times)%2 != 0 {
		return pattern{}, fmt.Sprintf("%q ends with a time on, and begins with one: add a time off, such as %s 500ms", text, text)
	}
	return p, ""
}

// parseBeep reads a buzzer's pattern, and says what is wrong with it.
func parseBeep(text string) (pattern, string) {
	if text == "none" {
		return pattern{}, ""
	}
	times, problem := parseTimes(text, "none, or times on and off in turn, such as 150ms 100ms 150ms")
	if problem != "" {
		return pattern{}, problem
	}
	var whole time.Duration
	for _, t := range times {
		whole += t
	}
	if whole > maxBeep {
		return pattern{}, fmt.Sprintf("%q sounds for %s, and at most %s are borne: shorten it", text, whole, maxBeep)
	}
	return pattern{times: times}, ""
}

func parseTimes(text, better string) ([]time.Duration, string) {
	words := strings.Fields(text)
	if len(words) == 0 || len(words) > maxTimes {
		return nil, fmt.Sprintf("%q is no pattern: write %s, at most %d times", text, better, maxTimes)
	}
	times := make([]time.Duration, len(words))
	for i, word := range words {
		t, err := time.ParseDuration(word)
		if err != nil {
			return nil, fmt.Sprintf("%q is no pattern: write %s", text, better)
		}
		if t < minTime || t > maxTime {
			return nil, fmt.Sprintf("%q has the time %s, and times are %s to %s", text, word, minTime, maxTime)
		}
		times[i] = t
	}
	return times, ""
}
