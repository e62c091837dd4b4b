package hwsim

import (
	"context"
	"errors"
	"sync"
)

// Power is the plug of the agent's gateway: whoever has it can pull it.
type Power struct {
	Hotel   *Hotel
	Command []string
	// LogFile takes the agent's log.
	LogFile string

	mu    sync.Mutex
	agent *Process
}

// On starts the agent, unless it runs.
func (p *Power) On() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.agent != nil {
		if _, ended := p.agent.Ended(); !ended {
			return nil
		}
	}
	var err error
	p.agent, err = p.Hotel.StartAgent(p.Command, p.LogFile)
	return err
}

// Cut is a power cut: kill -9.
func (p *Power) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.agent != nil {
		p.agent.Kill()
		p.agent = nil
	}
}

// Off stops the agent as systemd would, and waits until it has.
func (p *Power) Off() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.agent == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	agent := p.agent
	p.agent = nil
	return agent.Stop(ctx)
}

// Runs reports whether the agent runs; err says how it ended if that was by itself.
func (p *Power) Runs() (runs bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.agent == nil {
		return false, nil
	}
	err, ended := p.agent.Ended()
	if ended && err == nil {
		err = errors.New("it ended without an error")
	}
	return !ended, err
}
