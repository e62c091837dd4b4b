package locksim

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// pty is the carrier of a pseudo-terminal. The agent opens the slave through a
// symlink that stays the same while the kernel's name behind it changes.
type pty struct {
	port *Port
	mu   sync.Mutex
	end  *terminal // nil when unplugged
	done chan struct{}
}

// terminal is one pair of master and slave.
type terminal struct {
	master *os.File
	slave  string
	opts   PortOptions
	se     *session
}

// OpenPTY adds a port on a new pseudo-terminal and makes path a symlink to it,
// which must not exist or be a symlink.
func (s *System) OpenPTY(path string, opts PortOptions) (*Port, error) {
	p := &Port{sys: s, name: path, opts: opts}
	c := &pty{port: p}
	p.kind = c
	if err := s.addPort(p); err != nil {
		return nil, err
	}
	if err := c.plug(""); err != nil {
		return nil, err
	}
	return p, nil
}

func (c *pty) plug(rename string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end != nil {
		return errPlugged
	}
	t, err := openTerminal(c.port.opts)
	if err != nil {
		return err
	}
	if rename != "" {
		c.port.mu.Lock()
		c.port.name = rename
		c.port.mu.Unlock()
	}
	if err := point(c.port.Name(), t.slave); err != nil {
		t.master.Close()
		return err
	}
	t.se = &session{port: c.port, wire: t}
	c.end, c.done = t, make(chan struct{})
	done := c.done
	c.port.sys.spawn(func() {
		defer close(done)
		t.read()
	})
	return nil
}

func (c *pty) unplug() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end == nil {
		return errUnplugged
	}
	err := errors.Join(os.Remove(c.port.Name()), c.end.master.Close())
	c.end = nil
	return err
}

func (c *pty) shut() { _ = c.unplug() }

func (c *pty) sessions() []*session {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end == nil {
		return nil
	}
	return []*session{c.end.se}
}

// point makes path a symlink to target in one step.
func point(path, target string) error {
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSymlink == 0 {
		return fmt.Errorf("%s exists and is no symlink: choose another path", path)
	}
	next := path + ".new"
	if err := os.Symlink(target, next); err != nil {
		return fmt.Errorf("link %s to %s: %w", path, target, err)
	}
	if err := os.Rename(next, path); err != nil {
		return errors.Join(fmt.Errorf("link %s to %s: %w", path, target, err), os.Remove(next))
	}
	return nil
}

// openTerminal opens a pseudo-terminal whose slave is raw from the start: in
// its cooked first state it would echo what the lock system says.
func openTerminal(opts PortOptions) (*terminal, error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/ptmx: %w", err)
	}
	n, err := setUp(fd)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("set up pseudo-terminal: %w", err)
	}
	return &terminal{master: os.NewFile(uintptr(fd), "ptmx"), slave: "/dev/pts/" + strconv.Itoa(n), opts: opts}, nil
}

func setUp(fd int) (number int, err error) {
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return 0, err
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return 0, err
	}
	// On the master these act on the slave's settings.
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
	if err != nil {
		return 0, err
	}
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return n, unix.IoctlSetTermios(fd, unix.TCSETS2, t)
}

// read feeds the session until the master is closed.
func (t *terminal) read() {
	buf := make([]byte, 256)
	gone := false
	for {
		n, err := t.master.Read(buf)
		if n > 0 {
			gone = false
			t.se.feed(buf[:n])
		}
		switch {
		case err == nil:
		case errors.Is(err, syscall.EIO):
			// The agent has closed its end, and may open it again. What it has
			// not read is lost, as on a serial port.
			if !gone {
				t.flush()
				gone = true
			}
			select {
			case <-t.se.port.sys.done:
				return
			case <-time.After(5 * time.Millisecond):
			}
		default:
			return
		}
	}
}

// flush empties the slave's input.
func (t *terminal) flush() {
	fd, err := unix.Open(t.slave, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	_ = unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH)
}

// write implements wire. Nobody is there while the slave is closed.
func (t *terminal) write(b []byte) bool {
	if t.hungUp() {
		return false
	}
	if err := t.master.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return false
	}
	_, err := t.master.Write(b)
	return err == nil
}

// hungUp says whether the slave was open once and is not now.
func (t *terminal) hungUp() bool {
	up := false
	t.control(func(fd int) {
		fds := []unix.PollFd{{Fd: int32(fd)}}
		_, err := unix.Poll(fds, 0)
		up = err == nil && fds[0].Revents&unix.POLLHUP == 0
	})
	return !up
}

// misread implements wire by the speed that the agent has set.
func (t *terminal) misread() bool {
	if t.opts.Baud == 0 {
		return false
	}
	wrong := false
	t.control(func(fd int) {
		set, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
		if err == nil {
			wrong = int(set.Ospeed) != t.opts.Baud || (set.Cflag&unix.CSTOPB != 0) != t.opts.TwoStop
		}
	})
	return wrong
}

func (t *terminal) control(f func(fd int)) {
	raw, err := t.master.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { f(int(fd)) })
}
