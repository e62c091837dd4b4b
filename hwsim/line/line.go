// Package line is the far end of a serial line, where a simulated device sits:
// a pseudo-terminal or a TCP listener, which hang up and come back under another
// name, and for which bytes take as long as they take on a wire.
//
//	computer ==bytes==> PTY or TCP --Feed--> Session of a device
//	         <==Paced==   Wire    <--Write--
//
// What the bytes mean, and what a bad cable does to them, is the device's affair.
package line

import (
	"errors"
	"sync"
	"time"
)

// Line is the plug of a device: a pseudo-terminal or a TCP listener. Both behave
// alike.
type Line[S Session] interface {
	// Name is what the computer is to open: a device path, or host:port.
	Name() string
	// Plug plugs the device in, behind another name unless it is "".
	Plug(as string) error
	// Unplug pulls the device out: the computer sees a hang-up, and the name is gone.
	Unplug() error
	// Sessions are those of all connections that stand.
	Sessions() []S
}

// Session is what a device knows of one connection.
type Session interface {
	// Feed takes what came in, in order. It returns soon: nothing else is read
	// meanwhile.
	Feed(b []byte)
}

// Wire is one connection: a pseudo-terminal, or one of TCP.
type Wire interface {
	// Write sends bytes; false when nobody is at the other end, or does not read.
	Write(b []byte) bool
	// Misread says whether the computer has set another speed than this one. TCP
	// has none.
	Misread(own Speed) bool
}

// Speed is what both ends of a serial line must agree on.
type Speed struct {
	Baud    int // in bit/s; 0 agrees with any
	TwoStop bool
}

// Device is whose line it is.
type Device[S Session] struct {
	// Session makes what belongs to a connection: one for a pseudo-terminal,
	// which outlives all hang-ups since the device stays on when its adapter is
	// pulled, and one for each connection of TCP.
	Session func(Wire) S
	// Go runs a reader, which ends once the line is unplugged and Done is closed.
	Go func(func())
	// Done is closed when the device ends.
	Done <-chan struct{}
}

// The errors of who plugs twice.
var (
	ErrPlugged   = errors.New("the port is plugged in already: unplug it first")
	ErrUnplugged = errors.New("the port is unplugged already")
)

// writeLimit bounds one write to a computer that does not read.
const writeLimit = 5 * time.Second

// name is that of a line. It has a lock of its own: who plugs in tells others
// the name meanwhile.
type name struct {
	mu   sync.Mutex
	text string
}

func (n *name) Name() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text
}

func (n *name) rename(to string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text = to
}

// Garble is what a receiver at another speed makes of bytes: runs of equal bits,
// the same for the same bytes. By luck they would now and then mean something;
// here none is a control byte or the start of a frame.
func Garble(b []byte) []byte {
	patterns := [...]byte{0x80, 0xE0, 0xF8, 0xFE, 0xC0, 0xFC, 0xF0, 0x78}
	out := make([]byte, len(b))
	for i, c := range b {
		out[i] = patterns[(c^c>>3)&7]
	}
	return out
}
