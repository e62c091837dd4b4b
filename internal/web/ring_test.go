package web

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestRingKeepsTheLast(t *testing.T) {
	r := &Ring{}
	for i := range 3 * maxLines {
		fmt.Fprintf(r, `{"n":%d}`+"\n", i+1)
	}
	lines, newest := r.after(0)
	if len(lines) != maxLines || newest != 3*maxLines || string(lines[0]) != `{"n":1001}` || string(lines[maxLines-1]) != `{"n":1500}` {
		t.Errorf("%d lines from %s to %s, newest %d", len(lines), lines[0], lines[len(lines)-1], newest)
	}
	if lines, _ := r.after(1499); len(lines) != 1 || string(lines[0]) != `{"n":1500}` {
		t.Errorf("%s", lines)
	}
	if lines, newest := r.after(1500); len(lines) != 0 || newest != 1500 {
		t.Errorf("%s", lines)
	}
	var none *Ring
	if lines, newest := none.after(0); lines != nil || newest != 0 || none.newest() != 0 {
		t.Error("a ring that is none has lines")
	}
}

// A line is JSON for the page, whatever it was, and bounded.
func TestLinesAreJSON(t *testing.T) {
	r := &Ring{}
	long := `{"message":"` + strings.Repeat("x", 3*maxLine) + `"}` + "\n"
	for _, line := range []string{"plain text\n", "{\"torn\":", "\xff\xfe", "", long, `{"message":"</script><b>"}`} {
		if n, err := r.Write([]byte(line)); n != len(line) || err != nil {
			t.Errorf("%d %v", n, err)
		}
	}
	lines, _ := r.after(0)
	for _, line := range lines {
		var v map[string]any
		if err := json.Unmarshal(line, &v); err != nil || len(line) > 2*maxLine {
			t.Errorf("%.40s: %v, %d bytes", line, err, len(line))
		}
	}
	if string(lines[0]) != `{"message":"plain text"}` {
		t.Errorf("%s", lines[0])
	}
}
