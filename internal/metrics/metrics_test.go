package metrics

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var line = regexp.MustCompile(`^([a-z_]+)(\{version="[^"\\]+"\})? ([0-9.]+)$`)

// What is said of this very process is true of it, and every line is one that
// Prometheus reads, under a name of its own.
func TestProcess(t *testing.T) {
	var text strings.Builder
	WriteProcessMetrics(&text)
	got := map[string]float64{}
	for l := range strings.Lines(text.String()) {
		m := line.FindStringSubmatch(strings.TrimSuffix(l, "\n"))
		if m == nil {
			t.Errorf("no line of Prometheus: %q", l)
			continue
		}
		if _, twice := got[m[1]]; twice {
			t.Errorf("%s comes twice", m[1])
		}
		got[m[1]], _ = strconv.ParseFloat(m[3], 64)
	}
	page := float64(os.Getpagesize())
	for name, least := range map[string]float64{
		"process_resident_memory_bytes": 100 * page, "process_virtual_memory_bytes": 100 * page,
		"process_resident_memory_peak_bytes": 100 * page, "process_num_threads": 1, "process_open_fds": 3,
		"process_max_fds": 3, "process_minor_pagefaults_total": 1, "process_start_time_seconds": 1.7e9,
		"go_goroutines": 1, "go_memstats_sys_bytes": 1 << 20, "go_info": 1,
	} {
		if got[name] < least {
			t.Errorf("%s is %v, want at least %v", name, got[name], least)
		}
	}
	if got["process_resident_memory_bytes"] > got["process_virtual_memory_bytes"] {
		t.Errorf("more memory in use than there is: %v", got)
	}
}

func TestKernelText(t *testing.T) {
	const stat = "7 (a name) 9) S 1 7 7 0 -1 4194560 250 0 3 0 120 45 0 0 20 0 8 0 5000 70000 10 18446744073709551615 1\n"
	var text strings.Builder
	writeStat(&text, []byte(stat))
	writeStatus(&text, []byte("Name:\ta\nVmPeak:\t    2048 kB\nRssAnon:\t"))
	writeIO(&text, []byte("rchar: 12\nwrite_bytes: 4096\ncancelled_write_bytes: 1\n"))
	writeLimits(&text, []byte("Max processes 5 5 processes\nMax open files            1024                 4096                 files\n"))
	writeLimits(&text, []byte("Max open files unlimited unlimited files\n"))
	want := strings.ReplaceAll(`process_cpu_seconds_user_total 1.2
process_cpu_seconds_system_total 0.45
process_cpu_seconds_total 1.65
process_minor_pagefaults_total 250
process_major_pagefaults_total 3
process_num_threads 8
process_virtual_memory_bytes 70000
process_resident_memory_bytes PAGES
process_virtual_memory_peak_bytes 2097152
process_io_read_bytes_total 12
process_io_storage_written_bytes_total 4096
process_max_fds 1024
`, "PAGES", strconv.Itoa(10*os.Getpagesize()))
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Error(diff)
	}
	text.Reset()
	writeStat(&text, nil)
	writeStat(&text, []byte("7 (short"))
	if text.Len() > 0 {
		t.Errorf("a line that is none gives %q", text.String())
	}
}

func TestNumbersAreWhole(t *testing.T) {
	var text strings.Builder
	WriteCounterUint64(&text, "a_total", 12345678901)
	WriteGaugeUint64(&text, `b{c="d"}`, 0)
	if want := "a_total 12345678901\nb{c=\"d\"} 0\n"; text.String() != want {
		t.Errorf("%q, want %q", text.String(), want)
	}
}
