package room

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"edgeagent/hwsim"
	"edgeagent/hwsim/console"
	"edgeagent/hwsim/locksim"
	"edgeagent/hwsim/tvsim"
)

// Switch is a fault that lasts until it is switched off.
type Switch struct {
	Name string `json:"name"`
	Text string `json:"text"`
	// Encoder is the one that it belongs to, "" for the house.
	Encoder string `json:"encoder"`
}

func switchName(fault, encoder string) string { return fault + " " + encoder }

// lineFaults are the switches that each encoder has.
func lineFaults() []struct {
	name, text string
	set        func(h *hwsim.Hotel, e hwsim.Encoder, on bool) error
} {
	return []struct {
		name, text string
		set        func(h *hwsim.Hotel, e hwsim.Encoder, on bool) error
	}{
		{"unplug", "Adapter unplugged", func(_ *hwsim.Hotel, e hwsim.Encoder, on bool) error {
			if on {
				return e.Port.Unplug()
			}
			return e.Port.Plug()
		}},
		{"cable", "Cable pulled", func(_ *hwsim.Hotel, e hwsim.Encoder, on bool) error {
			if on {
				e.Port.PullCable()
			} else {
				e.Port.PlugCable()
			}
			return nil
		}},
		{"noise", "Noise on the line", func(_ *hwsim.Hotel, e hwsim.Encoder, on bool) error {
			rate := 0.0
			if on {
				rate = 0.03
			}
			e.Port.SetCorruption(rate, rate)
			return nil
		}},
		{"off", "Encoder without power", func(h *hwsim.Hotel, e hwsim.Encoder, on bool) error {
			h.Locks.SetEncoderOnline(e.Name, !on)
			return nil
		}},
	}
}

// faulty is a WiFi controller that can be made to misbehave; all of them are.
type faulty interface {
	Inject(f console.Fault)
	Heal()
}

func (r *Room) wifiFault(on bool, f console.Fault) error {
	w, ok := r.opt.Hotel.WiFi.(faulty)
	if !ok {
		return errors.New("this controller has no faults")
	}
	if w.Heal(); on {
		f.Count = -1
		w.Inject(f)
	}
	return nil
}

// houseFault is a switch of the whole house.
type houseFault struct {
	name, text string
	set        func(on bool) error
	// excludes is a switch that this one takes the place of.
	excludes string
}

func (r *Room) houseFaults() []houseFault {
	h := r.opt.Hotel
	list := []houseFault{
		{"stream", "PMS stream cut", func(on bool) error { return cut(on, h.PMS.Down, h.PMS.Up) }, ""},
		{"broker", "TV broker down", func(on bool) error {
			if on {
				h.Broker.Stop()
				return nil
			}
			return h.Broker.Start(tvsim.Keep)
		}, ""},
		{"wifi overloaded", "WiFi controller overloaded", func(on bool) error {
			return r.wifiFault(on, console.Fault{Kind: console.TooMany, RetryAfter: "2"})
		}, "wifi down"},
		{"wifi down", "WiFi controller down", func(on bool) error { return r.wifiFault(on, console.Fault{Kind: console.Drop}) }, "wifi overloaded"},
		{"locks", "Lock software stopped", func(on bool) error { h.Locks.SetRunning(!on); return nil }, ""},
	}
	if h.Annex != nil {
		mews := houseFault{"mews", "Mews out of reach", func(on bool) error { return cut(on, h.Annex.Down, h.Annex.Up) }, ""}
		list = slices.Insert(list, 1, mews)
	}
	return list
}

func cut(on bool, down, up func() error) error {
	if on {
		return down()
	}
	return up()
}

// switches are all that there are.
func (r *Room) switches() []Switch {
	var list []Switch
	for _, f := range r.houseFaults() {
		list = append(list, Switch{f.name, f.text, ""})
	}
	for _, e := range r.opt.Hotel.Encoders {
		for _, f := range lineFaults() {
			list = append(list, Switch{switchName(f.name, e.Name), f.text, e.Name})
		}
	}
	return list
}

// flip turns a switch, unless it stands so.
func (r *Room) flip(d *Deed) (string, error) {
	text, excludes := "", ""
	var set func(on bool) error
	for _, f := range r.houseFaults() {
		if f.name == d.Switch {
			text, excludes, set = f.text, f.excludes, f.set
		}
	}
	for _, e := range r.opt.Hotel.Encoders {
		for _, f := range lineFaults() {
			if switchName(f.name, e.Name) == d.Switch {
				text, set = e.Name+": "+f.text, func(on bool) error { return f.set(r.opt.Hotel, e, on) }
			}
		}
	}
	if set == nil {
		return "", fmt.Errorf("there is no switch %q", d.Switch)
	}
	r.mu.Lock()
	stands := r.broken[d.Switch]
	r.mu.Unlock()
	if stands != d.On {
		if err := set(d.On); err != nil {
			return "", err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broken[d.Switch] = d.On
	if d.On && excludes != "" {
		r.broken[excludes] = false
	}
	if d.On {
		return text, nil
	}
	return text + ": over", nil
}

// lateAnswer is later than the agent of the hotel waits, and than most others.
const lateAnswer = 65 * time.Second

// nextCards are what goes wrong with the next card.
func nextCards() map[string]func(s *locksim.System, encoder string) string {
	return map[string]func(s *locksim.System, encoder string) string{
		"no card": func(s *locksim.System, e string) string {
			s.Operator(e, locksim.Presentation{Never: true})
			return "nobody presents the next card"
		},
		"jam": func(s *locksim.System, e string) string {
			s.Operator(e, locksim.Presentation{Wrong: true})
			return "the next card goes in askew and jams"
		},
		"pulled": func(s *locksim.System, e string) string {
			s.Operator(e, locksim.Presentation{RemoveAt: 0.5})
			return "the next card is pulled out while it is written"
		},
		"damaged": func(s *locksim.System, e string) string {
			s.Operator(e, locksim.Presentation{Kind: locksim.Damaged})
			return "the next card is damaged"
		},
		"late": func(s *locksim.System, _ string) string {
			s.Next(locksim.Fault{Late: lateAnswer})
			return fmt.Sprintf("the next answer comes %.0f s late", lateAnswer.Seconds())
		},
		"lost": func(s *locksim.System, _ string) string {
			s.Next(locksim.Fault{Drop: true})
			return "the next answer gets lost, and the card is made"
		},
	}
}

func (r *Room) nextCard(d *Deed) (string, error) {
	e, err := r.encoder(d)
	if err != nil {
		return "", err
	}
	do, ok := nextCards()[d.Text]
	if !ok {
		return "", fmt.Errorf("%q is nothing that goes wrong with a card here", d.Text)
	}
	return do(r.opt.Hotel.Locks, e.Name), nil
}

// power is the plug of the agent.
func (r *Room) power(d *Deed) (string, error) {
	p := r.opt.Power
	if p == nil {
		return "", errors.New("the agent was started by you: stop it where you started it")
	}
	switch d.Text {
	case "on":
		return "the agent starts", p.On()
	case "cut":
		p.Cut()
		return "kill -9: the agent is without power", nil
	case "off":
		return "the agent has stopped, as systemd stops it", p.Off()
	case "cut in mid-card":
		r.arm()
		return "the power goes when the next card is to be made", nil
	}
	return "", fmt.Errorf("%q is nothing that can be done with a plug", d.Text)
}

// arm waits, beside everything else, for the next command to an encoder, cuts
// the agent's power, and lets the encoder make the card.
func (r *Room) arm() {
	r.disarm()
	hold := r.opt.Hotel.Locks.HoldAfterAck()
	r.mu.Lock()
	r.hold = hold
	r.mu.Unlock()
	go func() {
		select {
		case <-hold.Reached:
			r.opt.Power.Cut()
			hold.Release()
		case <-r.done:
		}
	}()
}

func (r *Room) disarm() {
	r.mu.Lock()
	hold := r.hold
	r.hold = nil
	r.mu.Unlock()
	if hold != nil {
		hold.Release()
	}
}
