package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"edgeagent/hwsim/locksim"
	"edgeagent/hwsim/pn532sim"
)

var update = flag.Bool("update", false, "write what the scripts compare with anew")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"edgeagent": main})
}

// The verbs, each as its own process.
func TestScripts(t *testing.T) {
	var agents running
	var houses hotels
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("CREDENTIALS_DIRECTORY", "")
			samples, err := filepath.Abs("../../docs/property.sample.test.yaml")
			if err != nil {
				return err
			}
			env.Setenv("SAMPLE_TESTS", samples)
			return hotel(env.WorkDir)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await":     await,
			"start":     agents.start,
			"terminate": agents.terminate,
			"hangup":    agents.hangup,
			"occupy":    occupy,
			"exitcode":  exitcode,
			"fetch":     fetch,
			"nosecret":  nosecret,
			"locks":     locks,
			"module":    module,
			"hotel":     houses.hotel,
			"desk":      houses.desk,
			"until":     until,
			"converse":  converse,
		},
	})
}

// secrets are what no output may ever show.
var secrets = map[string]string{"pms-secret": "Secret-Of-The-PMS", "pms-app-key": "Key-Of-The-PMS", "broker-password": "Password-Of-The-Broker", "wifi-api-key": "Key-Of-The-WiFi",
	"signing-key": "00f1e2d3c4b5a69788796a5b4c3d2e1f0112233445566778899aabbccddeeff0", "mews-client-token": "C11E-70CE", "mews-access-token": "ACCE-55ED"}

// hotel writes the sample property file with its secrets, and the same with
// nobody at the other end of any wire.
func hotel(dir string) error {
	raw, err := os.ReadFile("../../docs/property.sample.yaml")
	if err != nil {
		return err
	}
	authority, err := certificate()
	if err != nil {
		return err
	}
	files := map[string]string{"broker-ca.pem": authority}
	for name, text := range secrets {
		files[name] = text + "\n"
	}
	sample := strings.Replace(string(raw), "port: /dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A1B2C3D4-if00-port0", "port: /dev/null", 1)
	files["property.yaml"] = sample
	files["nobody.yaml"] = strings.NewReplacer(
		"port: /dev/null", "address: 127.0.0.1:1",
		"192.0.2.10:8090", "127.0.0.1:2",
		"tls://broker.hotel.lan:8883", "tcp://127.0.0.1:1",
		"ca_file: broker-ca.pem ", "",
		"https://192.0.2.20", "https://127.0.0.1:1",
		"# token_url: https://gateway.example.com", "token_url: http://127.0.0.1:1",
		"# stream_url: wss://gateway.example.com", "stream_url: ws://127.0.0.1:1",
		"# status:\n#   listen: \"127.0.0.1:8080\" ", "status:\n  listen: \"127.0.0.1:0\" ",
		"# store: /var/lib/edgeagent/store.db", "store: store.db",
	).Replace(sample)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// certificate is one in PEM form, which nobody trusts.
func certificate() (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), err
}

// await FILE REGEXP [VARIABLE] waits until a file matches, and sets a variable to the first group.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await FILE REGEXP [VARIABLE]")
	}
	wanted := regexp.MustCompile(args[1])
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		if found := wanted.FindSubmatch(text); err == nil && found != nil {
			if len(args) > 2 {
				ts.Setenv(args[2], string(found[1]))
			}
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s never matched %s:\n%s", args[0], wanted, text)
		}
	}
}

// start LOG ARGUMENT... starts an agent that writes its log to a file.
func (r *running) start(ts *testscript.TestScript, _ bool, args []string) {
	log, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer log.Close()
	path, err := exec.LookPath("edgeagent") // what testscript.Main put there
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = ts.Getenv("WORK"), log, log
	cmd.Env = append(os.Environ(), outsideFolder+"="+ts.Getenv(outsideFolder))
	ts.Check(cmd.Start())
	r.agents.Store(ts.MkAbs(args[0]), cmd)
	ts.Defer(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
}

// terminate LOG CODE stops the agent of that log with SIGTERM; it must end with the code.
func (r *running) terminate(ts *testscript.TestScript, _ bool, args []string) {
	found, _ := r.agents.Load(ts.MkAbs(args[0]))
	cmd := found.(*exec.Cmd)
	ts.Check(cmd.Process.Signal(syscall.SIGTERM))
	cmd.Wait()
	if got := fmt.Sprint(cmd.ProcessState.ExitCode()); got != args[1] {
		ts.Fatalf("exit code %s, not %s:\n%s", got, args[1], ts.ReadFile(args[0]))
	}
}

// hangup LOG sends a SIGHUP to the agent of that log.
func (r *running) hangup(ts *testscript.TestScript, _ bool, args []string) {
	found, _ := r.agents.Load(ts.MkAbs(args[0]))
	ts.Check(found.(*exec.Cmd).Process.Signal(syscall.SIGHUP))
}

// running are the agents that scripts have started, by their logs.
type running struct{ agents sync.Map }

// occupy VARIABLE takes a port until the script ends.
func occupy(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], l.Addr().String())
}

// exitcode CODE COMMAND... runs a command that must end with just this code.
func exitcode(ts *testscript.TestScript, _ bool, args []string) {
	got := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, not %s", got, args[0])
	}
}

// locks PATH FAMILY BAUD plugs a simulated lock system's line in under a name, until the script ends.
func locks(ts *testscript.TestScript, _ bool, args []string) {
	baud, err := strconv.Atoi(args[2])
	ts.Check(err)
	sys := locksim.New(locksim.Config{Rooms: []string{"101", "999"}, Encoders: []string{"1", "Online Encoder 1"}, AckTime: 1, WorkTime: time.Millisecond})
	_, err = sys.OpenPTY(ts.MkAbs(args[0]), locksim.PortOptions{Family: locksim.Family(args[1]), Baud: baud})
	ts.Check(err)
	ts.Defer(func() { sys.Close() })
}

// module PATH BAUD plugs a simulated PN532 in under a name, with a blank card on it, until the script ends.
func module(ts *testscript.TestScript, _ bool, args []string) {
	baud, err := strconv.Atoi(args[1])
	ts.Check(err)
	chip := pn532sim.New(pn532sim.Config{})
	_, err = chip.OpenPTY(ts.MkAbs(args[0]), pn532sim.PortOptions{Baud: baud})
	ts.Check(err)
	chip.Present(pn532sim.NewCard(pn532sim.NTAG213, []byte{0x04, 0xA2, 0xB3, 0xC4, 0xD5, 0xE6, 0x80}, pn532sim.Traits{}))
	ts.Defer(func() { chip.Close() })
}

// fetch URL STATUS writes what a page shows to the file page.
func fetch(ts *testscript.TestScript, _ bool, args []string) {
	client := http.Client{Timeout: 10 * time.Second}
	response, err := client.Get(args[0])
	ts.Check(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	ts.Check(err)
	if got := fmt.Sprint(response.StatusCode); got != args[1] {
		ts.Fatalf("%s: status %s, not %s", args[0], got, args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs("page"), text, 0o600))
}

// nosecret FILE... fails if a file, stdout or stderr shows a secret.
func nosecret(ts *testscript.TestScript, _ bool, files []string) {
	for _, file := range files {
		text := ts.ReadFile(file)
		if text == "" {
			ts.Fatalf("%s is empty", file)
		}
		for name, secret := range secrets {
			if strings.Contains(text, secret) {
				ts.Fatalf("%s shows %s:\n%s", file, name, text)
			}
		}
	}
}

// Each verb says how it is called.
func TestEveryVerbHasAnExample(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Example == "" || c.Short == "" || !strings.Contains(c.Example, "edgeagent") {
			t.Errorf("%s: no example or help", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(command())
}
