package pms

// Which of two snapshots is the newer one. The PMS's own stamp says it best: it
// is compared with the PMS's own stamps only, since the time of a notice goes
// by our clock, which may be corrected in between, and may be rounded. Where one
// of the two has no stamp, that time must do.

// ordered reports whether the snapshot can be told from an older one.
func (f *fold) ordered() bool { return f.timed || !f.n.Version.IsZero() }

// versioned reports whether the PMS's stamps can be compared.
func (f *fold) versioned(s *Stay) bool { return !f.n.Version.IsZero() && !s.Version.IsZero() }

// outdated reports whether the snapshot is older than what is known of a stay.
func (f *fold) outdated(s *Stay) bool {
	if f.versioned(s) {
		return f.n.Version.Before(s.Version)
	}
	return f.older(s.Changed, s.Timed)
}

// asNew reports whether what is known of another stay is as new as the snapshot,
// or newer.
func (f *fold) asNew(s *Stay) bool {
	if f.versioned(s) {
		return !f.n.Version.After(s.Version)
	}
	return f.timed && s.Timed && !f.said.After(s.Changed)
}

// overtakes reports whether the snapshot is newer than what is known of its
// stay, or the first that says how new it is.
func (f *fold) overtakes(s *Stay) bool {
	switch {
	case f.versioned(s):
		return f.n.Version.After(s.Version)
	case !f.n.Version.IsZero():
		return true
	}
	return f.timed && (!s.Timed || f.said.After(s.Changed))
}

// byWord orders stays by when the PMS last said something of them.
func byWord(a, b *Stay) int {
	if !a.Version.IsZero() && !b.Version.IsZero() {
		return a.Version.Compare(b.Version)
	}
	return a.Changed.Compare(b.Changed)
}
