package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"edgeagent/internal/password"
)

func passwordCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "password",
		Short: "Make a password file for a user of the status page",
		Long: `Password asks for a password and writes what the status page compares it with.
The password itself stands in no file. Name the file as password_file of a user
under status in the property file.

It asks twice on a terminal; otherwise it reads one line.`,
		Example: "  edgeagent password --file page-desk",
		Args:    noArgs,
	}
	cmd.Flags().StringVar(&file, "file", "", "a new file (mode 0600); without it, the terminal")
	output := outputFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		given, err := askPassword(os.Stdin, os.Stderr)
		if err != nil {
			return err
		}
		line, err := password.New(given)
		if err != nil {
			return err
		}
		if file == "" {
			return tellResult(asJSON, result{Done: "password", Text: line})
		}
		f, err := newFile(file)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(f, line)
		if err = errors.Join(err, f.Close()); err != nil || !asJSON {
			return err
		}
		return tellResult(asJSON, result{Done: "password", About: file})
	}
	return cmd
}

// askPassword takes a new password without showing it.
func askPassword(in *os.File, told io.Writer) (string, error) {
	typed, err := askHidden(in, told, "Password: ", "Once more: ")
	if err == nil && typed[0] != typed[len(typed)-1] {
		err = errors.New("the two are not the same; nothing was written")
	}
	if err != nil {
		return "", err
	}
	return typed[0], nil
}

// askHidden asks questions on a terminal and does not show the answers. Elsewhere it
// asks none, and takes one line.
func askHidden(in *os.File, told io.Writer, questions ...string) ([]string, error) {
	if !term.IsTerminal(int(in.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return []string{strings.TrimRight(line, "\r\n")}, nil
	}
	var typed []string
	for _, question := range questions {
		fmt.Fprint(told, question)
		text, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(told)
		if err != nil {
			return nil, err
		}
		typed = append(typed, string(text))
	}
	return typed, nil
}
