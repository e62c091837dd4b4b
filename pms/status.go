package pms

// ParseStatus reads a reservation's status in any of the spellings that PMSs
// use; case, blanks and signs do not count. StatusUnknown: it means nothing here.
func ParseStatus(text string) Status {
	if len(text) > 64 {
		return StatusUnknown
	}
	var buf [64]byte
	switch string(letters(buf[:0], text)) {
	case "expected", "reserved", "confirmed", "duein", "prospect", "requested", "waitlisted", "optional", "guaranteed", "nonguaranteed":
		return StatusExpected
	case "inhouse", "checkedin", "started", "dueout", "walkin", "pendingcheckout", "occupied":
		return StatusInHouse
	case "departed", "checkedout", "processed":
		return StatusDeparted
	case "cancelled", "canceled", "noshow":
		return StatusCancelled
	}
	return StatusUnknown
}

// parseDND reads a guest's wish for quiet. ok is false where the text says
// nothing about it.
func parseDND(text string) (dnd, ok bool) {
	if len(text) > 64 {
		return false, false
	}
	var buf [64]byte
	switch string(letters(buf[:0], text)) {
	case "donotdisturb", "donotdisturbon", "donotdisturby", "dnd", "dndon", "dndy":
		return true, true
	case "nostatusselected", "makeuproom", "donotdisturboff", "donotdisturbn", "dndoff", "dndn":
		return false, true
	}
	return false, false
}

// letters appends the ASCII letters of text in lower case.
func letters(to []byte, text string) []byte {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z':
			to = append(to, c)
		case c >= 'A' && c <= 'Z':
			to = append(to, c+'a'-'A')
		}
	}
	return to
}
