package hwsim

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/tvsim"
)

// A judge that cannot find fault proves nothing: each of these houses has one.

func openHotel(t *testing.T) *Hotel {
	t.Helper()
	h, err := Open(Options{Dir: t.TempDir(), Rooms: []string{"101", "102"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func finds(t *testing.T, what string, faults []string, part string) {
	t.Helper()
	if !strings.Contains(strings.Join(faults, "; "), part) {
		t.Errorf("%s: the judge found %q, want something with %q", what, faults, part)
	}
}

func TestJudgeMissesNothing(t *testing.T) {
	h := openHotel(t)
	if wrong := append(h.Screens(), h.Codes()...); len(wrong) > 0 {
		t.Fatalf("an empty house has faults: %q", wrong)
	}
	s := h.Guest("Ms", "Ana", "Silva", "PT", 2)
	h.Desk().CheckIn(s, "101") // and no agent anywhere
	finds(t, "no greeting", h.Screens(), `TV 101 shows [], want ["Silva"]`)
	finds(t, "no code", h.Codes(), "codes of 0 stays work, but 1 are in house")
	if h.Key(s) != "" {
		t.Error("a key opens a door, but none was cut")
	}

	unifi := h.WiFi.(uniFi)
	unifi.AddVoucher("htl:0123456789abcdef", 60, 1)
	unifi.AddVoucher("htl:0123456789abcdef", 60, 1)
	finds(t, "two codes", h.Codes(), "2 codes work for htl:0123456789abcdef")
	unifi.AddVoucher("htl:eternal", 900_000, 1)
	finds(t, "a code without an end", h.Endless(), "the code of htl:eternal lasts until")
}

func TestJudgeSeesStaleName(t *testing.T) {
	h := openHotel(t)
	put := func(payload string) {
		if err := h.Broker.(*tvsim.Broker).Put("htl/v1/"+PropertyID+"/room/102/welcome", []byte(payload), true); err != nil {
			t.Fatal(err)
		}
	}
	put(`{"v":1,"gen":1,"id":"x","room":"102","stay":"k","occupied":true,"guests":[{"last":"Gone","display":"Ms \u2068Gone\u2069"}],"lang":"en","dir":"ltr",` +
		`"departure":"2099-01-01T12:00:00Z","issued_at":"2026-01-01T12:00:00Z","expires_at":"2099-01-01T14:00:00Z","tz":"UTC"}`)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := Eventually(ctx, func() bool { return len(h.Screens()) == 1 }); err != nil {
		t.Fatalf("the judge does not see the name of who left: %q", h.Screens())
	}
	finds(t, "a stale name", h.Screens(), "TV 102 shows")
}

// The same key twice, cut by hand over the wire.
func TestJudgeSeesSecondCard(t *testing.T) {
	h := openHotel(t)
	s := h.Guest("Ms", "Ana", "Silva", "PT", 2)
	h.Desk().CheckIn(s, "101")
	line, err := os.OpenFile(h.Encoder.Name(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	speed(t, line)
	for n := 1; n <= 2; n++ {
		h.cutByHand(t, line, "CN", s)
		if wrong := h.CutTwice(); (len(wrong) > 0) != (n == 2) {
			t.Errorf("after %d cards: %q", n, wrong)
		}
	}
}

// The next guest gets a copy of the key of who was there before, and the room
// is checked out after the next guest's key.
func TestJudgeSeesWrongKeys(t *testing.T) {
	h := openHotel(t)
	line, err := os.OpenFile(h.Encoder.Name(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	speed(t, line)
	first, next := h.Guest("Ms", "Ana", "Silva", "PT", 2), h.Guest("Mr", "Ben", "Okafor", "E", 2)
	h.Desk().CheckIn(first, "101")
	h.cutByHand(t, line, "CN", first)
	if wrong := h.WrongKeys(); len(wrong) > 0 {
		t.Errorf("one guest with one key: %q", wrong)
	}
	h.Desk().CheckOut(first)
	h.Desk().CheckIn(next, "101")
	h.cutByHand(t, line, "CC", next)
	finds(t, "a copy for the next guest", h.WrongKeys(), "a card of Silva, who is not in 101, opens it")
	h.cutByHand(t, line, "CN", next)
	if wrong := h.WrongKeys(); len(wrong) > 0 {
		t.Errorf("the next guest with a new key: %q", wrong)
	}
	if _, err := line.Write(frame("CO", "0", "101")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := h.Locks.Wait(ctx, func() bool { return len(h.WrongKeys()) > 0 }); err != nil {
		t.Fatal("the judge does not see that the room was checked out after its key")
	}
	finds(t, "a check-out behind the key", h.WrongKeys(), "the newest card of 101, made for Okafor, does not open it")
}

// cutByHand makes a card over the wire, and waits until it is out.
func (h *Hotel) cutByHand(t *testing.T, line *os.File, command string, s *Stay) {
	t.Helper()
	cards := len(h.Locks.Cuts(s.Room))
	until := s.Departure.In(h.Zone).Format("1504020106")
	if _, err := line.Write(frame(command, EncoderName, "R", s.Room, "", "", "", "", "", "", until)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := h.Locks.Wait(ctx, func() bool { return len(h.Locks.Cuts(s.Room)) > cards && !h.Encoder.Busy() }); err != nil {
		t.Fatalf("card %d was not cut: %v", cards+1, err)
	}
}

// frame is a frame of the Industry Standard link.
func frame(fields ...string) []byte {
	const sep = "\xb3"
	body := sep + strings.Join(fields, sep) + sep + "\x03"
	var lrc byte
	for i := range len(body) {
		lrc ^= body[i]
	}
	return append([]byte("\x02"+body), lrc)
}

func TestJudgeReadsTheLog(t *testing.T) {
	h := openHotel(t)
	h.Guest("Ms", "Ana", "Silva", "PT", 2)
	code := h.WiFi.(uniFi).AddVoucher("htl:k", 60, 1)
	log := filepath.Join(t.TempDir(), "agent.log")
	for _, c := range []struct{ line, want string }{
		{"checked in Silva", "a guest's name stands in line 2"},
		{"code " + code, "a WiFi code stands in line 2"},
		{"RSV240001", "a reservation number stands in line 2"},
		{"bearer " + clientSecret, "the PMS secret stands in line 2"},
		{hex.EncodeToString([]byte("nothing")), ""},
	} {
		if err := os.WriteFile(log, []byte("first\n"+c.line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		finds(t, c.line, h.Leaks(log), c.want)
	}
	if wrong := h.Leaks(log); len(wrong) > 0 {
		t.Errorf("a clean log: %q", wrong)
	}
}

// The judge reads what the agent asks for, and each part of its report.
func TestJudgeReadsAddressesAndReports(t *testing.T) {
	h := openHotel(t)
	h.Guest("Ms", "Ana", "Silva", "PT", 2)
	ask := func(address string) {
		t.Helper()
		resp, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	ask(h.PMS.TokenURL())
	if wrong := h.Asked(); len(wrong) > 0 {
		t.Errorf("%q", wrong)
	}
	ask(h.PMS.TokenURL() + "?guest=Sil%76a")
	finds(t, "an address", h.Asked(), "a guest's name stands in line")

	report := func(name, text string) []string {
		t.Helper()
		file := filepath.Join(t.TempDir(), "report.tar.gz")
		f, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		packed := gzip.NewWriter(f)
		parts := tar.NewWriter(packed)
		for name, text := range map[string]string{"r/status.json": `{"devices": []}`, name: text} {
			if err := parts.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(text))}); err != nil {
				t.Fatal(err)
			}
			if _, err := parts.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(parts.Close(), packed.Close(), f.Close()); err != nil {
			t.Fatal(err)
		}
		wrong, err := h.leaksOf(file)
		if err != nil {
			return []string{err.Error()}
		}
		return wrong
	}
	if wrong := report("r/log.jsonl", "all is well\n"); len(wrong) > 0 {
		t.Errorf("a clean report: %q", wrong)
	}
	finds(t, "a report with a name", report("r/log.jsonl", "one\nSilva\n"), "a guest's name stands in line 2 of log.jsonl of the report")
	finds(t, "a report of no agent", report("r/status.json", "no agent answers\n"), "the report does not say how the agent stands")
}
