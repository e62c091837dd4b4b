package line

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// pty is the line of a pseudo-terminal. The computer opens the slave through a
// symlink that stays the same while the kernel's name behind it changes.
type pty[S Session] struct {
	name
	byID    string
	device  Device[S]
	session S

	mu  sync.Mutex
	end *terminal // nil when unplugged
}

// PTY is a line on pseudo-terminals, not plugged in yet. Plugged in, path is a
// symlink to one, which must not exist before or be a symlink. byID, if not "",
// is a second one such as udev's /dev/serial/by-id/...: it comes and goes with
// the device, and stays the same when the device comes back under another name.
func PTY[S Session](path, byID string, d Device[S]) Line[S] {
	p := &pty[S]{name: name{text: path}, byID: byID, device: d}
	p.session = d.Session(p)
	return p
}

func (p *pty[S]) Plug(as string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end != nil {
		return ErrPlugged
	}
	t, err := openTerminal()
	if err != nil {
		return err
	}
	if as != "" {
		p.rename(as)
	}
	if err := point(p.Name(), t.slave); err != nil {
		t.master.Close()
		return err
	}
	if p.byID != "" {
		if err := point(p.byID, p.Name()); err != nil {
			t.master.Close()
			return errors.Join(err, os.Remove(p.Name()))
		}
	}
	p.end = t
	p.device.Go(func() { t.read(p.session.Feed, p.device.Done) })
	return nil
}

func (p *pty[S]) Unplug() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end == nil {
		return ErrUnplugged
	}
	err := errors.Join(os.Remove(p.Name()), p.end.master.Close())
	if p.byID != "" {
		err = errors.Join(os.Remove(p.byID), err)
	}
	p.end = nil
	return err
}

func (p *pty[S]) Sessions() []S { return []S{p.session} }

func (p *pty[S]) current() *terminal {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.end
}

// Write implements Wire.
func (p *pty[S]) Write(b []byte) bool {
	t := p.current()
	return t != nil && t.write(b)
}

// Misread implements Wire.
func (p *pty[S]) Misread(own Speed) bool {
	t := p.current()
	return t != nil && t.misread(own)
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
