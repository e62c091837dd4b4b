//go:build real

package realtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// newGateway is one that somebody has just flashed: its setup page waits.
type newGateway struct {
	dir, address, code string
	cmd                *exec.Cmd
}

func flashed(t *testing.T) *newGateway {
	t.Helper()
	g := &newGateway{dir: t.TempDir()}
	if err := os.Mkdir(filepath.Join(g.dir, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(g.dir, "setup.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	showLog(t, log.Name())
	told := filepath.Join(g.dir, "edgeagent-setup.txt")
	g.cmd = exec.Command(native(t)[0], "setup", "--config", "property.yaml", "--listen", "127.0.0.1:0", "--tell", told)
	g.cmd.Dir, g.cmd.Stdout, g.cmd.Stderr = g.dir, log, log
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.cmd.Process.Kill() })
	says := regexp.MustCompile(`(?s)(https://[^\s]+/)\nSetup code: (\S+)\n`)
	eventually(t, "the gateway tells its setup code", func() (bool, string) {
		text, err := os.ReadFile(told)
		found := says.FindStringSubmatch(string(text))
		if err != nil || found == nil {
			return false, string(text)
		}
		g.address, g.code = found[1], found[2]
		return true, ""
	})
	return g
}

func (g *newGateway) file() string { return filepath.Join(g.dir, "property.yaml") }

// TestSetupPage is the first ten minutes of a gateway, by an installer's browser.
func TestSetupPage(t *testing.T) {
	g := flashed(t)
	b := chromium(t, t.TempDir(), filepath.Join(g.dir, "page-cert.pem"))
	s := &bench{t: t, b: b}
	accessible(b, g.address, "setup-code", func(p *tab) {
		p.write(element("#code"), "ABCD-EFGH")
		p.press(named("#login", "Go in"))
		p.await("another code is refused", has("#login .outcome", "this is not the code"))
	})
	p := browse(b, g.address)
	s.shotHere("setup-code", p)
	p.write(element("#code"), strings.ToLower(g.code))
	p.press(named("#login", "Go in"))
	p.await("the installer is in", has("#stand", "There is no property file yet."))
	accessible(b, g.address, "setup-begin", nil)
	s.shot("setup-begin", p)

	p.write(element("#q-name"), "Hotel Sea View")
	p.write(element("#q-timezone"), "Lisbon")
	p.escape() // the suggestions, which would take the next click
	p.choose(element("#q-pms"), "mews")
	p.write(element("#q-encoder"), "none")
	p.escape()
	p.press(named("#questions", "Go on"))
	p.await("an answer is wrong, and more is asked", has("#e-timezone", "it must be an IANA name, such as Europe/Lisbon")+` && `+element("#q-page-user")+` !== null`)
	p.write(element("#q-timezone"), "Europe/Lisbon")
	p.escape()
	p.press(named("#questions", "Go on"))
	p.await("there is a property file", has("#stand", "The property file has 3 faults.")+` && `+element("#text")+`.value.includes('name: Hotel Sea View')`)

	text := value[string](p, element("#text")+`.value`)
	p.write(element("#text"), strings.Replace(text, "timezone: Europe/Lisbon", "timezone: Lisbon", 1))
	p.press(named("#property", "Check"))
	p.await("its faults stand at their lines", has("#faults", "unknown time zone", "page-password")+` && `+has("#listing .wrong", "timezone: Lisbon"))
	p.press(`[...document.querySelectorAll('#faults a')].find((a) => a.parentElement.textContent.includes('time zone'))`)
	p.await("a fault leads to its line", `document.querySelector('#listing :target')?.textContent.includes('timezone: Lisbon')`)
	accessible(b, g.address, "setup-faults", nil)
	value[bool](p, `(document.getElementById('property').scrollIntoView({behavior: 'instant'}), true)`)
	s.shotHere("setup-faults", p)
	p.write(element("#text"), text)
	p.press(named("#property", "Check"))
	p.await("and is mended", has("#stand", "The property file has 3 faults.")+` && !`+has("#faults", "time zone"))

	value[bool](p, `(document.getElementById('files').scrollIntoView({behavior: 'instant'}), true)`)
	s.shotHere("setup-secrets", p)
	for name, secret := range map[string]string{"text-mews-client-token": "C66EF7B2", "text-mews-access-token": "5A2F4E8D", "text-page-password": pageWord, "again-page-password": pageWord} {
		p.write(element(`[name="`+name+`"]`), secret)
	}
	p.press(named("#files", "Write what is filled in"))
	p.await("all is there", has("#stand", "The property file is fine. Install it, and edgeagent starts."))
	accessible(b, g.address, "setup-ready", nil)
	if value[bool](p, `document.documentElement.outerHTML.includes('C66EF7B2')`) {
		t.Error("the page shows a secret")
	}
	p.press(named("#install", "Install and start"))
	p.await("it is installed", has("#done", "The property file is in place."))
	s.shotHere("setup-done", p)
	p.stayedHere()
	p.calm()
	if err := g.cmd.Wait(); err != nil {
		t.Errorf("setup ended with %v", err)
	}
	if said := runs(t, nil, native(t)[0], "check", "--config", g.file()); !strings.Contains(said, "ok (Hotel Sea View, 1 PMS link, 0 devices)") {
		t.Errorf("check says %s", said)
	}
}
