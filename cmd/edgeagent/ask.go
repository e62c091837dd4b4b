package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"edgeagent/internal/web"
)

// maxAnswer bounds what is taken from the agent.
const maxAnswer = 1 << 20

// ask has the running agent do something, over its status page, and returns what
// it answers. path is escaped already.
func ask(ctx context.Context, method, address, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+address+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set(web.ByHand, "yes")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no agent answers at %s; is it running with this property file?", address)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, errors.New(strings.TrimSpace(string(body)))
	}
	return body, nil
}
