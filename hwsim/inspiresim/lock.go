package inspiresim

import "time"

// lockKey is what can have one consumer only.
type lockKey struct{ appKey, chain string }

// lock says who consumes, or until when nobody may.
type lock struct {
	holder *subscription
	until  time.Time
}

func (sub *subscription) lockKey() lockKey {
	return lockKey{sub.c.appKey, sub.request.chain}
}

// claim makes the subscription the consumer of its chain, or says no.
func (s *Server) claim(sub *subscription, f *Lock) bool {
	if f.Policy == LockShare {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.locks[sub.lockKey()]
	if l == nil {
		l = &lock{}
		s.locks[sub.lockKey()] = l
	}
	now := s.now()
	early := now.Before(l.until)
	if early {
		if f.Extend {
			l.until = now.Add(f.For)
		}
		s.audit.violate(sub.c.id, "reconnect", "subscribed while the chain was still locked")
		return false
	}
	if old := l.holder; old != nil {
		if f.Policy == LockRefuse {
			return false
		}
		s.running.Go(func() { old.c.close(4409, "Another consumer took over") })
	}
	l.holder = sub
	return true
}

// release frees the chain, at once or after the time that the switches say.
func (s *Server) release(sub *subscription, clean bool) {
	f := sub.c.faultsFor(sub.request.chain)
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.locks[sub.lockKey()]
	if l == nil || l.holder != sub {
		return
	}
	l.holder = nil
	if clean {
		l.until = s.now().Add(f.Lock.Gap)
	} else {
		l.until = s.now().Add(f.Lock.For)
	}
}

func (s *Server) lockHeld(appKey string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, l := range s.locks {
		if key.appKey == appKey && l.holder != nil {
			return true
		}
	}
	return false
}
