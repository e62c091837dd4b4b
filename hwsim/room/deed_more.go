package room

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"edgeagent/hwsim"
	"edgeagent/hwsim/locksim"
)

func (r *Room) checkOut(d *Deed) (string, error) {
	s, err := r.stay(d, true)
	if err != nil {
		return "", err
	}
	if r.isMews(s.Room) {
		err = r.opt.Hotel.MewsDesk().CheckOut(s)
	} else {
		r.opt.Hotel.Desk().CheckOut(s)
	}
	return s.Last + " is checked out", err
}

func (r *Room) reverseCheckOut(d *Deed) (string, error) {
	s, err := r.stay(d, false)
	switch {
	case err != nil:
		return "", err
	case s.Room == "" || r.isReversed(s.Reservation):
		return "", fmt.Errorf("%s was not checked out", s.Last)
	case len(r.opt.Hotel.House()[s.Room]) > 0:
		return "", fmt.Errorf("somebody is in %s", s.Room)
	}
	if r.isMews(s.Room) {
		err = r.opt.Hotel.MewsDesk().ReverseCheckOut(s)
	} else {
		r.opt.Hotel.Desk().ReverseCheckOut(s)
	}
	return "the check-out of " + s.Last + " is taken back", err
}

func (r *Room) reverseCheckIn(d *Deed) (string, error) {
	s, err := r.stay(d, true)
	if err != nil {
		return "", err
	}
	if r.isMews(s.Room) {
		err = r.opt.Hotel.MewsDesk().ReverseCheckIn(s)
	} else {
		r.opt.Hotel.Desk().ReverseCheckIn(s)
	}
	r.mu.Lock()
	r.reversed[s.Reservation] = true
	r.mu.Unlock()
	return "the check-in of " + s.Last + " is taken back", err
}

func (r *Room) isReversed(reservation string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reversed[reservation]
}

func (r *Room) message(d *Deed) (string, error) {
	s, err := r.stay(d, true)
	switch {
	case err != nil:
		return "", err
	case strings.TrimSpace(d.Text) == "":
		return "", errors.New("write a message first")
	case r.isMews(s.Room):
		return "", errors.New("Mews tells nobody of messages")
	}
	r.opt.Hotel.Desk().Message(s, d.Text)
	return "a message for " + s.Last, nil
}

// cutKey is the device command of Mews.
func (r *Room) cutKey(d *Deed) (string, error) {
	s, err := r.stay(d, true)
	switch {
	case err != nil:
		return "", err
	case !r.isMews(s.Room):
		return "", fmt.Errorf("%s is not in Mews: there the rules cut keys", s.Room)
	case d.Cards < 1 || d.Cards > 4:
		return "", errors.New("ask for 1 to 4 cards")
	}
	annex := r.opt.Hotel.Annex
	if annex.Cutter == "" {
		return "", errors.New("the property file lists no key cutter under devices of mews")
	}
	cutter := annex.Cutter
	for _, e := range r.opt.Hotel.Encoders {
		if id := annex.Cutters[e.Device]; e.Name == d.Encoder && id != "" {
			cutter = id
		}
	}
	id, err := r.opt.Hotel.MewsDesk().CutKeyAt(cutter, s, d.Cards)
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	r.commands = append(r.commands, id)
	r.mu.Unlock()
	return "Mews asks for a key of " + s.Room, nil
}

func (r *Room) cancelKey(d *Deed) (string, error) {
	r.mu.Lock()
	ours := slices.Contains(r.commands, d.Command)
	r.mu.Unlock()
	if !ours {
		return "", errors.New("there is no such key command")
	}
	return "the key command is taken back", r.opt.Hotel.MewsDesk().Cancel(d.Command)
}

// encoder is the one that a deed is about.
func (r *Room) encoder(d *Deed) (hwsim.Encoder, error) {
	for _, e := range r.opt.Hotel.Encoders {
		if e.Name == d.Encoder {
			return e, nil
		}
	}
	return hwsim.Encoder{}, fmt.Errorf("there is no encoder %q", d.Encoder)
}

// newCards are what a person can take from the drawer.
func newCards() map[string]locksim.Kind {
	return map[string]locksim.Kind{
		"new blank": locksim.Blank, "new staff": locksim.Staff, "new foreign": locksim.Foreign, "new damaged": locksim.Damaged,
	}
}

func (r *Room) insert(d *Deed) (string, error) {
	e, err := r.encoder(d)
	if err != nil {
		return "", err
	}
	switch state, _ := r.opt.Hotel.Locks.Encoder(e.Name); {
	case !state.ByHand:
		return "", fmt.Errorf("cards come to %s by themselves: tick “I put the cards in”", e.Name)
	case state.Card != "":
		return "", fmt.Errorf("a card is in %s: take it out first", e.Name)
	}
	uid := d.Card
	if kind, fresh := newCards()[d.Card]; fresh {
		uid = r.opt.Hotel.Locks.AddCard(kind)
	}
	if err := r.opt.Hotel.Locks.Insert(e.Name, uid); err != nil {
		return "", err
	}
	return "card " + uid + " is in", nil
}

func (r *Room) take(d *Deed) (string, error) {
	e, err := r.encoder(d)
	if err != nil {
		return "", err
	}
	uid := r.opt.Hotel.Locks.Take(e.Name)
	if uid == "" {
		return "", errors.New("no card is in it")
	}
	return "card " + uid + " is out", nil
}

// byHand says whether a person puts the cards in, or they come by themselves.
func (r *Room) byHand(d *Deed) (string, error) {
	e, err := r.encoder(d)
	if err != nil {
		return "", err
	}
	if d.On {
		r.opt.Hotel.Locks.ByHand(e.Name, hwsim.HandWait)
		return "you put the cards in", nil
	}
	r.opt.Hotel.Locks.ByHand(e.Name, 0)
	return "blank cards come by themselves", nil
}

func (r *Room) door(d *Deed) (string, error) {
	if err := r.room(d.Room); err != nil {
		return "", err
	}
	for _, e := range r.opt.Hotel.Encoders {
		if state, _ := r.opt.Hotel.Locks.Encoder(e.Name); d.Card != "" && state.Card == d.Card {
			return "", fmt.Errorf("the card is in %s: take it out first", e.Name)
		}
	}
	if _, ok := r.opt.Hotel.Locks.Card(d.Card); !ok {
		return "", errors.New("choose a card first")
	}
	if why := r.opt.Hotel.TryDoor(d.Card, d.Room); why != "" {
		return fmt.Sprintf("door %s stays shut: %s", d.Room, why), nil
	}
	return fmt.Sprintf("door %s opens", d.Room), nil
}

func (r *Room) join(d *Deed) (string, error) {
	all := phones()
	i := slices.IndexFunc(all, func(p phone) bool { return p.name == d.Phone })
	if i < 0 {
		return "", errors.New("choose a phone first")
	}
	said := "is let on"
	if err := r.opt.Hotel.WiFi.Join(all[i].mac, strings.TrimSpace(d.User), strings.TrimSpace(d.Code)); err != nil {
		said = "is not let on: " + err.Error()
	}
	r.mu.Lock()
	r.joined[d.Phone] = said
	r.mu.Unlock()
	return d.Phone + " " + said, nil
}
