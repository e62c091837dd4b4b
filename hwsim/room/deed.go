package room

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"edgeagent/hwsim"
)

// Deed is one thing that a person does on the page.
type Deed struct {
	Do       string `json:"do"`
	Guest    string `json:"guest"` // a reservation
	Room     string `json:"room"`
	Title    string `json:"title"`
	First    string `json:"first"`
	Last     string `json:"last"`
	Language string `json:"language"`
	Nights   int    `json:"nights"`
	Hours    int    `json:"hours"`
	Share    bool   `json:"share"`
	Text     string `json:"text"`
	Cards    int    `json:"cards"`
	Command  string `json:"command"`
	Card     string `json:"card"` // a UID, or "new blank" and the like
	Encoder  string `json:"encoder"`
	Phone    string `json:"phone"`
	User     string `json:"user"`
	Code     string `json:"code"`
	Switch   string `json:"switch"`
	On       bool   `json:"on"`
}

// deeds are all that can be done, by their names.
func deeds() map[string]func(*Room, *Deed) (string, error) {
	return map[string]func(*Room, *Deed) (string, error){
		"check in":          (*Room).checkIn,
		"move":              (*Room).move,
		"stretch":           (*Room).stretch,
		"rename":            (*Room).rename,
		"check out":         (*Room).checkOut,
		"reverse check-out": (*Room).reverseCheckOut,
		"reverse check-in":  (*Room).reverseCheckIn,
		"message":           (*Room).message,
		"cut key":           (*Room).cutKey,
		"cancel key":        (*Room).cancelKey,
		"insert":            (*Room).insert,
		"take":              (*Room).take,
		"by hand":           (*Room).byHand,
		"door":              (*Room).door,
		"join":              (*Room).join,
		"switch":            (*Room).flip,
		"next card":         (*Room).nextCard,
		"power":             (*Room).power,
	}
}

// maxDeed bounds what a deed takes on the wire, and maxText what a person writes.
const (
	maxDeed  = 16 << 10
	maxText  = 500
	maxName  = 60
	maxTitle = 20
)

// act does what the page asks for, and answers with what was done or why not.
func (r *Room) act(w http.ResponseWriter, req *http.Request) {
	if req.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "an act is application/json", http.StatusUnsupportedMediaType)
		return
	}
	var d Deed
	body := json.NewDecoder(http.MaxBytesReader(w, req.Body, maxDeed))
	body.DisallowUnknownFields()
	if err := body.Decode(&d); err != nil {
		http.Error(w, "not an act: "+err.Error(), http.StatusBadRequest)
		return
	}
	said, err := r.Do(&d)
	answer, status := map[string]string{"said": said}, http.StatusOK
	if err != nil {
		answer, status = map[string]string{"error": err.Error()}, http.StatusConflict
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // the reader may have left
}

// Do does one thing and says what was done.
func (r *Room) Do(d *Deed) (string, error) {
	do, ok := deeds()[d.Do]
	if !ok {
		return "", fmt.Errorf("%q is nothing that can be done here", d.Do)
	}
	r.acting.Lock()
	defer r.acting.Unlock()
	if r.opt.Locked != nil {
		if why := r.opt.Locked(); why != "" {
			return "", errors.New(why)
		}
	}
	for _, t := range []struct {
		what, text string
		most       int
	}{{"title", d.Title, maxTitle}, {"first name", d.First, maxName}, {"last name", d.Last, maxName}, {"language", d.Language, maxName}, {"text", d.Text, maxText}} {
		if utf8.RuneCountInString(t.text) > t.most {
			return "", fmt.Errorf("the %s is longer than %d characters", t.what, t.most)
		}
		if !utf8.ValidString(t.text) || strings.ContainsFunc(t.text, unicode.IsControl) {
			return "", fmt.Errorf("the %s has control characters", t.what)
		}
	}
	return do(r, d)
}

func (r *Room) room(name string) error {
	if !slices.Contains(r.opt.Hotel.Rooms, name) {
		return fmt.Errorf("there is no room %q", name)
	}
	return nil
}

// stay is the guest that a deed is about, in house or not.
func (r *Room) stay(d *Deed, inHouse bool) (*hwsim.Stay, error) {
	s := r.opt.Hotel.Stay(d.Guest)
	switch {
	case s == nil:
		return nil, errors.New("choose a guest first")
	case inHouse && !s.InHouse:
		return nil, fmt.Errorf("%s is not in house", s.Last)
	case !inHouse && s.InHouse:
		return nil, fmt.Errorf("%s is in house", s.Last)
	}
	return s, nil
}

func (r *Room) checkIn(d *Deed) (string, error) {
	h := r.opt.Hotel
	if err := r.room(d.Room); err != nil {
		return "", err
	}
	if strings.TrimSpace(d.Last) == "" {
		return "", errors.New("a guest has a last name")
	}
	taken := len(h.House()[d.Room]) > 0
	switch {
	case taken && !d.Share:
		return "", fmt.Errorf("somebody is in %s: tick “shares the room”, or choose another one", d.Room)
	case !taken && d.Share:
		return "", fmt.Errorf("nobody is in %s to share it with", d.Room)
	case d.Share && r.isMews(d.Room):
		return "", fmt.Errorf("%s is in Mews, where the hotel's desk shares no room", d.Room)
	case d.Nights < 1 || d.Nights > 30:
		return "", errors.New("a stay here has 1 to 30 nights")
	}
	s := h.Guest(d.Title, strings.TrimSpace(d.First), strings.TrimSpace(d.Last), d.Language, d.Nights)
	switch {
	case r.isMews(d.Room):
		if err := h.MewsDesk().CheckIn(s, d.Room); err != nil {
			return "", err
		}
		return fmt.Sprintf("%s is checked in to %s, in Mews; ask for a key with “cut key”", s.Last, d.Room), nil
	case d.Share:
		h.Desk().Share(s, d.Room)
		return fmt.Sprintf("%s shares %s", s.Last, d.Room), nil
	}
	h.Desk().CheckIn(s, d.Room)
	return fmt.Sprintf("%s is checked in to %s", s.Last, d.Room), nil
}

func (r *Room) move(d *Deed) (string, error) {
	s, err := r.stay(d, true)
	if err != nil {
		return "", err
	}
	if err := r.room(d.Room); err != nil {
		return "", err
	}
	switch {
	case d.Room == s.Room:
		return "", fmt.Errorf("%s is in %s already", s.Last, d.Room)
	case r.isMews(d.Room) != r.isMews(s.Room):
		return "", fmt.Errorf("%s and %s belong to different PMSs", s.Room, d.Room)
	case len(r.opt.Hotel.House()[d.Room]) > 0:
		return "", fmt.Errorf("somebody is in %s", d.Room)
	}
	if r.isMews(s.Room) {
		err = r.opt.Hotel.MewsDesk().Move(s, d.Room)
	} else {
		r.opt.Hotel.Desk().Move(s, d.Room)
	}
	return fmt.Sprintf("%s moves to %s", s.Last, d.Room), err
}

func (r *Room) stretch(d *Deed) (string, error) {
	s, err := r.stay(d, true)
	if err != nil {
		return "", err
	}
	by := time.Duration(d.Hours) * time.Hour
	end := s.Departure.Add(by)
	switch {
	case by == 0 || by.Abs() > 31*24*time.Hour:
		return "", errors.New("say by how many hours, up to a month")
	case end.Before(time.Now()):
		return "", errors.New("the departure would be in the past: check out instead")
	}
	if r.isMews(s.Room) {
		err = r.opt.Hotel.MewsDesk().Stretch(s, by)
	} else {
		r.opt.Hotel.Desk().Stretch(s, by)
	}
	return fmt.Sprintf("%s stays until %s", s.Last, end.In(r.opt.Hotel.Zone).Format(stampForm)), err
}

func (r *Room) rename(d *Deed) (string, error) {
	s, err := r.stay(d, true)
	if err != nil {
		return "", err
	}
	last := strings.TrimSpace(d.Text)
	if last == "" || utf8.RuneCountInString(last) > maxName {
		return "", fmt.Errorf("write the right last name, up to %d characters", maxName)
	}
	if r.isMews(s.Room) {
		err = r.opt.Hotel.MewsDesk().Rename(s, last)
	} else {
		r.opt.Hotel.Desk().Rename(s, last)
	}
	return "the name is now " + last, err
}
