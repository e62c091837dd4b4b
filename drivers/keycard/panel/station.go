package panel

import (
	"context"
	"errors"
	"time"

	"edgeagent/drivers"
)

// OpenDoor is the name of the action that a panel with a relay adds.
const OpenDoor = "open_door"

// Actions are what a panel can be told: with a relay, to open its door.
func (c *Config) Actions() []drivers.Action {
	if c == nil || c.Relay == nil {
		return nil
	}
	return []drivers.Action{{
		Name:    OpenDoor,
		Help:    "Opens the door whose relay is connected to the encoder's panel, for the time that the property file gives.",
		Subject: "door",
		Limit:   maxCap + 10*time.Second,
		// A door that opens when nobody stands before it any more is an open door.
		Within: 10 * time.Second,
	}}
}

// Wrap gives the encoder its panel: its steps drive lamp and buzzer, and
// open_door the relay. The panel keeps out of the actions for which nobody
// holds a card to the reader.
func Wrap(encoder drivers.Driver, p *Panel, withoutCard func(action string) bool) drivers.Driver {
	return &station{Driver: encoder, panel: p, withoutCard: withoutCard}
}

// station is an encoder with its panel.
type station struct {
	drivers.Driver
	panel       *Panel
	withoutCard func(action string) bool
}

// Unwrap is the encoder alone.
func (s *station) Unwrap() drivers.Driver { return s.Driver }

// Do opens the door, or has the encoder do its work and shows how that goes.
func (s *station) Do(ctx context.Context, cmd drivers.Command) (receipt drivers.Receipt, err error) {
	whole := false
	defer func() {
		if !whole { // a panic passes through, but not with the door open
			s.broke()
		}
	}()
	switch {
	case cmd.Action == OpenDoor:
		receipt, err = s.panel.openDoor(ctx)
	case s.withoutCard(cmd.Action):
		receipt, err = s.Driver.Do(ctx, cmd)
	default:
		told := cmd.Progress
		cmd.Progress = func(step drivers.Step) {
			s.panel.step(step)
			if told != nil {
				told(step)
			}
		}
		s.panel.show(busy, false, 0)
		receipt, err = s.Driver.Do(ctx, cmd)
		s.panel.end(err)
	}
	whole = true
	return receipt, err
}

func (s *station) broke() {
	if s.panel.relay != nil {
		s.panel.relay.shut(errors.New("the encoder's driver broke off"))
	}
	s.panel.show(failed, true, failedFor)
}

// Halt puts the relay back before anything else.
func (s *station) Halt() error {
	var relay error
	if s.panel.relay != nil {
		relay = s.panel.relay.halt()
	}
	encoder := s.Driver.Halt()
	return errors.Join(relay, encoder, s.panel.Halt())
}

// Probe asks the encoder, and whether the panel's lines could be had.
func (s *station) Probe(ctx context.Context) error {
	err := s.Driver.Probe(ctx)
	if faults, _ := s.panel.Faults(); faults != "" {
		err = errors.Join(err, errors.New("panel: "+faults))
	}
	return err
}

// State is the encoder's; degraded while something of the panel does not work.
func (s *station) State() drivers.State {
	st := s.Driver.State()
	faults, since := s.panel.Faults()
	switch {
	case faults == "":
	case st.Condition == drivers.Online || st.Condition == drivers.Unset:
		st = drivers.State{Condition: drivers.Degraded, Since: since, Reason: "panel: " + faults}
	case st.Reason == "":
		st.Reason = "panel: " + faults
	default:
		st.Reason += "; panel: " + faults
	}
	return st
}
