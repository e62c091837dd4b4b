// Package metrics writes numbers as text for Prometheus: those of the agent, and
// what Go's runtime and the kernel know of the process. The client libraries do
// far more, such as histograms, and are bigger than all of the status page.
package metrics

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// WriteCounterUint64 writes a number that only grows.
func WriteCounterUint64(w io.Writer, name string, value uint64) { write(w, name, float64(value)) }

// WriteGaugeUint64 writes a number that goes up and down.
func WriteGaugeUint64(w io.Writer, name string, value uint64) { write(w, name, float64(value)) }

// write does not tell counters from gauges: the text format leaves that open,
// and the names end in _total where it matters. A number that cannot be written,
// because whoever asked has left, is not missed.
func write(w io.Writer, name string, value float64) {
	_, _ = io.WriteString(w, name+" "+strconv.FormatFloat(value, 'f', -1, 64)+"\n")
}

// WriteProcessMetrics writes what Go and the kernel know of this process, under
// the names of the common client libraries: ready-made dashboards know them.
func WriteProcessMetrics(w io.Writer) {
	writeGo(w)
	write(w, "process_start_time_seconds", float64(started.Unix()))
	for _, f := range []struct {
		name string
		tell func(io.Writer, []byte)
	}{{"stat", writeStat}, {"status", writeStatus}, {"io", writeIO}, {"limits", writeLimits}} {
		// What the kernel does not show, as /proc/self/io to some, is left out.
		if text, err := os.ReadFile("/proc/self/" + f.name); err == nil {
			f.tell(w, text)
		}
	}
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		write(w, "process_open_fds", float64(len(open)-1)) // one of them reads the folder
	}
}

var started = time.Now()

func writeGo(w io.Writer) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	for _, n := range []struct {
		name  string
		value uint64
	}{
		{"go_memstats_alloc_bytes", m.Alloc},
		{"go_memstats_alloc_bytes_total", m.TotalAlloc},
		{"go_memstats_frees_total", m.Frees},
		{"go_memstats_gc_sys_bytes", m.GCSys},
		{"go_memstats_heap_alloc_bytes", m.HeapAlloc},
		{"go_memstats_heap_idle_bytes", m.HeapIdle},
		{"go_memstats_heap_inuse_bytes", m.HeapInuse},
		{"go_memstats_heap_objects", m.HeapObjects},
		{"go_memstats_heap_released_bytes", m.HeapReleased},
		{"go_memstats_heap_sys_bytes", m.HeapSys},
		{"go_memstats_mallocs_total", m.Mallocs},
		{"go_memstats_next_gc_bytes", m.NextGC},
		{"go_memstats_stack_inuse_bytes", m.StackInuse},
		{"go_memstats_stack_sys_bytes", m.StackSys},
		{"go_memstats_sys_bytes", m.Sys},
		{"go_gc_duration_seconds_count", uint64(m.NumGC)},
		{"go_cpu_count", uint64(runtime.NumCPU())},
		{"go_gomaxprocs", uint64(runtime.GOMAXPROCS(0))},
		{"go_goroutines", uint64(runtime.NumGoroutine())},
	} {
		write(w, n.name, float64(n.value))
	}
	write(w, "go_gc_duration_seconds_sum", float64(m.PauseTotalNs)/1e9)
	write(w, "go_memstats_gc_cpu_fraction", m.GCCPUFraction)
	write(w, "go_memstats_last_gc_time_seconds", float64(m.LastGC)/1e9)
	write(w, fmt.Sprintf("go_info{version=%q}", runtime.Version()), 1)
}

// writeStat reads the line of /proc/self/stat. Its second field is the name of
// the program, which may hold blanks: what counts begins after it.
func writeStat(w io.Writer, text []byte) {
	const ticks = 100 // per second, as the kernel tells them on every architecture of ours
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 22 {
		return
	}
	at := func(i int) float64 {
		n, _ := strconv.ParseFloat(fields[i], 64)
		return n
	}
	user, system := at(11)/ticks, at(12)/ticks
	write(w, "process_cpu_seconds_user_total", user)
	write(w, "process_cpu_seconds_system_total", system)
	write(w, "process_cpu_seconds_total", user+system)
	write(w, "process_minor_pagefaults_total", at(7))
	write(w, "process_major_pagefaults_total", at(9))
	write(w, "process_num_threads", at(17))
	write(w, "process_virtual_memory_bytes", at(20))
	write(w, "process_resident_memory_bytes", at(21)*float64(os.Getpagesize()))
}

func writeStatus(w io.Writer, text []byte) {
	writeLines(w, text, 1024, map[string]string{
		"VmPeak":   "process_virtual_memory_peak_bytes",
		"VmHWM":    "process_resident_memory_peak_bytes",
		"RssAnon":  "process_resident_memory_anon_bytes",
		"RssFile":  "process_resident_memory_file_bytes",
		"RssShmem": "process_resident_memory_shared_bytes",
	})
}

func writeIO(w io.Writer, text []byte) {
	writeLines(w, text, 1, map[string]string{
		"rchar":       "process_io_read_bytes_total",
		"wchar":       "process_io_written_bytes_total",
		"syscr":       "process_io_read_syscalls_total",
		"syscw":       "process_io_write_syscalls_total",
		"read_bytes":  "process_io_storage_read_bytes_total",
		"write_bytes": "process_io_storage_written_bytes_total",
	})
}

// writeLines writes those lines of "key: number" that have a name here.
func writeLines(w io.Writer, text []byte, unit float64, names map[string]string) {
	for line := range strings.Lines(string(text)) {
		key, rest, _ := strings.Cut(line, ":")
		fields := strings.Fields(rest)
		if names[key] == "" || len(fields) == 0 {
			continue
		}
		if n, err := strconv.ParseFloat(fields[0], 64); err == nil {
			write(w, names[key], n*unit)
		}
	}
}

func writeLimits(w io.Writer, text []byte) {
	_, rest, _ := strings.Cut(string(text), "Max open files")
	if fields := strings.Fields(rest); len(fields) > 0 {
		if n, err := strconv.ParseFloat(fields[0], 64); err == nil { // not "unlimited"
			write(w, "process_max_fds", n)
		}
	}
}
