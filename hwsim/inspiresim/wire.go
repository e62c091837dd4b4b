package inspiresim

import (
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"time"
)

// Opcodes of RFC 6455, section 5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

var (
	errFrozen = errors.New("connection is frozen")
	errEnded  = errors.New("nothing may follow")
)

// wire is the writing half of a connection. It makes frames itself, since the
// wrong ones are wanted too, and many of them per system call.
type wire struct {
	conn   net.Conn
	closed <-chan struct{}
	drip   func() (int, time.Duration)

	mu     sync.Mutex
	ended  bool          // a close frame is out, nothing may follow it
	frozen chan struct{} // closed by freeze
	once   sync.Once
}

// appendHeader writes the header of an unmasked frame.
func appendHeader(b []byte, opcode byte, final bool, size int64) []byte {
	if final {
		opcode |= 0x80
	}
	switch {
	case size < 126:
		return append(b, opcode, byte(size))
	case size < 1<<16:
		b = append(b, opcode, 126)
		return binary.BigEndian.AppendUint16(b, uint16(size))
	default:
		b = append(b, opcode, 127)
		return binary.BigEndian.AppendUint64(b, uint64(size))
	}
}

// frame sends one message in one frame.
func (w *wire) frame(opcode byte, payload []byte) error {
	b := appendHeader(make([]byte, 0, len(payload)+10), opcode, true, int64(len(payload)))
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.write(append(b, payload...)); err != nil {
		return err
	}
	w.ended = w.ended || opcode == opClose
	return nil
}

// raw sends whole frames, if first, asked when it is their turn, agrees.
func (w *wire) raw(b []byte, first func() bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !first() {
		return errEnded
	}
	return w.write(b)
}

func (w *wire) write(b []byte) error {
	select {
	case <-w.frozen:
		return errFrozen
	default:
	}
	if w.ended {
		return errEnded
	}
	size, every := w.drip()
	if size <= 0 {
		_, err := w.conn.Write(b)
		return err
	}
	for len(b) > 0 {
		n := min(size, len(b))
		if _, err := w.conn.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
		if !w.pause(every) {
			return errFrozen
		}
	}
	return nil
}

// pause waits; false means that the connection ended or froze.
func (w *wire) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-w.frozen:
		return false
	case <-w.closed:
		return false
	}
}

// flood writes the same chunk again and again, after a start, until the peer
// goes or the limit is reached. Nothing else gets between.
func (w *wire) flood(start, chunk []byte, limit int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.write(start) != nil {
		return
	}
	for sent := int64(0); sent < limit; sent += int64(len(chunk)) {
		if w.write(chunk) != nil {
			return
		}
	}
}

// freeze ends all writing for good.
func (w *wire) freeze() { w.once.Do(func() { close(w.frozen) }) }
