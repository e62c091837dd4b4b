package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"edgeagent/internal/config"
)

func testCommand(path *string) *cobra.Command {
	var verbose bool
	cmd := &cobra.Command{
		Use:   "test [FILE ...]",
		Short: "Test the rules: events in, expected commands out",
		Long: `Test puts events to the rules of the property file, and compares the commands that
they make with those that are expected. The tests stand beside the property file:
those of property.yaml in property.test.yaml, or in the files that are named. Each
failure is shown with its line, what was expected and what came.

  tests:
    - name: a suite gets two keys
      events:
        - { event: stay.checked_in, room: 501, room_type: SUITE }
      devices: [lobby-encoder]
      expect:
        - { device: lobby-encoder, action: encode, params: { room: 501, copies: 2 } }

Nothing is connected and nothing moves. It is always 15 January 2030, three in the
afternoon, so that values with a time can be compared. docs/rule-tests.md says more.

It exits with 1 if a test fails.`,
		Example: `  edgeagent test --config property.yaml
  edgeagent test --config property.yaml -v suites.test.yaml`,
	}
	output := outputFlag(cmd)
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "name the tests that pass too")
	cmd.RunE = func(_ *cobra.Command, files []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		loaded, problems := config.Load(*path)
		if problems.Wrong() { // a file that is missing here is none of the rules' business
			fmt.Fprint(os.Stderr, problems.Render())
			return errSilent
		}
		if len(files) == 0 {
			if files, err = testsBeside(*path); err != nil {
				return err
			}
		}
		return testAndTell(loaded, files, asJSON, verbose)
	}
	return cmd
}

func testAndTell(l *config.Loaded, files []string, asJSON, verbose bool) error {
	report, err := runTests(l, files)
	if err != nil {
		return err
	}
	if asJSON {
		err = writeJSON(os.Stdout, report)
	} else {
		report.write(os.Stdout, colours(os.Stdout), verbose)
	}
	if err == nil && len(report.Failures) > 0 {
		err = errSilent
	}
	return err
}

// testsBeside is the file with the tests of a property file.
func testsBeside(property string) ([]string, error) {
	name := strings.TrimSuffix(strings.TrimSuffix(property, ".yaml"), ".yml") + ".test.yaml"
	if _, err := os.Stat(name); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there are no rule tests: write %s, as edgeagent test --help shows, or name a file", filepath.Clean(name))
	}
	return []string{name}, nil
}

// runTests runs the tests of the files. With faults in them nothing that they say of
// the rules counts, and all faults are told, also those of what could be read.
func runTests(l *config.Loaded, files []string) (*testReport, error) {
	r := &testReport{Passed: []string{}, Failures: []failure{}, fires: map[string]bool{}}
	for _, file := range files {
		tests, problems := config.LoadTests(file)
		r.slips = append(r.slips, problems...)
		if tests == nil {
			continue
		}
		for i := range tests.Tests {
			run := &testRun{property: l, tests: tests, test: &tests.Tests[i], path: fmt.Sprintf("tests[%d]", i), report: r}
			run.run()
		}
	}
	if len(r.slips) > 0 {
		sort.SliceStable(r.slips, func(i, j int) bool { // in the order of the files
			a, b := r.slips[i], r.slips[j]
			return cmp.Or(cmp.Compare(slices.Index(files, a.File), slices.Index(files, b.File)), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column)) < 0
		})
		fmt.Fprint(os.Stderr, r.slips.Render())
		return nil, errSilent
	}
	for i := range l.Rules {
		if !r.fires[l.Rules[i].Name] {
			r.Untested = append(r.Untested, l.Rules[i].Name)
		}
	}
	return r, nil
}

// testReport is what came of the tests.
type testReport struct {
	Passed   []string  `json:"passed"`
	Failures []failure `json:"failures"`
	// Untested are the property's own rules that no test fires.
	Untested []string `json:"untested_rules,omitempty"`
	failed   int
	slips    config.Problems // in the tests themselves
	fires    map[string]bool
}

// failure is one thing that is otherwise than a test expects.
type failure struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Column   int      `json:"column"`
	Test     string   `json:"test"`
	Message  string   `json:"message"`
	Expected string   `json:"expected"`
	Got      []string `json:"got"`
	// Why says of the rules that could have given the command why they do not.
	Why   []string `json:"why,omitempty"`
	place config.Problem
}

func (r *testReport) write(out io.Writer, p painter, verbose bool) {
	for _, f := range r.Failures {
		fmt.Fprint(out, config.Problems{f.place}.Render())
		fmt.Fprintf(out, "  expected  %s\n", p.as(good, f.Expected))
		for i, got := range f.Got {
			label := ""
			if i == 0 {
				label = "got"
			}
			fmt.Fprintf(out, "  %-8s  %s\n", label, p.as(bad, got))
		}
		for _, why := range f.Why {
			fmt.Fprintf(out, "  because   %s\n", why)
		}
		fmt.Fprintln(out)
	}
	if verbose {
		for _, name := range r.Passed {
			fmt.Fprintf(out, "%s  %s\n", p.as(good, "ok"), name)
		}
	}
	all := len(r.Passed) + r.failed
	if r.failed == 0 {
		fmt.Fprintf(out, "%s passed\n", count(all, "rule test"))
	} else {
		fmt.Fprintf(out, "%d of %s failed\n", r.failed, count(all, "rule test"))
	}
	if len(r.Untested) > 0 {
		fmt.Fprintf(out, "no test fires: %s\n", strings.Join(r.Untested, "; "))
	}
}
