package locksim

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// pty is the carrier of a pseudo-terminal. The agent opens the slave through a
// symlink that stays the same while the kernel's name behind it changes.
type pty struct {
	port *Port
	se   *session // outlives the terminals: the encoder stays on when its adapter is pulled
	mu   sync.Mutex
	end  *terminal // nil when unplugged
}

// OpenPTY adds a port on a new pseudo-terminal and makes path a symlink to it,
// which must not exist or be a symlink.
func (s *System) OpenPTY(path string, opts PortOptions) (*Port, error) {
	p, err := s.newPort(path, opts)
	if err != nil {
		return nil, err
	}
	c := &pty{port: p}
	c.se = p.session(c)
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
	t, err := openTerminal()
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
	if id := c.port.now().opts.ByID; id != "" {
		if err := point(id, c.port.Name()); err != nil {
			t.master.Close()
			return errors.Join(err, os.Remove(c.port.Name()))
		}
	}
	c.end = t
	c.port.sys.spawn(func() { t.read(c.se) })
	return nil
}

func (c *pty) unplug() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end == nil {
		return errUnplugged
	}
	err := errors.Join(os.Remove(c.port.Name()), c.end.master.Close())
	if id := c.port.now().opts.ByID; id != "" {
		err = errors.Join(os.Remove(id), err)
	}
	c.end = nil
	return err
}

func (c *pty) shut() { _ = c.unplug() }

func (c *pty) sessions() []*session { return []*session{c.se} }

func (c *pty) current() *terminal {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.end
}

// write implements wire.
func (c *pty) write(b []byte) bool {
	t := c.current()
	return t != nil && t.write(b)
}

// misread implements wire.
func (c *pty) misread() bool {
	t := c.current()
	return t != nil && t.misread(c.port.now().opts)
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
