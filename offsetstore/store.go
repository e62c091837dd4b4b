// Package offsetstore keeps, in one bbolt file, what the gateway must not
// lose: how far each PMS stream has been read, how the house looks, and what
// the devices still have to do.
//
//	Accept   offset + records + commands, one transaction      (ingest)
//	Next     the oldest command that may run now, per lane     (drive)
//	Settle   what came of it                                   (drive)
//	Untold, Reported                                           (report)
//
// # Caveats
//
// Bodies and records hold personal data; the file is created with mode 0600.
//
// Any error of a write is final: every later call returns it, and the process
// must end. There is no mode without durability.
//
// # Wear
//
// bbolt writes whole pages of 4 KiB, and every commit writes at least three. So
// a commit touches few buckets, and what need not be durable at once waits for
// company on a shelf: settled commands are filed in groups. A power cut costs
// their group: settings are carried out once more, which does no harm, and a
// settled job is known by its state among the open ones.
package offsetstore

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Format is the version of the file's layout. An older binary refuses a newer file.
const Format = 1

// The buckets. Hot ones are kept small, so that a commit touches few pages.
var (
	bucketMeta       = []byte("meta")       // format, key, seq, clock
	bucketOffsets    = []byte("offsets")    // source -> offset
	bucketRecords    = []byte("records")    // ledger id -> record
	bucketOpen       = []byte("open")       // seq -> Command, not yet filed as settled
	bucketDone       = []byte("done")       // seq -> Command, settled; the oldest come first
	bucketIDs        = []byte("ids")        // id of a settled command -> seq
	bucketWanted     = []byte("wanted")     // lane 0 subject -> seq of the newest setting, if settled
	bucketKnown      = []byte("known")      // lane 0 subject -> newest receipt worth knowing
	bucketUnknown    = []byte("unknown")    // id -> Command that a person must look into, or found not done
	bucketAsks       = []byte("asks")       // source 0 id -> Ask, not yet told; few
	bucketTold       = []byte("told")       // source 0 id -> Ask that the PMS has the answer of
	bucketMemory     = []byte("memory")     // name -> what a source remembers
	bucketQuarantine = []byte("quarantine") // seq -> Sample
	bucketUnmapped   = []byte("unmapped")   // name -> Sample
)

func allBuckets() [][]byte {
	return [][]byte{
		bucketMeta, bucketOffsets, bucketRecords, bucketOpen, bucketDone, bucketIDs,
		bucketWanted, bucketKnown, bucketUnknown, bucketAsks, bucketTold, bucketMemory, bucketQuarantine, bucketUnmapped,
	}
}

// State is where a command stands, in the PMS's words.
type State string

// The states of a command.
const (
	Pending    State = "Pending"
	Processing State = "Processing"
	Processed  State = "Processed"
	Cancelled  State = "Cancelled"
	Error      State = "Error"
)

// Final reports whether the state is one that a command ends in.
func (s State) Final() bool { return s == Processed || s == Cancelled || s == Error }

// Command is one thing that a device has to do.
type Command struct {
	Seq     int64           `json:"seq"` // grows for ever, given by Accept
	ID      string          `json:"id"`  // de-duplicates: Accept inserts if absent
	Lane    string          `json:"lane"`
	Subject string          `json:"subject"` // commands of one lane and subject run in order
	Setting bool            `json:"setting,omitempty"`
	Ask     string          `json:"ask,omitempty"` // id of the PMS's device command that it answers
	Source  string          `json:"source,omitempty"`
	Body    json.RawMessage `json:"body,omitempty"` // opaque to the store; dropped once settled, unless wanted
	State   State           `json:"state"`
	// Due is the earliest instant to run; Hold delays what comes of a replay
	// further, until Release or until it passes.
	Due  time.Time `json:"due"`
	Hold time.Time `json:"hold,omitzero"`
	// Deadline ends the wish; zero for none.
	Deadline time.Time `json:"deadline,omitzero"`
	Created  time.Time `json:"created"`
	Settled  time.Time `json:"settled,omitzero"`
	Tries    int       `json:"tries,omitempty"`
	// Note is one sentence for people, without personal data.
	Note string `json:"note,omitempty"`
	// Unknown marks an Error of which nobody knows whether it happened. Given to
	// Accept, it enters the command so, with its Note, and nobody carries it out.
	Unknown bool            `json:"unknown,omitempty"`
	Receipt json.RawMessage `json:"receipt,omitempty"`
	// Known is what must be known of the subject for as long as it is wanted,
	// beyond this command: given to Settle, found again with Store.Known.
	Known json.RawMessage `json:"known,omitempty"`
}

// Options are what a store is opened with.
type Options struct {
	// Trusted says whether the wall clock can be believed; nil for always.
	// While it cannot, a command with a deadline neither runs nor expires.
	Trusted func() bool
	// Retention is how long settled commands are kept; it must exceed the time
	// that any PMS can replay. Zero means 14 days.
	Retention time.Duration
	// Linger is how long a settled command may wait for company before it is
	// filed. Zero means 1 min.
	Linger time.Duration
	// Quiet is called, if given, when nothing has been written for 2 s after the
	// start, or after 32 commits more: there is time to tidy up. The writer waits
	// for it.
	Quiet func()
}

// Store is an open file. Its methods may be called from several goroutines.
type Store struct {
	db     *bbolt.DB
	opt    Options
	key    []byte
	writes chan *write
	nudge  chan struct{} // one token: the shelf is no longer empty
	closed chan struct{} // closed when the writer has ended
	failed chan struct{} // closed when err is set
	// The writer's own: lanes and subjects that the present group adds to.
	adding map[string]bool
	// and whether the shelf is to be cleared with that group.
	clearNow bool

	mu       sync.Mutex
	err      error
	lanes    map[string]*lane
	lazy     map[string]lazyOffset // source -> offset of quiet notices, not yet written
	unmapped map[string]Sample     // written with the next commit
	report   chan struct{}         // closed and replaced when an ask has gone on
	openIDs  map[string]bool       // of the commands that are not filed
	newest   map[string]int64      // lane 0 subject -> newest setting that is not filed
	news     map[string]news       // lane 0 subject -> newest command, since the start
	// withdrawn are the asks that the PMS took back: source 0 id.
	withdrawn map[string]bool
	shelf     shelf
	restored  *restored // nil: it never was

	copying sync.Mutex // held by who takes a snapshot
}

// Open opens or creates the file. A job that was marked when the process died
// becomes Error with Unknown set; it is not tried again.
func Open(path string, opt Options) (*Store, error) {
	if opt.Trusted == nil {
		opt.Trusted = func() bool { return true }
	}
	if opt.Retention == 0 {
		opt.Retention = 14 * 24 * time.Hour
	}
	if opt.Linger == 0 {
		opt.Linger = time.Minute
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:        time.Second,
		NoFreelistSync: true, // one page less per commit; the list is found again by a scan at open
		FreelistType:   bbolt.FreelistMapType,
	})
	if err != nil {
		return nil, openProblem(path, err)
	}
	s := &Store{
		db: db, opt: opt,
		writes: make(chan *write, 64), nudge: make(chan struct{}, 1),
		closed: make(chan struct{}),
		failed: make(chan struct{}),
		adding: map[string]bool{}, lanes: map[string]*lane{}, lazy: map[string]lazyOffset{}, unmapped: map[string]Sample{},
		report: make(chan struct{}), openIDs: map[string]bool{}, newest: map[string]int64{}, news: map[string]news{},
		withdrawn: map[string]bool{}, shelf: shelf{settled: map[int64]bool{}},
	}
	if err := s.bring(); err != nil {
		db.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	go s.write()
	return s, nil
}

// bring brings the file to this version's format, and what is needed of it into memory.
func (s *Store) bring() error {
	if err := migrate(s.db, steps()); err != nil {
		return err
	}
	if err := s.load(); err != nil {
		return err
	}
	return s.thrift()
}

// openProblem says why a file cannot be opened, and what to do.
func openProblem(path string, err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%s is in use: another edgeagent is running on it; stop that one first", path)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return fmt.Errorf("%s is damaged or no store (%w): move it aside and start again; what devices still had to do is lost, and rooms fill as the PMS speaks of them", path, err)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%s: no space is left on the device; free some and start again", path)
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s cannot be written: %w; let this user write there, or name another store", path, errors.Unwrap(err))
	}
	return fmt.Errorf("open %s: %w", path, err)
}

// Key is the property's secret for keyed hashes, made when the file was.
func (s *Store) Key() []byte { return s.key }

// Close writes what is still in memory and closes the file.
func (s *Store) Close() error {
	s.mu.Lock()
	err := s.err
	s.mu.Unlock()
	if err == nil {
		err = s.Flush()
	}
	close(s.writes)
	<-s.closed
	return errors.Join(err, s.db.Close())
}

// Dir is the folder that the file lies in.
func (s *Store) Dir() string { return filepath.Dir(s.db.Path()) }

// Size is the file's size in bytes.
func (s *Store) Size() int64 {
	info, err := os.Stat(s.db.Path())
	if err != nil {
		return 0
	}
	return info.Size()
}

func seqKey(seq int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(seq)) }

func pairKey(a, b string) []byte { return append(append([]byte(a), 0), b...) }

func put(b *bbolt.Bucket, key []byte, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return b.Put(key, text)
}
