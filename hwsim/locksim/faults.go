package locksim

import "time"

// Fault is what goes wrong with one request. The zero value: nothing.
//
// It is used up by the next complete and undamaged frame that the port takes,
// or by the next ENQ if Enquiry is set. Waits are of the system's clock.
//
// What a family does not have does not happen there: on VingCard's link neither
// WildcardLRC, NoTrailingSep nor OtherCommand.
type Fault struct {
	// Command restricts the fault to frames of that command, such as "CN" (not
	// CN2) or "I"; "" for any.
	Command string
	// Enquiry applies the acknowledgement and the line below to the answer to an
	// ENQ.
	Enquiry bool

	// The acknowledgement.

	// Naks answers NAK that many times before the fault's other parts apply.
	Naks int
	// Silent takes no notice at all: no ACK, no work, no result.
	Silent     bool
	AckDelay   time.Duration // in addition to Config.AckTime
	DropAck    bool          // the work is done all the same
	DoubleAck  bool
	NakThenAck bool

	// The work.

	// Code answers this code (on VingCard's link: this character), and Text in a
	// field after it, instead of doing the work.
	Code, Text string
	// CodeAfterWork does the work first.
	CodeAfterWork bool
	// Crash restarts the lock system between ACK and result, before or after
	// the work: no result, silence for DownFor, then idle as if nothing had been.
	Crash   Crash
	DownFor time.Duration

	// The line.

	// HangUp unplugs the port for DownFor, right after the ACK unless When says
	// another moment. With Crash it happens at the crash; alone, the work goes on
	// behind it, and on a pseudo-terminal its result reaches whoever has the port
	// open by then.
	HangUp bool
	// ComeBackAs is the name under which the port is plugged in again; "" for the same.
	ComeBackAs string
	// Line is what else befalls the line at When. It passes after DownFor; with 0
	// it stays until the port's methods end it.
	Line LineFault
	When Moment
	// Corrupt damages that part of the bytes of ACK and result, 0 to 1,
	// in addition to Port.SetCorruption.
	Corrupt float64

	// The result.

	BadLRC, WildcardLRC bool
	NoTrailingSep       bool
	Truncate            Truncation
	// SplitAt sends this many bytes of the result, then the rest SplitPause
	// later (0 for 5 ms).
	SplitAt    int
	SplitPause time.Duration
	// Dribble sends the result byte by byte with this pause between.
	Dribble time.Duration
	// Coalesce holds the ACK back and sends it in one write with the result.
	Coalesce  bool
	Drop      bool
	Duplicate bool
	// Late sends the result so much later. The port stays busy until then
	// unless LateIdle is set.
	Late     time.Duration
	LateIdle bool
	// DuringNext keeps the result back until the next frame was answered ACK,
	// and sends it then, before that request's own result.
	DuringNext bool
	// OtherEncoder and OtherCommand take the place of what the result should
	// name. On VingCard's link an encoder is two digits.
	OtherEncoder, OtherCommand string
	// Spurious bytes come right before the result, Trailing ones right after it.
	Spurious, Trailing []byte
}

// LineFault is what befalls a line for a while.
type LineFault string

// The faults of a line; each has its counterpart among Port's methods.
const (
	CablePulled    LineFault = "cable pulled"
	ReadingStopped LineFault = "reading stopped"
	Echoes         LineFault = "echo"
	LoopedBack     LineFault = "loop-back"
	WrongSpeed     LineFault = "wrong speed"
)

// Moment is a point in the course of a request.
type Moment int

// The moments. An enquiry knows only BehindAck and BeforeAck.
const (
	BehindAck    Moment = iota // the ACK is out
	BeforeAck                  // the request has come whole
	InWork                     // half of the encoder's work is done; commands without an encoder have no such moment
	BeforeResult               // the work is done
	InResult                   // half of the result is out, or SplitAt bytes of it
	BehindResult               // the result is out
)

// Crash says when a lock system restarts.
type Crash int

// The moments of a crash.
const (
	NoCrash Crash = iota
	CrashBeforeWork
	CrashAfterWork
)

// Truncation says what is missing at the end of a result.
type Truncation int

// The truncations.
const (
	Whole     Truncation = iota
	NoETX                // neither ETX nor the check
	NoCheck              // ETX is the last byte
	HalfCheck            // the last byte is missing: the same, or one of VingCard's two digits
)

type chance struct {
	p     float64
	fault Fault
}

// Next sets faults for the next requests, one each, in this order, after those
// that are still waiting.
func (s *System) Next(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextFault = append(s.nextFault, faults...)
}

// Chance makes the fault happen to any request with probability p, drawn from
// the seeded generator, whenever no fault of Next waits for it. Of several
// chances the first that hits counts.
func (s *System) Chance(p float64, fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chances = append(s.chances, chance{p, fault})
}

// ClearFaults forgets what Next and Chance have set and not yet used.
func (s *System) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextFault, s.chances = nil, nil
}

// PendingFaults is the number of faults of Next that have not yet happened.
func (s *System) PendingFaults() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.nextFault)
}

// draw takes the fault for a request. A fault with Naks left stays in place
// until they are used up; refuse then says to answer NAK.
func (s *System) draw(command string, enquiry bool) (f Fault, refuse bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fits := func(f Fault) bool {
		return f.Enquiry == enquiry && (f.Command == "" || f.Command == command)
	}
	for i := range s.nextFault {
		f := s.nextFault[i]
		if !fits(f) {
			continue
		}
		if f.Naks > 0 {
			s.nextFault[i].Naks--
			return f, true
		}
		s.nextFault = append(s.nextFault[:i:i], s.nextFault[i+1:]...)
		return f, false
	}
	for _, c := range s.chances {
		if fits(c.fault) && s.rng.Float64() < c.p {
			if c.fault.Naks > 0 {
				// The refusals that follow belong to the same request.
				again := c.fault
				again.Naks--
				s.nextFault = append(s.nextFault, again)
			}
			return c.fault, c.fault.Naks > 0
		}
	}
	return Fault{}, false
}
