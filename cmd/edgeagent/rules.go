package main

import (
	"os"

	"github.com/spf13/cobra"

	"edgeagent/rules"
)

func rulesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Print the rule table that ships",
		Long: `Rules prints what a hotel gets that writes no rules of its own. To change it,
copy it into the property file: rules there take the place of all of these.`,
		Example: "  edgeagent rules >> property.yaml",
		Args:    noArgs,
	}
	output := outputFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		asJSON, err := output()
		if err != nil || !asJSON {
			if err == nil {
				_, err = os.Stdout.Write(rules.Default())
			}
			return err
		}
		list, err := rules.Parse(rules.Default())
		if err != nil {
			return err
		}
		told := make([]ruleTold, 0, len(list))
		for i := range list {
			told = append(told, ruleOf(&list[i]))
		}
		return writeJSON(os.Stdout, told)
	}
	return cmd
}

// ruleTold is a rule for programs, under the names that the property file has.
type ruleTold struct {
	Name string         `json:"name"`
	When map[string]any `json:"when"` // a text, or a list of them
	Do   []stepOf       `json:"do"`
}

type stepOf struct {
	Device string            `json:"device,omitempty"`
	Kind   string            `json:"kind,omitempty"`
	Action string            `json:"action"`
	Params map[string]string `json:"params,omitempty"`
	Within float64           `json:"within_seconds,omitempty"`
	After  float64           `json:"after_seconds,omitempty"`
}

func ruleOf(r *rules.Rule) ruleTold {
	told := ruleTold{Name: r.Name, When: map[string]any{}}
	for field, m := range r.When {
		if m.List || len(m.Values) != 1 {
			told.When[field] = m.Values
		} else {
			told.When[field] = m.Values[0]
		}
	}
	for _, s := range r.Do {
		told.Do = append(told.Do, stepOf{s.Device, s.Kind, s.Action, s.Params, s.Within.Seconds(), s.After.Seconds()})
	}
	return told
}
