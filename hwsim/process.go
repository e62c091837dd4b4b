package hwsim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is the real agent, as a process of its own.
type Process struct {
	cmd     *exec.Cmd
	done    chan error
	pidFile string // of the process behind cmd, "" for none
}

// QuickRules is the agent's own rule table, for Options.Rules, but for the half
// hour that WiFi outlives a check-out, which nobody wants to watch.
func QuickRules(command []string) (string, error) {
	args := append(append([]string(nil), command[1:]...), "rules")
	table, err := exec.Command(command[0], args...).Output()
	if err != nil {
		return "", fmt.Errorf("%s rules: %w", strings.Join(command, " "), err)
	}
	return strings.NewReplacer("after: 30m", "after: 1s", "# Half an hour for the lobby.", "# A second for the lobby, half an hour in a hotel.").Replace(string(table)), nil
}

// CheckFile has the agent check a property file, and gives what it says.
func CheckFile(command []string, file string) (said string, err error) {
	args := append(append([]string(nil), command[1:]...), "check", "--config", file)
	out, err := exec.Command(command[0], args...).CombinedOutput()
	if err != nil && len(out) == 0 {
		out = []byte(err.Error())
	}
	return strings.TrimSpace(string(out)), err
}

// StartAgent starts the agent on the hotel's property file. Its log is added to the named file.
func (h *Hotel) StartAgent(command []string, logFile string) (*Process, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	args := append(append([]string(nil), command[1:]...), "run", "--config", h.PropertyFile)
	p := &Process{cmd: exec.Command(command[0], args...), done: make(chan error, 1), pidFile: h.AgentPID}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	// An agent that outlives a killed hotel would find the next hotel's encoder
	// behind its own: the kernel gives the number of a pseudo-terminal again.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", command[0], err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	return p, nil
}

// Kill is a power cut: kill -9.
func (p *Process) Kill() {
	if text, err := os.ReadFile(p.pidFile); err == nil {
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && pid > 1 {
			_ = syscall.Kill(pid, syscall.SIGKILL) // before who has it run can do anything about it
		}
	}
	_ = p.cmd.Process.Kill() // or it has ended
	p.done <- errors.Join(errors.New("killed"), <-p.done)
}

// Signal sends the agent a signal.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Stop asks the agent to stop and waits until it has.
func (p *Process) Stop(ctx context.Context) error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return nil // it has ended
	}
	select {
	case err := <-p.done:
		p.done <- err
		return err
	case <-ctx.Done():
		p.Kill()
		return fmt.Errorf("the agent did not stop: %w", ctx.Err())
	}
}

// Ended reports whether the process has ended by itself, and how.
func (p *Process) Ended() (error, bool) {
	select {
	case err := <-p.done:
		p.done <- err
		return err, true
	default:
		return nil, false
	}
}

// AwaitLive waits until the agent follows the PMS.
func (h *Hotel) AwaitLive(ctx context.Context) error { return h.awaitLive(ctx, patience) }

func (h *Hotel) awaitLive(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := Eventually(ctx, func() bool {
		s, err := h.Status(ctx)
		return err == nil && s.Live()
	})
	if err != nil {
		return fmt.Errorf("the agent does not follow the PMS: %w", err)
	}
	return nil
}
