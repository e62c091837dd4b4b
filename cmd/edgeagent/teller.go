package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"edgeagent/internal/config"
)

// finding is what was found of a link or a device, and what to do.
type finding struct {
	Name   string   `json:"name"`
	OK     bool     `json:"ok"`
	Text   string   `json:"text"`
	Advice []string `json:"advice,omitempty"`
}

// teller writes findings as they come, or keeps them for later.
type teller struct {
	out    io.Writer
	paint  painter
	silent bool
	wait   *waiting // what is over once something is found
	Found  []finding
}

// after has the next finding end what shows that it is awaited.
func (t *teller) after(w *waiting) *teller {
	t.wait = w
	return t
}

// say tells of a finding, and below it what to do.
func (t *teller) say(name string, ok bool, text, advice string) {
	t.Found = append(t.Found, finding{Name: name, OK: ok, Text: text})
	mark := t.paint.as(good, "ok")
	if !ok {
		mark = t.paint.as(bad, "NO")
	}
	t.line("%-18s %s %s\n", name, mark, text)
	if advice != "" {
		t.below(advice)
	}
}

// below tells more of the last finding.
func (t *teller) below(text string) {
	if n := len(t.Found); n > 0 {
		t.Found[n-1].Advice = append(t.Found[n-1].Advice, text)
	}
	t.line("%-18s    %s\n", "", text)
}

func (t *teller) line(format string, args ...any) {
	t.wait.hide()
	if !t.silent {
		fmt.Fprintf(t.out, format, args...)
	}
}

// namesIn has a shell complete names of the property file, whatever is wrong with it.
func namesIn(path *string, names func(*config.File) []string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return named(path, names), cobra.ShellCompDirectiveNoFileComp
	}
}

// named are names of the property file, none if it cannot be read.
func named(path *string, names func(*config.File) []string) []string {
	f, err := config.Peek(*path)
	if err != nil {
		return nil
	}
	return names(f)
}

func deviceNames(f *config.File) (names []string) {
	for i := range f.Devices {
		names = append(names, f.Devices[i].Name)
	}
	return names
}

func linkNames(f *config.File) (names []string) {
	for i := range f.PMS {
		names = append(names, f.PMS[i].Name)
	}
	return names
}

func encoderNames(f *config.File) (names []string) {
	for i := range f.Devices {
		if f.Devices[i].Keycard != nil {
			names = append(names, f.Devices[i].Name)
		}
	}
	return names
}
