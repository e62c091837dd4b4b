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
	var text string
	for i, path := range paths[:min(len(paths), most)] {
		if i > 0 {
			text += ", "
		}
		text += plain(path)
	}
	if more := len(paths) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// nobodyRuns refuses to restore under a running agent.
func nobodyRuns(property string, to *config.Loaded) error {
	stores, sockets := []string{to.Store}, []string{to.Status.Socket}
	if here, _ := config.Load(property); here != nil {
		stores, sockets = append(stores, here.Store), append(sockets, here.Status.Socket)
	}
	const stop = "an agent runs here (%s): stop it first, with systemctl stop edgeagent"
	for _, socket := range sockets {
		if conn, err := net.DialTimeout("unix", socket, time.Second); err == nil {
			conn.Close()
			return fmt.Errorf(stop, "it answers at "+socket)
		}
	}
	for _, store := range stores {
		f, err := os.Open(store)
		if err != nil {
			continue // there is none, or the next step tells of it
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf(stop, store+" is in use")
		}
	}
	return nil
}

// room sees that the store fits, with as much again for its first weeks.
func room(store string, bytes int64) error {
	dir := filepath.Dir(store)
	for dir != "/" {
		if _, err := os.Stat(dir); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	var disk syscall.Statfs_t
	if syscall.Statfs(dir, &disk) != nil {
		return nil
	}
	if free := int64(disk.Bavail) * int64(disk.Bsize); bytes > free/2 {
		return fmt.Errorf("the store has %s, and only %s are free at %s", sizeOf(bytes), sizeOf(free), dir)
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
