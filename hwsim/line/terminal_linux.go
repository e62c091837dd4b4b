package line

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

// terminal is one pair of master and slave.
type terminal struct {
	master *os.File
	slave  string
	// wmu keeps writes apart from flush, which has the slave open for a moment:
	// a byte written then would look as if the computer had got it.
	wmu sync.Mutex
}

// openTerminal opens a pseudo-terminal whose slave is raw from the start: in
// its cooked first state it would echo what the device says.
func openTerminal() (*terminal, error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/ptmx: %w", err)
	}
	n, err := setUp(fd)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("set up pseudo-terminal: %w", err)
	}
	return &terminal{master: os.NewFile(uintptr(fd), "ptmx"), slave: "/dev/pts/" + strconv.Itoa(n)}, nil
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

// read feeds a session until the master is closed.
func (t *terminal) read(feed func([]byte), done <-chan struct{}) {
	buf := make([]byte, 256)
	gone := false
	for {
		n, err := t.master.Read(buf)
		if n > 0 {
			gone = false
			feed(buf[:n])
		}
		switch {
		case err == nil:
		case errors.Is(err, syscall.EIO):
			// The computer has closed its end, and may open it again. What it has
			// not read is lost, as on a serial port.
			if !gone {
				t.flush()
				gone = true
			}
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
		default:
			return
		}
	}
}

// flush empties the slave's input. It reaches the slave through its master: the
// name may be another terminal's by now.
func (t *terminal) flush() {
	t.wmu.Lock()
	defer t.wmu.Unlock()
	t.control(func(fd int) {
		const flags = unix.O_RDWR | unix.O_NOCTTY | unix.O_NONBLOCK | unix.O_CLOEXEC
		slave, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGPTPEER, flags)
		if errno != 0 {
			return
		}
		defer unix.Close(int(slave))
		_ = unix.IoctlSetInt(int(slave), unix.TCFLSH, unix.TCIFLUSH)
	})
}

// write says false when the computer has closed the slave, or does not read.
func (t *terminal) write(b []byte) bool {
	t.wmu.Lock()
	defer t.wmu.Unlock()
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
		for errors.Is(err, syscall.EINTR) {
			// Go's own signals interrupt it on a busy machine.
			_, err = unix.Poll(fds, 0)
		}
		up = err == nil && fds[0].Revents&unix.POLLHUP == 0
	})
	return !up
}

// misread judges by what the computer has set, which the master sees as termios.
func (t *terminal) misread(own Speed) bool {
	if own.Baud == 0 {
		return false
	}
	wrong := false
	t.control(func(fd int) {
		set, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
		if err == nil {
			wrong = int(set.Ospeed) != own.Baud || (set.Cflag&unix.CSTOPB != 0) != own.TwoStop
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
