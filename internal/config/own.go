package config

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// The files that the agent makes itself: its store and its control socket. What
// stands under their names and is something else must not be written over.

// ownFiles checks their names, which are absolute by now.
func (c *checker) ownFiles(l *Loaded) {
	if n := len(l.Status.Socket); n > maxSocketPath {
		c.add("status.socket", "status.socket: the path %s has %d bytes, and a Unix socket's at most %d; write a shorter one, such as /run/edgeagent/control.sock", short(l.Status.Socket), n, maxSocketPath)
	}
	if info, err := os.Stat(l.Status.Socket); err == nil && info.Mode().Type() != fs.ModeSocket {
		c.add("status.socket", "status.socket: %s is there and no socket, and would be lost; name a path where nothing is, such as /run/edgeagent/control.sock", short(filepath.Base(l.Status.Socket)))
	}
	file, ours := os.Stat(l.Path)
	if info, err := os.Stat(l.Store); err == nil && ours == nil && os.SameFile(file, info) {
		c.add("store", "store: that is this very property file; name a file that the agent can make, such as store.db")
	} else if err == nil && info.Mode().IsRegular() && strange(l.Store) {
		c.add("store", "store: %s is there and no store; name a file that the agent can make, such as store.db", short(filepath.Base(l.Store)))
	}
}

// strange reports whether a file has something in it, and that is no store. One
// that this user may not read is the agent's business.
func strange(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	const magic, at = 0xED0CDAED, 16 // bbolt's, behind the header of its first page
	var head [at + 4]byte
	n, _ := f.ReadAt(head[:], 0)
	return n > 0 && (n < len(head) || binary.NativeEndian.Uint32(head[at:]) != magic)
}

// DefaultPath is where a gateway has its property file.
const DefaultPath = "/etc/edgeagent/property.yaml"

var (
	topKey    = regexp.MustCompile(`^([a-z_]+):(.*)$`)
	socketKey = regexp.MustCompile(`(?:^|[\s{,])socket:\s+("[^"]*"|'[^']*'|[^\s,}#]+)`)
	plainWord = regexp.MustCompile(`^\s*("[^"]*"|'[^']*'|[^\s#]+)`)
)

// Socket is the control socket of the agent that serves a property file, whatever
// is wrong with that: an agent that runs well goes by what it read before. Of a file
// that is no YAML any more it takes the two lines that say where the socket is.
func Socket(path string) (string, error) {
	text, err := read(path)
	if err != nil {
		if path == DefaultPath {
			return socketFor(DefaultStore), nil
		}
		return "", fmt.Errorf("%s: %w", path, err)
	}
	var store, socket string
	if f, err := Peek(path); err == nil {
		store, socket = f.Store, f.Status.Socket
	} else {
		store, socket = lines(string(text))
	}
	return beside(path, cmp.Or(socket, socketFor(beside(path, cmp.Or(store, DefaultStore))))), nil
}

// lines finds what a text says of store and socket, a line at a time.
func lines(text string) (store, socket string) {
	section := ""
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		if key := topKey.FindStringSubmatch(strings.TrimRight(line, "\r\n")); key != nil {
			section = key[1]
			if word := plainWord.FindStringSubmatch(key[2]); section == "store" && word != nil {
				store = strings.Trim(word[1], `"'`)
			}
		}
		if found := socketKey.FindStringSubmatch(line); section == "status" && found != nil {
			socket = strings.Trim(found[1], `"'`)
		}
	}
	return store, socket
}
