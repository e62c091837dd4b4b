package config

import (
	"strings"
)

// short is a text that is fit for a message.
func short(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// IsSlug reports whether a name may stand in topics.
func IsSlug(name string) bool { return slug.MatchString(name) }

// didYouMean names the nearest of the possible words, or all of them.
func didYouMean(word string, possible []string) string {
	if best := nearest(word, possible); best != "" {
		return "did you mean \"" + best + "\"?"
	}
	return "write " + either(possible)
}

func known(names []string) string { return "knows " + strings.Join(names, ", ") }

// either is a, b or c.
func either(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// nearest is the possible word that a misspelt one is probably meant to be, ""
// if there is none. Short words must be nearer: port is no slip of store.
func nearest(word string, possible []string) string {
	word = strings.ReplaceAll(strings.ToLower(short(word)), "-", "_")
	best, distance := "", min(3, 1+len(word)/3)
	for _, p := range possible {
		if d := editDistance(word, p); d < distance {
			best, distance = p, d
		}
	}
	return best
}

// editDistance counts the letters to change, add or remove, and the
// neighbours to swap, to make b of a.
func editDistance(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := row[j]
			if a[i] != b[j] {
				cost++
			}
			next[j+1] = min(cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
