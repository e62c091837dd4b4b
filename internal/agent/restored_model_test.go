package agent

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"
	"edgeagent/pms"
)

// Whatever happens in a house, whenever the backup was taken, and however soon the
// gateway is back: nothing at an encoder is done twice, and what may have been done is
// shown to a person.
func TestRestoreNeverRepeats(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &restoreWalk{stage: newStage(t), chance: rand.New(rand.NewPCG(seed, 7))}
				defer func() { w.stop() }()
				w.play()
			})
		})
	}
}

// restoreWalk is a house in which things happen at random.
type restoreWalk struct {
	*stage
	chance *rand.Rand
	guests []string // rooms with a guest, whose reservation is R and the room's number
	rooms  int
}

// said is a notice that the PMS will tell of again.
type said struct {
	notice pms.Notice
	at     time.Time
}

func (w *restoreWalk) play() {
	w.some(w.chance.IntN(6))
	switch w.chance.IntN(3) { // so that some are in the making, or wait
	case 0:
		w.desk.behave(encoder(time.Duration(w.chance.IntN(120)) * time.Second))
	case 1:
		w.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) {
			return drivers.Receipt{}, &drivers.LinkDown{Err: errors.New("no such adapter")}
		})
	}
	w.say(w.one())
	b := w.backUp()
	w.desk.behave(nil)
	since := w.some(1 + w.chance.IntN(6))
	before := w.ids()
	w.restore(b)
	time.Sleep(time.Duration(w.chance.IntN(20)) * time.Minute)
	for _, s := range since {
		w.again(s, b.at)
		time.Sleep(time.Duration(w.chance.IntN(2)) * time.Second)
	}
	w.pms.feed <- []pms.Notice{}
	time.Sleep(2 * time.Hour)
	for _, id := range w.ids() {
		if slices.Contains(before, id) {
			w.t.Errorf("done a second time: %s", id)
		}
	}
	if w.store.Behind("pms") {
		w.t.Error("still behind")
	}
	w.say(checkIn("R999", "999", "New"))
	time.Sleep(time.Minute)
	if got := w.desk.saw(); !slices.Contains(got, "encode room:999") {
		w.t.Errorf("life does not go on: %q", got)
	}
}

// ids are the commands that the encoder was given, in this life.
func (w *restoreWalk) ids() (ids []string) {
	w.desk.mu.Lock()
	defer w.desk.mu.Unlock()
	for _, c := range w.desk.done {
		ids = append(ids, c.ID)
	}
	return ids
}

// some lets things happen, a few minutes apart.
func (w *restoreWalk) some(n int) (all []said) {
	for range n {
		notice := w.one()
		all = append(all, said{notice, time.Now()})
		w.say(notice)
		time.Sleep(time.Duration(w.chance.IntN(180)) * time.Second)
	}
	return all
}

func (w *restoreWalk) one() pms.Notice {
	w.rooms++
	room := fmt.Sprint(100 + w.rooms)
	if len(w.guests) == 0 || w.chance.IntN(3) == 0 {
		w.guests = append(w.guests, room)
		return checkIn("R"+room, room, "Guest"+room)
	}
	i := w.chance.IntN(len(w.guests))
	in := w.guests[i]
	switch w.chance.IntN(3) {
	case 0:
		w.guests = slices.Delete(w.guests, i, i+1)
		return checkOut("R"+in, in)
	case 1:
		return cut(fmt.Sprint("K", w.rooms), in)
	}
	w.guests = slices.Delete(w.guests, i, i+1)
	return pms.Notice{Kind: pms.KindRoomMove, Reservation: "R" + in, Fields: []pms.Field{{Name: pms.FieldRoom, Old: in, New: room}}}
}

// again tells of something once more: a replay knows the time of the PMS, or only when
// the link was live last; a device command is one that the PMS has no answer of.
func (w *restoreWalk) again(s said, live time.Time) {
	n := s.notice
	switch {
	case n.CommandID != "":
		n.NotBefore, n.Expires = s.at, time.Now().Add(5*time.Minute)
	case w.chance.IntN(3) == 0:
		n.NotBefore, n.Replayed = s.at.Add(time.Duration(w.chance.IntN(600))*time.Second), true // its clock is ahead, perhaps
	default:
		n.NotBefore, n.Replayed = live, true
	}
	w.say(n)
}
