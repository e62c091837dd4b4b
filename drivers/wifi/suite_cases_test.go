package wifi

import (
	"fmt"
	"strings"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/console"
)

// suiteCases are what the suite wants of every product.
var suiteCases = []struct {
	name string
	play func(*stage)
}{
	{"make", playMake},
	{"repeat", playRepeat},
	{"repeat after a restart", playRepeatAfterRestart},
	{"lost reply", func(s *stage) { playLostReply(s, console.DropAfterCommit) }},
	{"silence after the work", func(s *stage) { playLostReply(s, console.SilentAfterCommit) }},
	{"extend", playExtend},
	{"shorten", playShorten},
	{"move", playMove},
	{"tier", playTier},
	{"revoke", playRevoke},
	{"cut", playCut},
	{"revoke without cut", playNoCut},
	{"revoke twice", playRevokeTwice},
	{"revoke that breaks off", playBrokenRevoke},
	{"reinstated", playReinstated},
	{"list", playList},
	{"reconcile", playReconcile},
	{"mass removal", playMassRemoval},
	{"expired while down", playExpiredWhileDown},
	{"refused", playRefused},
	{"overloaded", playOverloaded},
	{"sent elsewhere", playElsewhere},
	{"certificate changed", playCertificate},
	{"probe", playProbe},
}

var tomorrow = start.Add(24 * time.Hour)

func (s *stage) caps() Caps { return s.drv.Caps() }

func playMake(s *stage) {
	told := s.must(ensure(keyA, tomorrow, "devices", "2"))
	a := s.only(keyA)
	if a.Code != told["code"] || a.User != told["user"] {
		s.t.Errorf("the guest is told another credential than the controller has")
	}
	if s.caps().ChooseCode && !codeFormatOfOurs.MatchString(told["code"]) {
		s.t.Errorf("a code of %d characters, not as we choose them", len(told["code"]))
	}
	end := tomorrow.Add(2 * time.Hour) // the grace
	if off := a.Until.Sub(end).Abs(); s.caps().AbsoluteExpiry && off > time.Minute {
		s.t.Errorf("it ends %v, want %v", a.Until, end)
	}
	if s.caps().RateLimit && (a.DownKbps != 20_000 || a.UpKbps != 5_000) {
		s.t.Errorf("down %d, up %d", a.DownKbps, a.UpKbps)
	}
	s.joins(mac1, told)
	s.joins(mac2, told)
	if s.caps().DeviceLimit {
		s.refuses(mac3, told)
	}
	if (s.drv.Remark() == "") != s.caps().AbsoluteExpiry {
		s.t.Errorf("people are told %q", s.drv.Remark())
	}
	if strings.Contains(strings.ToLower(a.Marker), "101") {
		s.t.Errorf("the room stands in %q", a.Marker)
	}
}

func playRepeat(s *stage) {
	first := s.must(ensure(keyA, tomorrow))
	s.joins(mac1, first)
	again := s.must(ensure(keyA, tomorrow))
	if again["code"] != first["code"] || again["user"] != first["user"] {
		s.t.Error("the second call gave another credential")
	}
	s.only(keyA)
	if !s.Online(mac1) {
		s.t.Error("the second call threw the guest off")
	}
}

func playRepeatAfterRestart(s *stage) {
	first := s.must(ensure(keyA, tomorrow))
	s.joins(mac1, first)
	s.restart()
	if again := s.must(ensure(keyA, tomorrow)); again["code"] != first["code"] {
		s.t.Error("after a restart the guest has another code")
	}
	s.only(keyA)
	if !s.Online(mac1) {
		s.t.Error("the guest was thrown off")
	}
}

// playLostReply: the controller did the work and the answer got lost.
func playLostReply(s *stage, kind console.FaultKind) {
	s.must(ensure(keyB, tomorrow)) // logged in, pages read
	s.impatient()
	s.Inject(console.Fault{Kind: kind, Match: s.product.create})
	_, err := s.try(ensure(keyA, tomorrow))
	s.Heal()
	if err != nil {
		s.failure(err, "retry")
	}
	lost := s.live(keyA)
	s.restart()
	told := s.must(ensure(keyA, tomorrow))
	if a := s.only(keyA); s.caps().SecretReadable && len(lost) == 1 && a.Code != lost[0].Code {
		s.t.Error("the credential of the lost reply was not adopted")
	}
	s.joins(mac1, told)
}

func playExtend(s *stage) {
	first := s.must(ensure(keyA, tomorrow))
	s.joins(mac1, first)
	s.advance(time.Hour)
	told := s.must(ensure(keyA, tomorrow.Add(72*time.Hour)))
	if same := told["code"] == first["code"]; s.caps().Extend && !same {
		s.t.Error("the code changed, though the product can extend")
	}
	a := s.only(keyA)
	if end := tomorrow.Add(74 * time.Hour); s.caps().AbsoluteExpiry && a.Until.Sub(end).Abs() > time.Minute {
		s.t.Errorf("it ends %v, want %v", a.Until, end)
	}
	if !s.Online(mac1) {
		s.t.Error("the guest was thrown off")
	}
	s.joins(mac2, told)
	s.advance(50 * time.Hour) // the first departure is long over
	s.joins(mac3, told)
}

func playShorten(s *stage) {
	first := s.must(ensure(keyA, tomorrow.Add(72*time.Hour)))
	s.joins(mac1, first)
	told := s.must(ensure(keyA, tomorrow))
	s.only(keyA)
	s.advance(27 * time.Hour) // departure, grace, and an hour
	if !s.caps().AbsoluteExpiry {
		s.sweep()
	}
	s.refuses(mac2, told)
	s.refuses(mac3, first)
}

func (s *stage) sweep() Swept {
	s.t.Helper()
	swept, err := s.drv.Sweep(s.t.Context())
	if err != nil {
		s.t.Fatalf("sweep: %v", err)
	}
	return swept
}

func playMove(s *stage) {
	first := s.must(ensure(keyA, tomorrow))
	s.joins(mac1, first)
	told := s.must(ensure(keyA, tomorrow, "room", "502"))
	if told["code"] != first["code"] || told["user"] != first["user"] || !s.Online(mac1) {
		s.t.Error("a room move changed the guest's access")
	}
	s.only(keyA)
}

func playTier(s *stage) {
	s.must(ensure(keyA, tomorrow))
	told := s.must(ensure(keyA, tomorrow, "tier", "suite"))
	a := s.only(keyA)
	if s.caps().RateLimit && (a.DownKbps != 90_000 || a.UpKbps != 40_000) {
		s.t.Errorf("down %d, up %d", a.DownKbps, a.UpKbps)
	}
	s.joins(mac1, told)
}

func playRevoke(s *stage) {
	told := s.must(ensure(keyA, tomorrow))
	other := s.must(ensure(keyB, tomorrow))
	s.joins(mac3, other)
	s.must(revoke(keyA))
	s.refuses(mac1, told)
	if len(s.live(keyA)) > 0 || !s.Online(mac3) {
		s.t.Error("the wrong guest was thrown off")
	}
	s.joins(mac2, other)
}

func playCut(s *stage) {
	told := s.must(ensure(keyA, tomorrow))
	s.joins(mac1, told)
	s.joins(mac2, told)
	s.restart()
	s.must(revoke(keyA))
	if s.caps().CutSession && (s.Online(mac1) || s.Online(mac2)) {
		s.t.Error("a departed guest is still online")
	}
	s.refuses(mac3, told)
}

func playNoCut(s *stage) {
	told := s.must(ensure(keyA, tomorrow))
	s.joins(mac1, told)
	s.must(revoke(keyA, "cut", "false"))
	s.refuses(mac2, told)
}

func playRevokeTwice(s *stage) {
	told := s.must(ensure(keyA, tomorrow))
	s.must(revoke(keyA))
	s.must(revoke(keyA))
	s.restart()
	s.must(revoke(keyA))
	s.must(revoke(keyC)) // nobody ever heard of it
	s.refuses(mac1, told)
}

// playBrokenRevoke lets each call of a revoke fail once, before and after its work.
func playBrokenRevoke(s *stage) {
	told := s.must(ensure(keyA, tomorrow))
	s.joins(mac1, told)
	s.ForgetRequests()
	s.must(revoke(keyA))
	calls := s.Requests()
	for n, call := range calls {
		for _, kind := range []console.FaultKind{console.Drop, console.DropAfterCommit, console.ServerError} {
			told := s.must(ensure(keyA, tomorrow))
			s.joins(mac1, told)
			match := call.Method + " " + strings.SplitN(call.Path, "?", 2)[0]
			s.Inject(console.Fault{Kind: kind, Match: match, Count: 2}) // net/http itself repeats a GET or DELETE once
			_, err := s.try(revoke(keyA))
			s.Heal()
			s.restart()
			if err != nil {
				s.failure(err, "retry")
				s.must(revoke(keyA))
			}
			if len(s.live(keyA)) > 0 || s.caps().CutSession && s.Online(mac1) {
				s.t.Fatalf("call %d %s: %s: the departed guest still has access", n, call.Method, kind)
			}
		}
	}
}

func playReinstated(s *stage) {
	first := s.must(ensure(keyA, tomorrow))
	s.must(revoke(keyA))
	s.restart()
	told := s.must(ensure(keyA, tomorrow))
	if s.caps().ChooseCode && told["code"] != first["code"] {
		s.t.Error("a reinstated stay got another code")
	}
	s.joins(mac1, told)
	s.only(keyA)
}

func playList(s *stage) {
	keys := map[string]bool{}
	for i := range 7 {
		key := fmt.Sprintf("%016x", 0xabc0+i)
		keys[key] = true
		s.must(ensure(key, tomorrow.Add(time.Duration(i)*time.Hour)))
	}
	list, err := s.drv.ctl.List(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range list {
		if !keys[c.Key] || !c.Live {
			s.t.Errorf("lists %+v", c)
		}
		delete(keys, c.Key)
	}
	if len(keys) > 0 {
		s.t.Errorf("%d stays are not listed", len(keys))
	}
}

// playReconcile: a check-out was wanted while the controller was away, and the
// lane has not come to it yet.
func playReconcile(s *stage) {
	gone := s.must(ensure(keyA, tomorrow))
	here := s.must(ensure(keyB, tomorrow))
	s.joins(mac1, gone)
	s.joins(mac2, here)
	s.wish(revoke(keyA))
	if got := s.sweep(); got.Removed != 1 {
		s.t.Errorf("swept %+v", got)
	}
	if len(s.live(keyA)) > 0 || s.caps().CutSession && s.Online(mac1) || !s.Online(mac2) {
		s.t.Error("after the sweep the wrong guests have access")
	}
	s.only(keyB)
	if got := s.sweep(); got.Removed != 0 || got.Held != 1 {
		s.t.Errorf("swept again: %+v", got)
	}
}

func playMassRemoval(s *stage) {
	for i := range 10 {
		key := fmt.Sprintf("%016x", 0xabc0+i)
		s.must(ensure(key, tomorrow))
		if i < 5 {
			s.wish(revoke(key))
		}
	}
	if got := s.sweep(); got.Removed != 0 || got.Refused != 5 {
		s.t.Errorf("swept %+v", got)
	}
	if st := s.drv.State(); st.Condition != drivers.Degraded || !strings.Contains(st.Reason, "5 of 10 guests would lose WiFi access") {
		s.t.Errorf("nobody is told: %+v", st)
	}
}

// playExpiredWhileDown: the agent stands still until long after the departure.
func playExpiredWhileDown(s *stage) {
	told := s.must(ensure(keyA, tomorrow))
	s.joins(mac1, told)
	s.advance(30 * time.Hour)
	if !s.caps().AbsoluteExpiry {
		s.restart()
		if got := s.sweep(); got.Removed > 1 {
			s.t.Errorf("swept %+v", got)
		}
	}
	s.refuses(mac2, told)
	if s.Online(mac1) {
		s.t.Error("the device is still online")
	}
}

func playRefused(s *stage) {
	told := s.must(ensure(keyA, tomorrow))
	s.Inject(console.Fault{Kind: console.Forbidden, Count: -1})
	_, err := s.try(ensure(keyB, tomorrow))
	s.failure(err, "down")
	s.Heal()
	s.Inject(console.Fault{Kind: console.Unauthorized, Count: -1})
	_, err = s.try(ensure(keyB, tomorrow))
	s.failure(err, "down")
	if st := s.drv.State(); st.Condition != drivers.Offline {
		s.t.Errorf("state %+v", st)
	}
	s.Heal()
	s.Inject(console.Fault{Kind: console.Unauthorized}) // a token that has just expired
	s.must(ensure(keyB, tomorrow))
	s.only(keyB)
	s.joins(mac1, told)
	if st := s.drv.State(); st.Condition != drivers.Online {
		s.t.Errorf("state %+v", st)
	}
}

func playOverloaded(s *stage) {
	s.Inject(console.Fault{Kind: console.TooMany, RetryAfter: "7", Count: -1})
	_, err := s.try(ensure(keyA, tomorrow))
	s.failure(err, "later")
	s.Heal()
	s.Inject(console.Fault{Kind: console.ServerError, Count: -1})
	_, err = s.try(ensure(keyA, tomorrow))
	s.failure(err, "retry")
	s.Heal()
	s.joins(mac1, s.must(ensure(keyA, tomorrow)))
	s.only(keyA)
}

func playElsewhere(s *stage) {
	s.Inject(console.Fault{Kind: console.Redirect, Count: -1})
	_, err := s.try(ensure(keyA, tomorrow))
	s.failure(err, "down")
	s.Heal()
	for _, kind := range []console.FaultKind{console.NotJSON, console.EndlessBody} {
		s.Inject(console.Fault{Kind: kind, Count: -1})
		_, err := s.try(ensure(keyA, tomorrow))
		s.failure(err, "retry")
		s.Heal()
	}
	s.must(ensure(keyA, tomorrow))
	s.only(keyA)
}

// playCertificate: nothing is sent to whoever has another certificate.
func playCertificate(s *stage) {
	s.must(ensure(keyA, tomorrow))
	if err := s.Reissue(true); err != nil {
		s.t.Fatal(err)
	}
	s.drv.web.hangUp() // or a POST may find out first that its old connection was cut
	s.ForgetRequests()
	_, err := s.try(ensure(keyB, tomorrow))
	if class(err) == "retry" { // a POST went to the connection that was open and broke
		_, err = s.try(ensure(keyB, tomorrow))
	}
	s.failure(err, "down")
	if !strings.Contains(err.Error(), "the controller's certificate has changed") || len(s.Requests()) > 0 {
		s.t.Errorf("%v; %d requests", err, len(s.Requests()))
	}
	s.section.TLS.PinSHA256 = s.Fingerprint()
	s.restart()
	s.must(ensure(keyB, tomorrow))
}

func playProbe(s *stage) {
	before := len(s.Access())
	report, err := s.drv.Report(s.t.Context())
	if err != nil || report.Product == "" {
		s.t.Fatalf("%+v, %v", report, err)
	}
	for _, r := range s.Requests() {
		if strings.Contains(r.Method+" "+r.Path, s.product.create) {
			s.t.Errorf("a probe calls %s %s", r.Method, r.Path)
		}
	}
	if len(s.Access()) != before {
		s.t.Error("a probe changed something")
	}
	s.Inject(console.Fault{Kind: console.Forbidden, Count: -1})
	if _, err := s.drv.Report(s.t.Context()); class(err) != "down" {
		s.t.Errorf("without rights: %v", err)
	}
}
