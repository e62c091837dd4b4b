package mews

import "edgeagent/pms"

// group is the most notices handed over at once.
const group = 1000

// hand hands notices over in groups.
func (f *follower) hand(notices []pms.Notice) {
	for len(notices) > 0 && !f.stopped {
		n := min(len(notices), group)
		f.stopped = !f.yield(notices[:n:n], nil)
		notices = notices[n:]
	}
}

// advance hands over that everything up to the watermark has been read.
func (f *follower) advance(mark watermark) {
	mark = watermark{latest(f.mark.stays, mark.stays), latest(f.mark.rooms, mark.rooms), latest(f.mark.guests, mark.guests)}
	if mark == f.mark {
		return
	}
	f.mark = mark
	f.hand([]pms.Notice{{
		ID: f.name + "/mark/" + mark.String(), Source: f.name, Offset: mark.String(), Kind: pms.KindMark,
		NotBefore: f.now(), Received: f.now(),
	}})
}

// caughtUp tells that nothing older is waiting.
func (f *follower) caughtUp() {
	if f.stopped || f.behind {
		return // the socket was opened anew meanwhile: once more
	}
	f.caught = true
	f.stopped = !f.yield([]pms.Notice{}, nil)
	if f.live = f.open; f.live {
		f.showLive()
		f.log.Info().Str("offset", f.mark.String()).Msg("pms link is live")
	}
}
