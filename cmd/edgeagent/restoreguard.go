package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"edgeagent/internal/config"
)

// What a restore looks at before it writes anything.

// noLinks refuses a path within a folder that a link leads out of it.
func noLinks(dir, path string) error {
	for at := filepath.Dir(path); strings.HasPrefix(at, dir+"/"); at = filepath.Dir(at) {
		if info, err := os.Lstat(at); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return fmt.Errorf("%s is a link to elsewhere: remove it first", at)
		}
	}
	return nil
}

// few is the begin of a list of paths.
func few(paths []string) string {
	const most = 4
	text := plain(strings.Join(paths[:min(len(paths), most)], ", "))
	if more := len(paths) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// nobodyRuns refuses to restore under an agent that has this store or control socket.
func nobodyRuns(l *config.Loaded) error {
	const stop = "an agent runs here (%s): stop it first, with systemctl stop edgeagent"
	if conn, err := net.DialTimeout("unix", l.Status.Socket, time.Second); err == nil {
		conn.Close()
		return fmt.Errorf(stop, "it answers at "+l.Status.Socket)
	}
	f, err := os.Open(l.Store)
	if err != nil {
		return nil // there is none, or a later step tells of it
	}
	defer f.Close()
	if errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK) {
		return fmt.Errorf(stop, l.Store+" is in use")
	}
	return nil
}

// clockBehind says that the clock cannot be right.
func clockBehind(taken, now time.Time) error {
	if now.After(taken.Add(-time.Minute)) {
		return nil
	}
	return fmt.Errorf("the clock shows %s, and the backup is of %s: set the clock first, for a gateway without a battery wakes up in the past", moment(now), moment(taken))
}
