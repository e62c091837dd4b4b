package bench

import (
	"fmt"
	"math/rand/v2"
	"time"

	"edgeagent/hwsim/inspiresim"
)

// traffic is what a hotel's PMS sends: one notice in ten acts (check-ins,
// moves, check-outs), the others are housekeeping and updates of guests in
// house in which nothing changes that matters here.
type traffic struct {
	desk   *inspiresim.Desk
	chance *rand.Rand
	rooms  []string
	guests []*inspiresim.Stay // in house
	free   []string
	count  int
}

func newTraffic(desk *inspiresim.Desk, rooms []string) *traffic {
	return &traffic{
		desk: desk, chance: rand.New(rand.NewPCG(1, 2)), rooms: rooms, free: append([]string(nil), rooms...),
	}
}

// backlog is n notices, one in ten of which acts.
func (t *traffic) backlog(n int) []inspiresim.Event {
	events := make([]inspiresim.Event, 0, n)
	for i := range n {
		if i%10 == 0 {
			events = append(events, t.acting())
		} else {
			events = append(events, t.quiet())
		}
	}
	return events
}

// acting is a check-in, a move or a check-out; the house fills up to nine tenths.
func (t *traffic) acting() inspiresim.Event {
	at := func(n int) int { return t.chance.IntN(n) }
	full := len(t.guests)*10 >= len(t.rooms)*9
	switch pick := at(10); {
	case len(t.guests) == 0 || !full && pick < 5:
		return t.checkIn()
	case pick < 7 && len(t.free) > 0:
		return t.move(at(len(t.guests)))
	default:
		return t.desk.CheckOut(*t.leave(at(len(t.guests))))
	}
}

// move gives a guest another room.
func (t *traffic) move(guest int) inspiresim.Event {
	s, room := t.guests[guest], t.chance.IntN(len(t.free))
	event := t.desk.RoomMove(*s, t.free[room])
	s.Room, t.free[room] = t.free[room], s.Room
	return event
}

// leave takes a guest out of the house.
func (t *traffic) leave(guest int) *inspiresim.Stay {
	s, last := t.guests[guest], len(t.guests)-1
	t.guests[guest] = t.guests[last]
	t.guests = t.guests[:last]
	t.free = append(t.free, s.Room)
	return s
}

func (t *traffic) checkIn() inspiresim.Event {
	t.count++
	now := time.Now()
	last := len(t.free) - 1
	s := &inspiresim.Stay{
		Reservation: fmt.Sprint(700000 + t.count), Confirmation: fmt.Sprint(500000 + t.count), GuestID: fmt.Sprint(300000 + t.count),
		Room: t.free[last], RoomType: "DLX", Title: "Ms", First: "Anna", Last: fmt.Sprintf("Guest%d", t.count), Language: "E",
		Arrival: now, Departure: now.AddDate(0, 0, 1+t.count%5), Adults: 2,
	}
	t.free = t.free[:last]
	t.guests = append(t.guests, s)
	return t.desk.CheckIn(*s)
}

// quiet is a notice that moves nothing.
func (t *traffic) quiet() inspiresim.Event {
	if len(t.guests) == 0 || t.chance.IntN(2) == 0 {
		return t.desk.RoomStatus(t.rooms[t.chance.IntN(len(t.rooms))], "DIRTY", "CLEAN")
	}
	s := t.guests[t.chance.IntN(len(t.guests))]
	return t.desk.Update(*s, *s)
}

// roomNames are n rooms, a hundred to the floor.
func roomNames(n int) []string {
	rooms := make([]string, n)
	for i := range rooms {
		rooms[i] = fmt.Sprint(1001 + i)
	}
	return rooms
}
