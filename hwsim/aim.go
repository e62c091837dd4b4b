package hwsim

import (
	"context"
	"fmt"

	"edgeagent/hwsim/mewssim"
)

// aims are the moments of a key command at which a kill hurts most. Each brings
// the command to that moment and returns what must be undone after the kill.
var aims = []struct {
	moment string
	take   func(ctx context.Context, h *Hotel, s *Stay) (undo func(), err error)
}{
	{"before Mews is told Received", beforeReceived},
	{"between the card and its answer", beforeResult},
	{"while the answer is on its way", duringAnswer},
}

// aim waits for the nth moment. reached is false if it did not come in time (the
// guest has left, say); the kill comes anyway.
func (c *Crash) aim(ctx context.Context, n int) (undo func(), reached bool) {
	none := func() {}
	if c.Pace == Machine && c.Hotel.awaitLive(ctx, c.Pace.Patience) != nil {
		return none, false
	}
	ctx, cancel := context.WithTimeout(ctx, c.Pace.Aim)
	defer cancel()
	if c.Hotel.AwaitLive(ctx) != nil {
		return none, false
	}
	s, err := c.Hotel.annexGuest(n)
	if err != nil {
		return none, false
	}
	undo, err = aims[n%len(aims)].take(ctx, c.Hotel, s)
	return undo, err == nil
}

// annexGuest is somebody in house in the annex.
func (h *Hotel) annexGuest(n int) (*Stay, error) {
	rooms := h.inHouse()
	for i := range h.Annex.Rooms {
		room := h.Annex.Rooms[(n+i)%len(h.Annex.Rooms)]
		if len(rooms[room]) > 0 {
			return rooms[room][0], nil
		}
	}
	s := h.Guest("Ms", "Guest", fmt.Sprintf("Aimed%d", n), "", 2)
	return s, h.MewsDesk().CheckIn(s, h.Annex.Rooms[n%len(h.Annex.Rooms)])
}

// beforeReceived: the agent has read the command, or is about to.
func beforeReceived(ctx context.Context, h *Hotel, s *Stay) (func(), error) {
	before := len(h.Annex.Audit().Calls("commands/getAllByIds"))
	if _, err := h.MewsDesk().CutKey(s, 1); err != nil {
		return func() {}, err
	}
	_, err := h.Annex.Wait(ctx, func(a mewssim.Audit) bool { return len(a.Calls("commands/getAllByIds")) > before })
	return func() {}, err
}

// beforeResult: the card is out, and the agent does not know yet.
func beforeResult(ctx context.Context, h *Hotel, s *Stay) (func(), error) {
	hold := h.Locks.HoldBeforeResult()
	if _, err := h.MewsDesk().CutKey(s, 1); err != nil {
		return hold.Release, err
	}
	select {
	case <-hold.Reached:
		return hold.Release, nil
	case <-ctx.Done():
		return hold.Release, ctx.Err()
	}
}

// duringAnswer: Mews has the outcome, and the agent does not know that it has.
// The encoder waits meanwhile, so that what hangs is the outcome and nothing
// that is told before it.
func duringAnswer(ctx context.Context, h *Hotel, s *Stay) (func(), error) {
	hold := h.Locks.HoldBeforeResult()
	undo := func() { hold.Release(); h.Annex.ClearTroubles() }
	command, err := h.MewsDesk().CutKey(s, 1)
	if err != nil {
		return undo, err
	}
	_, err = h.Annex.AwaitCommand(ctx, command, func(c mewssim.Command) bool { return c.State == mewssim.Processing })
	if err != nil {
		return undo, err
	}
	h.Annex.Trouble(mewssim.Trouble{Path: "commands/update", Kind: mewssim.Hang, Late: true})
	hold.Release()
	_, err = h.Annex.AwaitCommand(ctx, command, mewssim.Command.Final)
	return undo, err
}
