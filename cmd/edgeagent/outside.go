package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"edgeagent/internal/agent"
)

// outsideFolder names the variable that says in which folder what cares for the
// gateway leaves word, one file for each condition. The unit sets it.
const outsideFolder = "EDGEAGENT_CONDITIONS"

// outsideCodes are the conditions that others tell of, each in a file of its name: it
// holds as long as the file is there, and what stands in it is shown.
var outsideCodes = []string{
	"stepped-back",  // an upgrade did not hold
	"backup-failed", // the backup of last night
	"update-failed", // the look for a newer version
}

// outside are the conditions that others on the gateway tell of just now.
func outside() []agent.Condition {
	folder := os.Getenv(outsideFolder)
	if folder == "" {
		return nil
	}
	var found []agent.Condition
	for _, code := range outsideCodes {
		if c := wordIn(filepath.Join(folder, code)); c.Text != "" {
			c.Code = code
			found = append(found, c)
		}
	}
	return found
}

// wordIn is what stands in a file, "" as nearly always: there is none.
func wordIn(path string) (c agent.Condition) {
	const most = 1000 // bytes: it is a line
	f, err := os.Open(path)
	if err != nil {
		return c
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, most))
	c.Text = strings.TrimSpace(strings.ToValidUTF8(string(text), ""))
	if info, err := f.Stat(); err == nil {
		c.Since = info.ModTime()
	}
	return c
}
