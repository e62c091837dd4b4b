package zones

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"go/build"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the table anew, from that of Go")

// goTable is what Go has: the names in order, and the data of each.
func goTable(t *testing.T) ([]string, map[string]string) {
	t.Helper()
	archive, err := zip.OpenReader(filepath.Join(build.Default.GOROOT, "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal("this Go has no table of time zones: ", err)
	}
	defer archive.Close()
	var names []string
	data := map[string]string{}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) > 0 { // else a folder
			names, data[f.Name] = append(names, f.Name), string(all)
		}
	}
	return names, data
}

// Go's table is corrected several times a year, so that only what has long been
// the same is compared. A new Go is the time for
// go test ./internal/zones -run AsInGo -update.
func TestAsInGo(t *testing.T) {
	names, want := goTable(t)
	if len(names) < 400 {
		t.Fatalf("Go knows only %d zones", len(names))
	}
	if *update {
		write(t, names, want)
		return
	}
	got := map[string][]byte{}
	read(func(names []string, data []byte) bool {
		for _, name := range names {
			got[name] = data
		}
		return true
	})
	for _, name := range names {
		theirs, err := time.LoadLocationFromTZData(name, []byte(want[name]))
		if err != nil {
			t.Fatal(err)
		}
		ours, err := time.LoadLocationFromTZData(name, got[name])
		if err != nil {
			t.Errorf("%s: %v; run go test ./internal/zones -run AsInGo -update", name, err)
			continue
		}
		for month := time.January; month <= time.December; month++ {
			at := time.Date(2024, month, 1, 0, 0, 0, 0, time.UTC)
			if a, b := at.In(ours), at.In(theirs); a.Format(time.RFC1123Z) != b.Format(time.RFC1123Z) {
				t.Errorf("%s: %s, in Go %s", name, a, b)
			}
		}
	}
}

// write puts zones of the same data under one entry: many are only other names.
func write(t *testing.T, names []string, data map[string]string) {
	t.Helper()
	byData := map[string][]string{}
	for _, name := range names {
		byData[data[name]] = append(byData[data[name]], name)
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		same := byData[data[name]]
		if same[0] != name {
			continue
		}
		if _, err := fmt.Fprintf(w, "%d %s\n%s", len(data[name]), strings.Join(same, " "), data[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("table.gz", packed.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestLoad(t *testing.T) {
	for _, name := range []string{"Europe/Lisbon", "Asia/Kolkata", "Asia/Calcutta", "Pacific/Chatham", "UTC"} {
		if zone, err := Load(name); err != nil || zone.String() != name {
			t.Errorf("%s: %v, %v", name, zone, err)
		}
		if find(name) == nil {
			t.Errorf("%s is not in the table", name)
		}
	}
	for _, name := range []string{"Europe/Atlantis", "Europe", "../etc/passwd", "700"} {
		if zone, err := Load(name); err == nil {
			t.Errorf("%s is %v", name, zone)
		}
	}
}

func TestPlaces(t *testing.T) {
	places := Places()
	if len(places) < 300 || !slices.IsSorted(places) {
		t.Errorf("%d places", len(places))
	}
	for name, want := range map[string]bool{"Europe/Lisbon": true, "America/Argentina/Salta": true, "Etc/UTC": false, "UTC": false, "Zulu": false} {
		if slices.Contains(places, name) != want {
			t.Errorf("%s: not %v", name, want)
		}
	}
	for i := 0; i < len(places); i += 50 { // each search unpacks the table
		if find(places[i]) == nil {
			t.Errorf("%s is no zone", places[i])
		}
	}
}
