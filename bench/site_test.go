package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"edgeagent/hwsim"
	"edgeagent/hwsim/inspiresim"
)

// site is a simulated hotel with the real agent, stripped as it is shipped, as
// a process of its own.
type site struct {
	*hwsim.Hotel
	dir, binary, log string
	agent            *exec.Cmd
}

// patience bounds each wait; nothing measured comes near it.
const patience = 3 * time.Minute

// built is a binary that make bench has built before.
func built(b *testing.B, name string) string {
	file := filepath.Join("..", name)
	if _, err := os.Stat(file); err != nil {
		b.Fatalf("%v: run it with make bench, which builds the binaries first", err)
	}
	return file
}

// newSite opens a hotel with so many rooms, and some in an annex, whose links
// wait as a real one's, but for the gap between two streams.
func newSite(b *testing.B, rooms int, annex ...string) *site {
	s := &site{dir: b.TempDir()}
	var fs unix.Statfs_t
	if err := unix.Statfs(s.dir, &fs); err != nil {
		b.Fatal(err)
	}
	if fs.Type == unix.TMPFS_MAGIC {
		b.Fatalf("%s is in memory, where nothing wears and syncs are free; set TMPDIR to a folder on a disk", s.dir)
	}
	s.binary = built(b, "bin/edgeagent")
	s.log = filepath.Join(s.dir, "agent.log")
	s.Hotel = must(hwsim.Open(hwsim.Options{Dir: s.dir, Rooms: roomNames(rooms), Annex: annex}))(b)
	b.Cleanup(func() { s.stop(b); s.Close() })
	s.PMS.Change(func(f *inspiresim.Faults) { f.Subscribe.Schema = inspiresim.SchemaOHIP })
	text := string(must(os.ReadFile(s.PropertyFile))(b))
	for pattern, with := range map[string]string{
		`gap: .*`:       "gap: 1ms",
		`live_save: .*`: "live_save: 10m",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, with)
	}
	if err := os.WriteFile(s.PropertyFile, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	return s
}

// start starts the agent. Its log goes through a pipe, as under systemd, so
// that it is not among the bytes the agent writes.
func (s *site) start(b *testing.B) time.Time {
	log := must(os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600))(b)
	s.agent = exec.Command(s.binary, "run", "--config", s.PropertyFile)
	s.agent.Stderr = struct{ io.Writer }{log}
	began := time.Now()
	if err := s.agent.Start(); err != nil {
		b.Fatal(err)
	}
	return began
}

func (s *site) live(b *testing.B) {
	if err := s.AwaitLive(b.Context()); err != nil {
		s.fail(b, err)
	}
}

func (s *site) stop(b *testing.B) { s.end(b, syscall.SIGTERM) }
func (s *site) kill(b *testing.B) { s.end(b, syscall.SIGKILL) }

func (s *site) end(b *testing.B, how syscall.Signal) {
	if s.agent == nil {
		return
	}
	if err := s.agent.Process.Signal(how); err != nil {
		b.Error(err)
	}
	_ = s.agent.Wait() // how it ended was our choice
	s.agent = nil
}

func (s *site) fail(b *testing.B, err error) {
	log, _ := os.ReadFile(s.log)
	b.Fatalf("%v; the end of the agent's log:\n%s", err, log[max(0, len(log)-3000):])
}

// until waits until the agent's own status says so. It asks rarely, since with
// a big house the answer is long.
func (s *site) until(b *testing.B, what string, cond func(hwsim.Status) bool) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	for {
		status, err := s.Status(ctx)
		if err == nil && cond(status) {
			return
		}
		if ctx.Err() != nil {
			s.fail(b, fmt.Errorf("%s: %w; counts %v, %d open", what, ctx.Err(), status.Counts, len(status.Open)))
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// settled waits until nothing is left to do now. What waits for its time, such
// as the WiFi of a departed guest, is no part of it.
func (s *site) settled(b *testing.B) {
	b.Helper()
	s.until(b, "all settled", func(status hwsim.Status) bool {
		for _, c := range status.Open {
			if c.Due.Before(time.Now()) {
				return false
			}
		}
		return true
	})
}

// memory is what the agent has in memory: its own (heap, stacks), pages of
// files (its code, the store's map, which the kernel takes back when it needs
// them), and the most of both at any time.
func (s *site) memory(b *testing.B) (own, files, most int64) {
	return 1024 * s.proc(b, "status", "RssAnon:"), 1024 * s.proc(b, "status", "RssFile:"), 1024 * s.proc(b, "status", "VmHWM:")
}

// written is how many bytes the agent has caused to be written to storage.
func (s *site) written(b *testing.B) int64 { return s.proc(b, "io", "write_bytes:") }

// proc reads a number from one of the agent's files in /proc.
func (s *site) proc(b *testing.B, file, name string) int64 {
	f := must(os.Open(fmt.Sprintf("/proc/%d/%s", s.agent.Process.Pid, file)))(b)
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) >= 2 && fields[0] == name {
			return must(strconv.ParseInt(fields[1], 10, 64))(b)
		}
	}
	b.Fatalf("%s has no %s", f.Name(), name)
	return 0
}
