//go:build real

package realtest

import (
	"os"
	"strings"
	"testing"

	"edgeagent/hwsim"
)

// TestPagesInvalid: what is wrong in a property file is shown so that the carets point at it.
func TestPagesInvalid(t *testing.T) {
	h := openHotel(t, native(t), hwsim.Options{Rooms: []string{"101"}})
	text, err := os.ReadFile(h.PropertyFile)
	if err != nil {
		t.Fatal(err)
	}
	const wrong = "a file: with, more: than, one: fault, and: so, wide: that, it: does, not: fit, on: a, telephone: at, all: caret_here"
	if err := os.WriteFile(h.PropertyFile, []byte(string(text)+"\nfrist: 1\n'"+wrong+"': 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	power := &hwsim.Power{Hotel: h, Command: native(t), LogFile: t.TempDir() + "/agent.log"}
	if err := power.On(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = power.Off() })
	p := chromium(t, t.TempDir(), "").open("about:blank", 360, 740)
	eventually(t, "the page answers", func() (bool, string) {
		p.call("Page.navigate", map[string]any{"url": h.StatusURL + "/"}, nil)
		ok, _ := evaluate[bool](p, `new Promise((r) => setTimeout(() => r((document.getElementById('file-problems')?.textContent ?? '') !== ''), 300))`)
		return ok, "nothing yet"
	})
	p.await("the condition", has("#conditions-list", "config invalid", "In the property file"))
	if said := value[string](p, `document.getElementById('conditions-list').innerText`); strings.Contains(said, "^") || strings.Contains(said, "since") {
		t.Errorf("the condition says %q", said)
	}
	// Each caret stands below the character that it points at.
	found := value[[]string](p, `(() => {
		const text = document.getElementById('file-problems').firstChild, at = (i) => {
			const r = document.createRange(); r.setStart(text, i); r.setEnd(text, i + 1); return r.getBoundingClientRect();
		};
		const lines = text.data.split('\n'), wrong = []; let start = 0, carets = 0;
		for (const [i, line] of lines.entries()) {
			if (/^\s+\| *\^$/.test(line)) {
				carets++;
				const column = line.length - 1, above = at(start - lines[i - 1].length - 1 + column), here = at(start + column);
				if (Math.abs(above.left - here.left) > 1 || here.top <= above.top || here.top - above.top > 2 * above.height) wrong.push(line);
			}
			start += line.length + 1;
		}
		return carets < 2 ? [carets + ' carets'] : wrong;
	})()`)
	for _, line := range found {
		t.Errorf("on a telephone it does not point: %s", line)
	}
	p.fits("config-invalid")
	accessible(p.b, h.StatusURL+"/", "config-invalid", func(p *tab) { p.await("the condition", has("#conditions-list", "config invalid")) })
	p.calm()
}
