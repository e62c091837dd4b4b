package agent

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"edgeagent/drivers"
	"edgeagent/offsetstore"
)

// steps are the commands of a device that are under way.
type steps struct {
	mu    sync.Mutex
	doing []running
}

// running is a command under way, with what calls it off.
type running struct {
	Doing
	source, ask string
	takeBack    context.CancelCauseFunc
}

func (s *steps) begin(c offsetstore.Command, takeBack context.CancelCauseFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doing = append(s.doing, running{Doing{Command: c.ID, Subject: c.Subject, Since: time.Now()}, c.Source, c.Ask, takeBack})
}

func (s *steps) step(c offsetstore.Command, step drivers.Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.doing {
		if s.doing[i].Command == c.ID {
			s.doing[i].Step = step
		}
	}
}

// takeBack calls off what is done for a device command of the PMS.
func (s *steps) takeBack(source, ask string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.doing {
		if s.doing[i].source == source && s.doing[i].ask == ask {
			s.doing[i].takeBack(errWithdrawn)
		}
	}
}

func (s *steps) end(c offsetstore.Command) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doing = slices.DeleteFunc(s.doing, func(d running) bool { return d.Command == c.ID })
}

func (s *steps) list() []Doing {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Doing, 0, len(s.doing))
	for _, d := range s.doing {
		list = append(list, d.Doing)
	}
	return list
}

// progress tells the PMS, as steps are heard, how far a command is that it
// asked for: how many of the cards are done, and that one can be presented.
func (a *Agent) progress(c offsetstore.Command, cmd drivers.Command) func(drivers.Step) {
	r := a.reporters[c.Source]
	if c.Ask == "" || r == nil {
		return func(drivers.Step) {}
	}
	cards, err := strconv.Atoi(cmd.Params["copies"])
	if err != nil || cards < 1 {
		cards = 1
	}
	r.progress(c.Ask, 0)
	var mu sync.Mutex
	made := 0
	return func(s drivers.Step) {
		mu.Lock()
		defer mu.Unlock()
		part := 0.0
		switch s {
		case drivers.StepCardDone:
			made++
		case drivers.StepAccepted:
			part = 0.1
		}
		r.progress(c.Ask, min((float64(made)+part)/float64(cards), 1))
	}
}
