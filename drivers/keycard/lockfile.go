package keycard

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// lockDir is where programs that use serial lines look for each other's locks.
const lockDir = "/run/lock"

// lockFile keeps other programs away from a serial device. The kernel's
// exclusive mode does not stop a program that runs as root, and many do. The
// file is called and written as modem programs have it since UUCP, so they heed
// it; a lock on the file itself makes it fall with its process, and lets one of
// ours take over a file whose process is gone without a race.
type lockFile struct {
	file *os.File
	path string
}

// takenError: another process has the device.
type takenError struct {
	pid  int    // 0 if nobody knows
	path string // of its lock file, "" if it has none
}

func (e *takenError) Error() string {
	who := "another program: stop it (ModemManager, a terminal, a second agent)"
	if e.pid > 0 {
		who = fmt.Sprintf("process %d%s: stop it", e.pid, programOf(e.pid))
	}
	if e.path != "" && e.pid > 0 {
		who += ", or remove " + e.path + " if it has nothing to do with the port"
	}
	return "in use by " + who
}

// programOf names a process, in brackets.
func programOf(pid int) string {
	name, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	if err != nil {
		return ""
	}
	return " (" + printable(strings.TrimSpace(string(name)), 40) + ")"
}

// lockName is the file for a device: LCK..ttyUSB0.
func lockName(device string) string {
	return "LCK.." + strings.ReplaceAll(strings.TrimPrefix(device, "/dev/"), "/", "_")
}

// claim takes the lock of a device, which must be no symlink. It ends with
// *takenError if a living process has it, and with another error where this
// process may write no lock file, or not into somebody else's.
func claim(dir, device string) (*lockFile, error) {
	path := filepath.Join(dir, lockName(device))
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o644)
		if err != nil {
			return nil, heed(path, err)
		}
		err = holdFile(file, path)
		if err == nil {
			return &lockFile{file, path}, nil
		}
		file.Close()
		if !errors.Is(err, errReplaced) {
			return nil, err
		}
	}
}

// heed reads a lock file that cannot be written: another's lock counts all the same.
func heed(path string, why error) error {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return why
	}
	defer file.Close()
	if pid := owner(file); pid != os.Getpid() && alive(pid) {
		return &takenError{pid: pid, path: path}
	}
	return why
}

// owner is the process that a lock file names, 0 if it names none.
func owner(file *os.File) int {
	text, _ := io.ReadAll(io.LimitReader(file, 64)) // what cannot be read names nobody
	pid, _ := strconv.Atoi(string(bytes.TrimSpace(text)))
	return pid
}

var errReplaced = errors.New("the lock file was replaced meanwhile")

// holdFile locks an open lock file and writes our process into it.
func holdFile(file *os.File, path string) error {
	pid := owner(file)
	err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return &takenError{pid: pid, path: path}
	}
	if err != nil {
		return err
	}
	// Its owner may have removed it between our opening and our locking.
	ours, err := file.Stat()
	if err != nil {
		return err
	}
	if there, err := os.Lstat(path); err != nil || !os.SameFile(ours, there) {
		return errReplaced
	}
	// A modem program locks by the file's being there, for as long as it lives.
	if pid != os.Getpid() && alive(pid) {
		return &takenError{pid: pid, path: path}
	}
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err = file.WriteAt(fmt.Appendf(nil, "%10d\n", os.Getpid()), 0)
	return err
}

// alive reports whether there is such a process, also one of another user.
func alive(pid int) bool {
	if pid <= 0 {
		return false
	}
	err := unix.Kill(pid, 0)
	return err == nil || errors.Is(err, unix.EPERM)
}

// release removes the file while its lock still holds.
func (l *lockFile) release() error {
	if l == nil {
		return nil
	}
	return errors.Join(os.Remove(l.path), l.file.Close())
}

// holder finds the process that has a device open, 0 if it cannot be seen.
func holder(device string) int {
	open, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0
	}
	for _, fd := range open {
		if target, err := os.Readlink(fd); err == nil && target == device {
			pid, _ := strconv.Atoi(strings.Split(fd, "/")[2])
			return pid
		}
	}
	return 0
}
