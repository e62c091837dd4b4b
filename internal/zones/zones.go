// Package zones finds time zones, also where the system has no table of them.
package zones

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// table holds what time/tzdata holds, but each zone once under all its names,
// and compressed: 55 kB instead of 400.
//
//go:embed table.gz
var table []byte

// Load is time.LoadLocation with a table to fall back to. That of the system
// comes first: it is kept up to date.
func Load(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err == nil {
		return zone, nil
	}
	if data := find(name); data != nil {
		return time.LoadLocationFromTZData(name, data)
	}
	return nil, err
}

// find reads the table up to a zone; nil if there is none of that name.
func find(name string) []byte {
	var found []byte
	read(func(names []string, data []byte) bool {
		if slices.Contains(names, name) {
			found = data
		}
		return found == nil
	})
	return found
}

// Places are the names of zones by which a person finds one, such as
// Europe/Lisbon, in order.
func Places() []string {
	var places []string
	read(func(names []string, _ []byte) bool {
		for _, name := range names {
			region, _, ok := strings.Cut(name, "/")
			if ok && slices.Contains(regions, region) {
				places = append(places, name)
			}
		}
		return true
	})
	slices.Sort(places)
	return places
}

// regions are those of the table's zones that people live in.
var regions = []string{"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}

// read goes through the table while more wants that. An entry is a line with
// the length of the data and all names, and then the data.
func read(more func(names []string, data []byte) bool) {
	packed, err := gzip.NewReader(bytes.NewReader(table))
	if err != nil {
		return
	}
	for r := bufio.NewReader(packed); ; {
		line, err := r.ReadString('\n')
		words := strings.Fields(line)
		if err != nil || len(words) == 0 {
			return
		}
		size, err := strconv.Atoi(words[0])
		if err != nil {
			return
		}
		data := make([]byte, size)
		if _, err := io.ReadFull(r, data); err != nil || !more(words[1:], data) {
			return
		}
	}
}
