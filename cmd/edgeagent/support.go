package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"edgeagent/drivers/keycard"
	"edgeagent/internal/config"
)

func supportCommand(path *string) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "support",
		Short: "Pack what a bug report needs into one file, without names and secrets",
		Long: `Support packs what somebody elsewhere must see to help into one archive: versions,
what check says, the property file without its secrets and comments, and of the
running agent how it stands, its last log lines and what went over the encoders'
lines. Where no agent answers, it says so there and packs the rest.

No guest's name, no secret, no key and no WiFi code is in it. Hosts, room numbers
and the hotel's name are. Look through it before you send it.`,
		Example: "  sudo edgeagent support --config /etc/edgeagent/property.yaml\n  edgeagent support --file report.tar.gz",
		Args:    noArgs,
	}
	cmd.Flags().StringVar(&file, "file", "", "a new file for the archive; without it, one that is named after the hotel and the time")
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		now := time.Now()
		loaded, problems := config.Load(*path)
		s := &support{path: *path, loaded: loaded, problems: problems, now: now, secrets: config.Redact(*path)}
		s.socket, s.noSocket = socketOf(cmd, *path)
		if file == "" {
			file = s.name()
		}
		out, err := newFile(file)
		if err != nil {
			return err
		}
		wait := awaiting("asking the agent")
		s.gather(cmd.Context())
		wait.over()
		err = errors.Join(s.pack(out, folderOf(file)), out.Close())
		if err != nil {
			return err
		}
		if asJSON {
			return writeJSON(os.Stdout, supportTold{result{Done: "support", About: file}, s.names()})
		}
		fmt.Printf("%s holds %s: look through it (tar xzf %s -O | less), and send it with what you did and what happened\n", file, strings.Join(s.names(), ", "), word(file))
		return nil
	}
	return cmd
}

// supportTold is a report for programs: its file, and what is in it.
type supportTold struct {
	result
	Parts []string `json:"parts"`
}

// folderOf is the folder inside an archive: named after it, and never as it is
// called itself, or the two could not lie side by side.
func folderOf(file string) string {
	name := filepath.Base(file)
	for _, end := range []string{".tar.gz", ".tgz", filepath.Ext(name)} {
		if base, cut := strings.CutSuffix(name, end); cut && end != "" && base != "" {
			return base
		}
	}
	return name + "-report"
}

// support is what goes into a report.
type support struct {
	path     string
	socket   string
	noSocket error // why it is not known
	loaded   *config.Loaded
	problems config.Problems
	secrets  *config.Redacted
	now      time.Time
	parts    []part
}

type part struct{ name, text string }

func (s *support) name() string {
	hotel := "unknown"
	if s.loaded != nil && s.loaded.Property.ID != "" {
		hotel = filepath.Base(s.loaded.Property.ID) // of a bad file it may be anything
	}
	return fmt.Sprintf("edgeagent-%s-%s.tar.gz", hotel, s.now.Format("20060102-150405"))
}

func (s *support) names() (names []string) {
	for _, p := range s.parts {
		names = append(names, p.name)
	}
	return names
}

// add puts a part in, without what is secret.
func (s *support) add(name, text string) {
	s.parts = append(s.parts, part{name, s.secrets.Hide(text)})
}

func (s *support) gather(ctx context.Context) {
	s.add("machine.txt", s.machine())
	s.add("property.yaml", s.secrets.Text)
	if s.loaded == nil {
		s.add("check.txt", s.problems.Render())
	} else {
		s.add("check.txt", config.Report(s.path, s.loaded, s.problems))
	}
	for _, q := range []struct{ name, path string }{{"status.json", "/api/status"}, {"log.jsonl", "/api/log"}, {"metrics.txt", "/metrics"}} {
		s.ask(ctx, q.name, q.path)
	}
	for _, encoder := range s.encoders() {
		s.ask(ctx, "trace-"+filepath.Base(encoder)+".txt", "/api/devices/"+url.PathEscape(encoder)+"/trace")
	}
}

// encoders are those of the property file or, where that cannot be read, those of
// the running agent.
func (s *support) encoders() (names []string) {
	if s.loaded != nil {
		return encoderNames(&s.loaded.File)
	}
	for _, p := range s.parts {
		var v standing
		if p.name == "status.json" && json.Unmarshal([]byte(p.text), &v) == nil {
			for _, d := range v.Devices {
				if d.Kind == "keycard" {
					names = append(names, d.Name)
				}
			}
		}
	}
	return names
}

// ask adds what the running agent says, or why it says nothing.
func (s *support) ask(ctx context.Context, name, path string) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	body, err := []byte(nil), s.noSocket
	if err == nil {
		body, err = ask(ctx, s.socket, http.MethodGet, path)
	}
	if err != nil {
		body = []byte(err.Error() + "\n")
	}
	s.add(name, string(body))
}

// machine is what the agent runs on. The name of the machine is nobody's business.
func (s *support) machine() string {
	var b strings.Builder
	fmt.Fprintf(&b, "report of %s\nedgeagent %s, %s %s/%s\n", s.now.UTC().Format(time.RFC3339), version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if text, err := os.ReadFile("/etc/os-release"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
				fmt.Fprintf(&b, "system %s", strings.ReplaceAll(name, `"`, ""))
			}
		}
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		fmt.Fprintf(&b, "kernel %s", text)
	}
	if text, err := os.ReadFile("/proc/device-tree/model"); err == nil {
		fmt.Fprintf(&b, "board %s\n", plain(strings.TrimRight(string(text), "\x00")))
	}
	if s.loaded != nil {
		if info, err := os.Stat(s.loaded.Store); err == nil {
			fmt.Fprintf(&b, "store %d bytes\n", info.Size())
		}
		var disk syscall.Statfs_t
		if syscall.Statfs(filepath.Dir(s.loaded.Store), &disk) == nil {
			fmt.Fprintf(&b, "disk %d MiB free\n", disk.Bavail*uint64(disk.Bsize)>>20)
		}
	}
	b.WriteString("\nserial ports:\n")
	var file *config.File
	if s.loaded != nil {
		file = &s.loaded.File
	}
	listPorts(&b, keycard.Adapters(), usesOf(file))
	return b.String()
}

// pack writes the parts as one archive.
func (s *support) pack(out io.Writer, folder string) error {
	packed := gzip.NewWriter(out)
	for _, p := range s.parts {
		if _, err := packed.Write(tarEntry(folder+"/"+p.name, p.text, s.now)); err != nil {
			return err
		}
	}
	_, err := packed.Write(make([]byte, 2*tarBlock)) // the end of an archive
	return errors.Join(err, packed.Close())
}

// tarBlock is what everything in an archive is a multiple of, in bytes.
const tarBlock = 512

// tarEntry is a file in an archive, as POSIX has it (ustar). The standard library's
// writer would bring the users of the system along, some 70 kB.
func tarEntry(name, text string, at time.Time) []byte {
	entry := make([]byte, tarBlock, 2*tarBlock+len(text))
	field := func(at int, value string) { copy(entry[at:], value) }
	field(0, name[:min(len(name), 100)])
	field(100, "0000600\x00")
	field(108, "0000000\x00")
	field(116, "0000000\x00")
	field(124, fmt.Sprintf("%011o\x00", len(text)))
	field(136, fmt.Sprintf("%011o\x00", at.Unix()))
	field(148, "        ")
	field(156, "0")
	field(257, "ustar\x0000")
	sum := 0
	for _, b := range entry {
		sum += int(b)
	}
	field(148, fmt.Sprintf("%06o\x00 ", sum))
	entry = append(entry, text...)
	return append(entry, make([]byte, (tarBlock-len(text)%tarBlock)%tarBlock)...)
}
