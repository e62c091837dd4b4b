package offsetstore

import (
	"time"

	"golang.org/x/sys/unix"

	"go.etcd.io/bbolt"
)

// thriftEvery is after how many commits the pages of the file are let go.
const thriftEvery = 32

// rest is after how long without a commit the store takes things to be quiet.
const rest = 2 * time.Second

// tidy lets the pages go in the quiet after commits, and after many of them tells
// whoever has more to let go. It returns how many of burst are left.
func (s *Store) tidy(burst int) (int, error) {
	if burst >= thriftEvery {
		burst = 0
		if s.opt.Quiet != nil {
			s.opt.Quiet()
		}
	}
	return burst, s.thrift()
}

// thrift takes the file's pages off this process's account. bbolt maps the
// file, so all that it has ever looked at stays resident, at the start even the
// whole of it, since the free pages are found by a scan. The kernel keeps them
// as its cache as long as it likes; touching one again costs next to nothing.
// That it is not done does no harm, so a refusal is nobody's error.
func (s *Store) thrift() error {
	return s.db.View(func(tx *bbolt.Tx) error { // as long as it lasts, the map stays where it is
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, s.db.Info().Data, uintptr(tx.Size()), unix.MADV_DONTNEED)
		return nil
	})
}
