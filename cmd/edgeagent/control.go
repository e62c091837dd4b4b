package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"edgeagent/internal/config"
	"edgeagent/internal/web"
)

// The control socket is how the command line speaks with the running agent. Who
// may open the file may do everything, so only its owner may.

// listenControl opens the socket. One that is left from an earlier process is
// taken over; one that somebody answers at is not, and neither is what is no socket.
func listenControl(path string) (net.Listener, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("control socket: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("control socket: %s is there and no socket; name another path as status.socket", path)
	default:
		if other, err := net.DialTimeout("unix", path, time.Second); err == nil {
			return nil, errors.Join(fmt.Errorf("control socket: another edgeagent answers at %s; stop that one first, or name another path as status.socket", path), other.Close())
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("control socket: %w", err)
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("control socket: %w", err), l.Close())
	}
	return l, nil
}

// operator is what a person can do with the house.
func (h *house) operator(l *config.Loaded, log zerolog.Logger, reload func() (string, error)) *web.Operator {
	return &web.Operator{
		Reload:    reload,
		Reconnect: h.agent.Reconnect, Retry: h.agent.Retry, Cancel: h.agent.Cancel, Resolve: h.agent.Resolve,
		Probe: h.probe, Names: h.agent.Names, Trace: h.trace, Slip: h.slip(l, log), Snapshot: h.store.Snapshot,
	}
}

// probe asks a device whether it is there.
func (h *house) probe(ctx context.Context, device string) error {
	for _, d := range h.devices {
		if d.String() == device {
			return d.Probe(ctx)
		}
	}
	return fmt.Errorf("there is no device %q", device)
}

// socketVariable names the control socket where no flag does.
const socketVariable = "EDGEAGENT_SOCKET"

// talks gives a verb that speaks with the running agent the flag --socket.
func talks(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().String("socket", "", "the control socket of the agent (default $"+socketVariable+", or what the property file says)")
	return cmd
}

// socketOf is the control socket that a verb is to speak with: the one that is
// named, or that of the agent that serves a property file. The file may have
// problems that the running agent has not met yet.
func socketOf(cmd *cobra.Command, path string) (string, error) {
	if flag := cmd.Flag("socket"); flag != nil && flag.Value.String() != "" {
		return flag.Value.String(), nil
	}
	if named := os.Getenv(socketVariable); named != "" {
		return named, nil
	}
	return config.Socket(path)
}

// askWait is how long the command line waits for the running agent.
const askWait = 10 * time.Second

// askAgent is ask of the agent that serves a property file, with a bound.
func askAgent(cmd *cobra.Command, file, method, path string) ([]byte, error) {
	socket, err := socketOf(cmd, file)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), askWait)
	defer cancel()
	return ask(ctx, socket, method, path)
}

// maxAnswer bounds what is taken from the agent.
const maxAnswer = 4 << 20

// ask has the running agent do something, and returns what it answers. path is
// escaped already.
func ask(ctx context.Context, socket, method, path string) ([]byte, error) {
	resp, err := send(ctx, socket, method, path)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Content-Type") == "application/json" {
		return io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // nothing runs, and it says why
	}
	if err := refusalIn(resp); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
}

// request is ask for an answer of any length.
func request(ctx context.Context, socket, method, path string) (*http.Response, error) {
	resp, err := send(ctx, socket, method, path)
	if err != nil {
		return nil, err
	}
	if err := refusalIn(resp); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

// refusalIn is what the agent says where it does not do what it was asked for.
func refusalIn(resp *http.Response) error {
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	return errors.New(strings.TrimSpace(string(body)))
}

// errNobody says that no agent listens at a socket.
type errNobody struct{ socket string }

func (e errNobody) Error() string {
	return "no agent answers at " + e.socket + "; is it running with this property file?"
}

// send puts a request to the agent.
func send(ctx context.Context, socket, method, path string) (*http.Response, error) {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	req, err := http.NewRequestWithContext(ctx, method, "http://agent"+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("you may not open %s: run this as the agent's user, or with sudo", socket)
	case err != nil:
		return nil, errNobody{socket}
	}
	return resp, nil
}
