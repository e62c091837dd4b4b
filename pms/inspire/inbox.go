package inspire

import (
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of the inbox. Beyond them the reader waits, and with it the server.
const (
	inboxItems = 2048
	inboxBytes = 4 << 20
)

type itemKind int

const (
	itemAck itemKind = iota
	itemEvent
	itemUndecodable
	itemError           // the operation is over
	itemConnectionError // the connection is refused
	itemComplete        // the server ended the operation
	itemClosed          // nothing comes after it
)

// item is one thing that the reader hands to the stream.
type item struct {
	kind  itemKind
	at    time.Time
	size  int
	event event
	raw   []byte // of an undecodable frame, cut to 4 KiB
	hash  uint64 // of the whole undecodable frame
	text  string // what the other side said
	code  string
	err   error // of itemClosed
}

// inbox lies between the reader, which must never wait for anybody as long as
// there is room, and the stream, which hands over in groups.
type inbox struct {
	mu     sync.Mutex
	items  []item
	spare  []item // the slice handed out before, to be used again
	bytes  int
	closed bool
	stuck  atomic.Bool   // the reader waits for room
	ready  chan struct{} // one token: there is something
	space  chan struct{} // one token: there is room
	done   chan struct{} // the stream is gone
}

func newInbox() *inbox {
	return &inbox{ready: make(chan struct{}, 1), space: make(chan struct{}, 1), done: make(chan struct{})}
}

// put adds items, waiting for room. false: nobody listens any more.
func (b *inbox) put(items ...item) bool {
	for {
		b.mu.Lock()
		if b.closed {
			b.mu.Unlock()
			return false
		}
		if len(b.items) < inboxItems && b.bytes < inboxBytes {
			for i := range items {
				b.bytes += items[i].size
			}
			b.items = append(b.items, items...)
			b.mu.Unlock()
			signal(b.ready)
			return true
		}
		b.mu.Unlock()
		b.stuck.Store(true)
		select {
		case <-b.space:
			b.stuck.Store(false)
		case <-b.done:
			return false
		}
	}
}

// take hands out everything that is there. The slice is good until the next take.
func (b *inbox) take() []item {
	b.mu.Lock()
	items := b.items
	clear(b.spare)
	b.items, b.spare, b.bytes = b.spare[:0], items, 0
	b.mu.Unlock()
	if len(items) > 0 {
		signal(b.space)
	}
	return items
}

// empty reports whether nothing is waiting.
func (b *inbox) empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.items) == 0
}

// close lets a waiting reader go.
func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		close(b.done)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
