package gpiochip

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// fake is a kernel with chips of its own. It speaks the same structures through
// the same numbers; a line's events come through a real descriptor, so that the
// poller is the real one.
type fake struct {
	t   *testing.T
	dir string

	mu    sync.Mutex
	chips map[string]*fakeChip // by the path's inode, which an opened file shows
	lines map[int]*fakeLine    // by the descriptor of the request
	log   []string
}

type fakeChip struct {
	name, label string
	lines       []*fakeLine
	broken      error
}

type fakeLine struct {
	name, user string
	flags      uint64
	level      uint64
	events     int // the other end of the request's descriptor
	refuse     error
}

func newFake(t *testing.T, chips ...*fakeChip) (*fake, kernel) {
	f := &fake{t: t, dir: t.TempDir(), chips: map[string]*fakeChip{}, lines: map[int]*fakeLine{}}
	for _, c := range chips {
		path := filepath.Join(f.dir, c.name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		f.chips[path] = c
	}
	return f, kernel{dir: f.dir, ioctl: f.ioctl}
}

func (f *fake) ioctl(fd int, request uint, argument unsafe.Pointer) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch request {
	case setConfig:
		return f.configure(f.lines[fd], (*lineConfig)(argument))
	case setValues:
		l, v := f.lines[fd], (*lineValues)(argument)
		if l.refuse != nil {
			return l.refuse
		}
		l.level = v.bits & v.mask
		f.log = append(f.log, fmt.Sprintf("%s level %d", l.name, l.level))
		return nil
	case getValues:
		l, v := f.lines[fd], (*lineValues)(argument)
		if l.refuse != nil {
			return l.refuse
		}
		v.bits = l.level & v.mask
		return nil
	}
	path, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return err
	}
	c := f.chips[path]
	if c == nil {
		return unix.ENOTTY
	}
	switch request {
	case getChipInfo:
		info := (*chipInfo)(argument)
		copy(info.name[:], c.name)
		copy(info.label[:], c.label)
		info.lines = uint32(len(c.lines))
	case getLineInfo:
		if c.broken != nil {
			return c.broken
		}
		info := (*lineInfo)(argument)
		copy(info.name[:], c.lines[info.offset].name)
		copy(info.consumer[:], c.lines[info.offset].user)
	case getLine:
		return f.request(c, (*lineRequest)(argument))
	}
	return nil
}

func (f *fake) request(c *fakeChip, r *lineRequest) error {
	l := c.lines[r.offsets[0]]
	if l.user != "" {
		return unix.EBUSY
	}
	if err := f.configure(l, &r.config); err != nil {
		return err
	}
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
	if err != nil {
		return err
	}
	f.t.Cleanup(func() { unix.Close(ends[1]) })
	l.user, l.events = text(r.consumer[:]), ends[1]
	f.lines[ends[0]] = l
	r.fd = int32(ends[0])
	return nil
}

func (f *fake) configure(l *fakeLine, c *lineConfig) error {
	if l.refuse != nil {
		return l.refuse
	}
	l.flags = c.flags
	switch {
	case c.numAttrs == 1 && c.attrs[0].id == unix.GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES:
		l.level = c.attrs[0].value & c.attrs[0].mask
		f.log = append(f.log, fmt.Sprintf("%s output at %d", l.name, l.level))
	default:
		f.log = append(f.log, fmt.Sprintf("%s flags %#x", l.name, l.flags))
	}
	return nil
}

// edge has an event come, of a line that is at a level now.
func (f *fake) edge(l *fakeLine, level uint64) {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	l.level = level
	if _, err := unix.Write(l.events, make([]byte, eventSize)); err != nil {
		f.t.Error(err)
	}
}

// told is what was asked of the lines since it was last called.
func (f *fake) told() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	log := f.log
	f.log = nil
	return log
}
