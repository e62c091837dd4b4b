// Package radiussim is a hotel's RADIUS, of which only the hotspot is
// simulated: FreeRADIUS and its database are the real ones, started from their
// packages with a configuration of their own.
//
//	phone --> NAS --RADIUS--> FreeRADIUS --SQL--> MariaDB or PostgreSQL
//	           ^                                      ^
//	           +------ RFC 5176 --- agent ---- SQL ---+  (through Proxy, which can fail)
package radiussim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Packages are what must be installed.
const Packages = "freeradius freeradius-utils freeradius-mysql freeradius-postgresql mariadb-server-core mariadb-client-core postgresql"

// MissingError is a program that is not there.
type MissingError struct{ Program string }

func (e *MissingError) Error() string {
	return e.Program + " is not installed; as root: apt-get install --no-install-recommends " + Packages
}

// find finds a program by its name or in the folders where Debian puts daemons.
func find(name string) (string, error) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Reverse(folders) // the newest
	for _, folder := range append([]string{"", "/usr/sbin", "/usr/bin"}, folders...) {
		if path, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
			return path, nil
		}
	}
	return "", &MissingError{name}
}

// daemon is a program in the background.
type daemon struct {
	cmd  *exec.Cmd
	out  *output
	done chan struct{}
}

// output is what a daemon says.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// owner is who runs a daemon: its own user, or nobody, if we are root; else we
// ourselves. Nothing of the system's is touched.
type owner struct{ cred *syscall.Credential }

func ownerNamed(names ...string) owner {
	if os.Getuid() != 0 {
		return owner{}
	}
	for _, name := range append(names, "nobody") {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, wrong := strconv.ParseUint(u.Uid, 10, 32)
		gid, wrong2 := strconv.ParseUint(u.Gid, 10, 32)
		if wrong == nil && wrong2 == nil {
			return owner{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		}
	}
	return owner{}
}

// take gives a folder with all in it to the owner.
func (o owner) take(dir string) error {
	if o.cred == nil {
		return nil
	}
	return filepath.Walk(dir, func(path string, _ os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(o.cred.Uid), int(o.cred.Gid))
	})
}

func (o owner) command(dir, path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "LC_ALL=C")
	// A daemon must not outlive a killed test.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: o.cred, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// run runs a program to its end.
func (o owner) run(dir, input, path string, args ...string) (string, error) {
	cmd := o.command(dir, path, args...)
	cmd.Stdin = strings.NewReader(input)
	var out, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failed
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(path), err, bytes.TrimSpace(append(failed.Bytes(), out.Bytes()...)))
	}
	return out.String(), nil
}

func startDaemon(cmd *exec.Cmd) (*daemon, error) {
	d := &daemon{cmd: cmd, out: &output{}, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = d.out, d.out
	started := make(chan error, 1)
	go func() {
		// The signal at a parent's death comes when the thread ends that started
		// it, so this one stays.
		runtime.LockOSThread()
		started <- cmd.Start()
		if cmd.Process != nil {
			_ = cmd.Wait()
		}
		close(d.done)
	}()
	return d, <-started
}

// await waits until ready, or says what the daemon said.
func (d *daemon) await(ready func() bool) error {
	for range 600 {
		select {
		case <-d.done:
			return fmt.Errorf("%s ended: %s", filepath.Base(d.cmd.Path), tail(d.out.String()))
		case <-time.After(50 * time.Millisecond):
		}
		if ready() {
			return nil
		}
	}
	d.stop()
	return fmt.Errorf("%s is not ready: %s", filepath.Base(d.cmd.Path), tail(d.out.String()))
}

func tail(text string) string {
	if len(text) > 2000 {
		text = text[len(text)-2000:]
	}
	return strings.TrimSpace(text)
}

// stop ends the daemon, by force if it does not go.
func (d *daemon) stop() {
	if d == nil || d.cmd.Process == nil {
		return
	}
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.done:
	case <-time.After(10 * time.Second):
		_ = d.cmd.Process.Kill()
		<-d.done
	}
}

// freePort is a port that nobody uses now, for TCP or UDP, and none of those that
// the kernel gives to whoever asks for any: somebody else would have it soon.
func freePort(network string) (int, error) {
	const first, last, tries = 2_000, 12_000, 100
	var err error
	for range tries {
		port := first + rand.IntN(last-first)
		address := fmt.Sprintf("127.0.0.1:%d", port)
		var held io.Closer
		if network == "udp" {
			held, err = net.ListenPacket(network, address)
		} else {
			held, err = net.Listen(network, address)
		}
		if err == nil {
			return port, held.Close()
		}
	}
	return 0, err
}

// workDir is a folder that other users can enter.
func workDir(name string) (string, error) {
	dir, err := os.MkdirTemp("", "radiussim-"+name+"-")
	if err != nil {
		return "", err
	}
	return dir, errors.Join(os.Chmod(dir, 0o711))
}
