package pn532

import (
	"bytes"
	"fmt"
)

// The first byte of a frame's content, TFI, says who speaks (UM0701-02, 6.2.1).
const (
	tfiHost  = 0xD4
	tfiChip  = 0xD5
	tfiError = 0x7F // stands alone: the chip did not understand the frame
)

// maxContent bounds TFI and data of a frame: 264 bytes of data in an extended one.
const maxContent = 265

// The frames without content.
var (
	ackFrame  = [...]byte{0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00}
	nackFrame = [...]byte{0x00, 0x00, 0xFF, 0xFF, 0x00, 0x00}
)

// frameKind says what a stretch of received bytes is.
type frameKind string

const (
	kindData    frameKind = "data"
	kindAck     frameKind = "ACK"
	kindNack    frameKind = "NACK"
	kindError   frameKind = "error"   // the chip's word that a frame made no sense
	kindDamaged frameKind = "damaged" // its length could be read, its checksum is wrong
)

// Frame is one thing that a side says.
type Frame struct {
	kind frameKind
	tfi  byte
	data []byte // command or response code first
}

// appendFrame appends a frame with content to dst, extended only where its
// length does not fit one byte.
func appendFrame(dst []byte, tfi byte, data ...byte) ([]byte, error) {
	n := 1 + len(data)
	if n > maxContent {
		return dst, fmt.Errorf("frame with %d bytes of data: at most %d can be sent", len(data), maxContent-1)
	}
	dst = append(dst, 0x00, 0x00, 0xFF)
	if n <= 0xFF {
		dst = append(dst, byte(n), -byte(n))
	} else {
		dst = append(dst, 0xFF, 0xFF, byte(n>>8), byte(n), -byte(n>>8)-byte(n))
	}
	dst = append(dst, tfi)
	dst = append(dst, data...)
	return append(dst, -sum(dst[len(dst)-n:]), 0x00), nil
}

func sum(b []byte) (total byte) {
	for _, x := range b {
		total += x
	}
	return total
}

// decoder cuts bytes into frames. It looks for the start code 00 FF, so that
// preamble and postamble may have any length, and holds at most one frame.
//
// A frame with a wrong checksum is dropped whole: what a card holds lies inside
// a frame, and must never be taken for one.
type decoder struct {
	buf   []byte
	noise int // bytes that belong to no frame, those of a wake-up and of padding aside
}

// feed takes bytes that have arrived.
func (d *decoder) feed(b []byte) { d.buf = append(d.buf, b...) }

// reset forgets an unfinished frame.
func (d *decoder) reset() { d.buf, d.noise = d.buf[:0], 0 }

// next gives the next whole frame of what was fed. Its data is the caller's.
func (d *decoder) next() (Frame, bool) {
	for {
		at := bytes.Index(d.buf, []byte{0x00, 0xFF})
		if at < 0 {
			// The last byte may be the first half of a start code.
			d.skip(len(d.buf) - 1)
			return Frame{}, false
		}
		d.skip(at)
		size, f, whole := measure(d.buf[2:])
		switch {
		case !whole:
			return Frame{}, false
		case size == 0: // no length that can be: look on behind this start code's first byte
			d.drop(1)
			continue
		}
		f.data = bytes.Clone(f.data)
		d.drop(2 + size)
		return f, true
	}
}

// skip drops bytes outside of frames.
func (d *decoder) skip(n int) {
	for _, b := range d.buf[:max(n, 0)] {
		if b != 0x00 && b != wakeUp[0] { // an adapter with echo sends these back
			d.noise++
		}
	}
	d.drop(n)
}

func (d *decoder) drop(n int) {
	if n > 0 {
		d.buf = append(d.buf[:0], d.buf[n:]...)
	}
}

// measure reads what follows a start code. whole is false if more bytes are
// needed; size is 0 if no frame can begin so.
func measure(b []byte) (size int, f Frame, whole bool) {
	if len(b) < 2 {
		return 0, f, false
	}
	head, n := 2, int(b[0])
	switch {
	case b[0] == 0x00 && b[1] == 0xFF:
		return 2, Frame{kind: kindAck}, true
	case b[0] == 0xFF && b[1] == 0x00:
		return 2, Frame{kind: kindNack}, true
	case b[0] == 0xFF && b[1] == 0xFF:
		if len(b) < 5 {
			return 0, f, false
		}
		if head, n = 5, int(b[2])<<8|int(b[3]); sum(b[2:5]) != 0 {
			return 0, f, true
		}
	case b[0]+b[1] != 0:
		return 0, f, true
	}
	if n == 0 || n > maxContent {
		return 0, f, true
	}
	if len(b) < head+n+1 {
		return 0, f, false
	}
	content := b[head : head+n]
	f = Frame{kind: kindData, tfi: content[0], data: content[1:]}
	switch {
	case sum(b[head:head+n+1]) != 0:
		f = Frame{kind: kindDamaged}
	case n == 1 && f.tfi == tfiError:
		f = Frame{kind: kindError}
	}
	return head + n + 1, f, true
}
