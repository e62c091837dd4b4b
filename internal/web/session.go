package web

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"sync"
	"time"
)

// digest stands for a secret that was given out: who reads our memory learns
// none, and finding one takes as long whatever was guessed right.
type digest [sha256.Size]byte

func digestOf(secret string) digest { return sha256.Sum256([]byte(secret)) }

const (
	// idleFor is how long a session lasts that nobody uses, shiftLong how long any does.
	idleFor   = 2 * time.Hour
	shiftLong = 12 * time.Hour
	// maxSessions is how many people are logged in at once; the one that was idle
	// longest makes room.
	maxSessions = 64
)

// session is somebody who has logged in.
type session struct {
	key         digest
	user        string
	may         need
	began, seen time.Time
}

func (s *session) over(now time.Time) bool {
	return now.Sub(s.seen) > idleFor || now.Sub(s.began) > shiftLong
}

// sessions are kept in memory: a restart ends them.
type sessions struct {
	mu   sync.Mutex
	open map[digest]*session
}

// begin opens a session and returns its id, which is shown to nobody but its owner.
func (s *sessions) begin(user string, may need) (id string) {
	id = rand.Text() // 130 bits
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[digest]*session{}
	}
	var idlest *session
	for key, old := range s.open {
		if old.over(now) {
			delete(s.open, key)
		} else if idlest == nil || old.seen.Before(idlest.seen) {
			idlest = old
		}
	}
	if len(s.open) >= maxSessions {
		delete(s.open, idlest.key)
	}
	key := digestOf(id)
	s.open[key] = &session{key: key, user: user, may: may, began: now, seen: now}
	return id
}

// find is the session of an id. Used says that its owner does something.
func (s *sessions) find(id string, used bool) (session, bool) {
	return s.byKey(digestOf(id), used)
}

func (s *sessions) byKey(key digest, used bool) (session, bool) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.open[key]
	if found == nil {
		return session{}, false
	}
	if found.over(now) {
		delete(s.open, key)
		return session{}, false
	}
	if used {
		found.seen = now
	}
	return *found, true
}

// any reports whether somebody has done something of late.
func (s *sessions) any(late time.Duration) bool {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, open := range s.open {
		if !open.over(now) && now.Sub(open.seen) < late {
			return true
		}
	}
	return false
}

func (s *sessions) end(key digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, key)
}

const (
	// linkLasts is how long a one-time link is good for.
	linkLasts = time.Minute
	maxLinks  = 8
)

// oneTime are the links of the control socket that nobody has used yet.
type oneTime struct {
	mu   sync.Mutex
	ends map[digest]time.Time
}

// make gives out a new one.
func (o *oneTime) make() (token string) {
	token = rand.Text()
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ends == nil {
		o.ends = map[digest]time.Time{}
	}
	var oldest digest
	for key, end := range o.ends {
		if now.After(end) {
			delete(o.ends, key)
		} else if first, ok := o.ends[oldest]; !ok || end.Before(first) {
			oldest = key
		}
	}
	if len(o.ends) >= maxLinks {
		delete(o.ends, oldest)
	}
	o.ends[digestOf(token)] = now.Add(linkLasts)
	return token
}

// use reports whether the link is good, and ends it. It takes as long whatever was
// guessed right.
func (o *oneTime) use(token string) bool {
	given := digestOf(token)
	o.mu.Lock()
	defer o.mu.Unlock()
	var found digest
	ok := false
	for key := range o.ends {
		if subtle.ConstantTimeCompare(key[:], given[:]) == 1 {
			found, ok = key, true
		}
	}
	end := o.ends[found]
	delete(o.ends, found)
	return ok && !time.Now().After(end)
}
