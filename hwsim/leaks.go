package hwsim

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"edgeagent/hwsim/console"
)

// Leaks lists what stands in a log and must not: names, secrets, codes.
func (h *Hotel) Leaks(logFile string) []string {
	text, err := os.ReadFile(logFile)
	if err != nil {
		return []string{err.Error()}
	}
	return h.leaksIn("the log", string(text))
}

// leaksIn lists what stands in a text and must not.
func (h *Hotel) leaksIn(where, text string) []string {
	return findAll(h.confidential(), where, text)
}

// findAll says which words stand in a text, and in which line.
func findAll(words map[string]string, where, text string) (wrong []string) {
	for word, what := range words {
		if len(word) < 3 {
			continue // it stands in every other word
		}
		if before, _, found := strings.Cut(text, word); found {
			line := 1 + strings.Count(before, "\n")
			wrong = append(wrong, fmt.Sprintf("%s stands in line %d of %s", what, line, where))
		}
	}
	slices.Sort(wrong)
	return wrong
}

// confidential is what nobody but the devices may be told, with what each is.
func (h *Hotel) confidential() map[string]string {
	secret := h.names()
	secret[clientSecret], secret[appKey] = "the PMS secret", "the app key"
	for _, text := range h.wifiSecrets {
		for line := range strings.Lines(text) {
			line = strings.TrimSpace(line)
			secret[line] = "a secret of the WiFi controller"
			if name, value, _ := strings.Cut(line, "="); name == "key" || name == "secret" { // a file of several
				secret[value] = "a secret of the WiFi controller"
			}
		}
	}
	if h.Annex != nil {
		secret[h.Annex.ClientToken()], secret[h.Annex.AccessToken()] = "a token of Mews", "a token of Mews"
	}
	h.mu.Lock()
	for _, s := range h.stays {
		if s.mews != "" {
			secret[s.mews], secret[s.customer] = "a reservation's id", "a guest's id"
		}
		secret[s.Reservation] = "a reservation number"
	}
	h.mu.Unlock()
	for _, a := range h.WiFi.Access() {
		secret[a.Code] = "a WiFi code"
	}
	return secret
}

// names are those of all guests that there were.
func (h *Hotel) names() map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	names := map[string]string{}
	for _, s := range h.stays {
		names[s.Last], names[s.First] = "a guest's name", "a guest's name"
	}
	return names
}

// Shown lists what the agent's page tells whoever may look and must not: the page
// as text, the status, the metrics and the log.
func (h *Hotel) Shown(ctx context.Context) (wrong []string) {
	for _, path := range []string{"/status.txt", "/api/status", "/metrics", "/api/log"} {
		text, err := fetch(ctx, h.StatusURL+path)
		if err != nil {
			return append(wrong, err.Error())
		}
		wrong = append(wrong, h.leaksIn(path, text)...)
	}
	return wrong
}

// fetch is what stands at an address; there must be something.
func fetch(ctx context.Context, address string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || len(text) == 0) {
		err = fmt.Errorf("%s: %s, %d bytes", address, resp.Status, len(text))
	}
	return string(text), err
}

// Asked lists whose names stand in addresses: the paths and queries that the agent
// asked its PMS and the WiFi controller for, and the topics that it wrote to.
func (h *Hotel) Asked() []string {
	asked := h.PMS.Asked()
	if b, ok := h.Broker.(interface{ Topics() []string }); ok {
		asked = append(asked, b.Topics()...)
	}
	if h.Annex != nil {
		asked = append(asked, h.Annex.Asked()...)
	}
	if w, ok := h.WiFi.(interface{ Requests() []console.Request }); ok {
		for _, r := range w.Requests() {
			asked = append(asked, r.Path)
		}
	}
	if len(asked) == 0 {
		return []string{"nobody has noted what the agent asked for"}
	}
	return findAll(h.names(), "what the agent asked for", strings.Join(asked, "\n"))
}

// Reported has the agent's command pack its report for support, and lists what
// stands there and must not.
func (h *Hotel) Reported(ctx context.Context, command []string) []string {
	dir, err := os.MkdirTemp("", "hwsim-report-")
	if err != nil {
		return []string{err.Error()}
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "report.tar.gz")
	args := append(slices.Clone(command[1:]), "support", "--config", h.PropertyFile, "--file", file)
	if said, err := exec.CommandContext(ctx, command[0], args...).CombinedOutput(); err != nil {
		return []string{fmt.Sprintf("edgeagent support: %v: %s", err, said)}
	}
	wrong, err := h.leaksOf(file)
	if err != nil {
		return []string{err.Error()}
	}
	return wrong
}

// leaksOf looks into each part of a report; the status of the agent must be one.
func (h *Hotel) leaksOf(file string) (wrong []string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	packed, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	alive := false
	for parts := tar.NewReader(packed); ; {
		part, err := parts.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(parts)
		if err != nil {
			return nil, err
		}
		alive = alive || filepath.Base(part.Name) == "status.json" && strings.Contains(string(text), `"devices"`)
		wrong = append(wrong, h.leaksIn(filepath.Base(part.Name)+" of the report", string(text))...)
	}
	if !alive {
		return nil, errors.New("the report does not say how the agent stands")
	}
	return wrong, nil
}
