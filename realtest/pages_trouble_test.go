//go:build real

package realtest

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"time"
)

// shot is a picture for the documentation. A page has few colours: with the most
// frequent ones alone it is half as large, and nobody sees a difference.
func (s *bench) shot(name string, p *tab) {
	s.t.Helper()
	p.resize(1000, 740)
	value[bool](p, `(document.activeElement.blur(), scrollTo({top: 0, behavior: 'instant'}), true)`)
	s.shotHere(name, p)
}

// shotHere is shot of what is in the window.
func (s *bench) shotHere(name string, p *tab) {
	s.t.Helper()
	p.resize(1000, 740)
	p.picture(name)
	p.resize(1024, 720)
	file := filepath.Join("..", "build", "out", "screens", name+".png")
	text, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	full, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	few := image.NewPaletted(full.Bounds(), frequent(full, 48))
	draw.Draw(few, few.Bounds(), full, full.Bounds().Min, draw.Src)
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, few); err != nil {
		s.t.Fatal(err)
	}
	if out.Len() > maxShot {
		s.t.Errorf("%s.png has %d bytes, for the documentation at most %d", name, out.Len(), maxShot)
	}
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// maxShot is how large a picture of the documentation may be, in bytes.
const maxShot = 60_000

// frequent are the n most frequent colours of a picture.
func frequent(full image.Image, n int) color.Palette {
	times := map[color.Color]int{}
	for y := full.Bounds().Min.Y; y < full.Bounds().Max.Y; y++ {
		for x := full.Bounds().Min.X; x < full.Bounds().Max.X; x++ {
			times[full.At(x, y)]++
		}
	}
	colours := slices.Collect(maps.Keys(times))
	sort.Slice(colours, func(i, j int) bool {
		if a, b := times[colours[i]], times[colours[j]]; a != b {
			return a > b
		}
		return fmt.Sprint(colours[i]) < fmt.Sprint(colours[j])
	})
	return colours[:min(n, len(colours))]
}

// encoderAway unplugs the encoder, sees the condition come, and go.
func (s *bench) encoderAway() {
	s.t.Helper()
	s.control.press(named(deskEncoder, "Adapter unplugged"))
	s.page.await("the encoder is offline", has(`#devices-list li[data-id="lobby-encoder"]`, "offline"))
	from := time.Now()
	s.page.await("the condition", has("#conditions-list", "device silent: lobby-encoder", "What to do: check power, cable and network of the device.")+` && `+has("#stand", "needs a person"))
	s.t.Logf("the condition is there %v after the device is offline", time.Since(from).Round(time.Millisecond))
	s.control.await("the control room tells it too", has("#conditions", "lobby-encoder", "device-silent"))
	accessible(s.b, s.hotel.StatusURL+"/", "encoder-away", func(p *tab) {
		p.await("the condition", has("#conditions-list", "device silent"))
		p.press(element("#explain-submit"))
		p.await("the explanation", has("#explain-result", "Would happen on stay.checked_in"))
	})
	s.control.press(named(deskEncoder, "Adapter unplugged"))
	s.page.await("the condition is over", `document.getElementById('conditions-list').children.length === 0 && `+has("#stand", "All is well"))
	s.page.await("the encoder is online", has(`#devices-list li[data-id="lobby-encoder"]`, "online"))
}

// crowd opens more pages than there may be: who only looks gives way, and is told.
func (s *bench) crowd() {
	s.t.Helper()
	p := browse(chromium(s.t, s.t.TempDir(), ""), s.hotel.StatusURL+"/") // it has not logged in
	p.await("who looks sees the house", has("#stand", "All is well"))
	for range 16 {
		answer, err := http.Get(s.hotel.StatusURL + "/api/stream")
		if err != nil {
			s.t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			s.t.Fatalf("a page more is refused: %s", answer.Status)
		}
	}
	p.await("the page says that it had to give way", has("#stand", "Too many pages are open, and another has taken the place of this one. Load it anew to go on"))
	if text := value[string](s.page, `document.getElementById('stand').textContent`); text != "All is well" {
		s.t.Errorf("to who operates the page says %q", text)
	}
	p.call("Page.reload", nil, nil)
	p.await("loaded anew it goes on", has("#stand", "All is well"))
	p.close()
}

// powerCut cuts the agent's power while a card is made: nobody knows then whether
// it was, until a person has looked.
func (s *bench) powerCut() {
	s.t.Helper()
	s.control.press(named("#power", "Power cut in mid-card"))
	s.said("The power goes when the next card is to be made.")
	s.checkIn("Okafor", "102")
	s.control.await("the power is cut", has("#agent", "without power"))
	s.putIn() // the encoder was told, and does not know that nobody listens any more
	s.control.await("the card is made", has(`[aria-label="Room 102"]`, "Opens to"))
	s.page.await("the page says so", has("#stand", "The agent does not answer"))
	s.control.press(named("#power", "Start"))
	if err := s.hotel.AwaitLive(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.page.stayedHere()
	s.page.close()
	s.operate()
	p := s.page
	entry := `#waits-list li`
	p.await("nobody knows whether the card was cut", has(entry, "Nobody knows whether this was done: cut a key", "room 102"))
	p.await("the condition", has("#conditions-list", "outcome unknown"))
	p.await("the room's key", chip("102", "keycard", "unknown"))
	s.shot("status-page", p)
	accessible(s.b, s.hotel.StatusURL+"/", "outcome-unknown", func(p *tab) {
		p.await("what waits", has(entry, "room 102"))
	})
	accessible(s.b, s.hotel.StatusURL+"/", "are-you-sure", func(p *tab) {
		p.await("what waits", has(entry, "room 102"))
		p.press(element(entry + " [data-deed=done]"))
		p.await("it asks", element("#sure")+`.open`)
	})
	s.opens("102", "102", "Door 102 opens.")
	// Who is not sure goes back, with the keyboard alone, and is where he was.
	value[bool](p, `(`+element(entry+" [data-deed=done]")+`.focus(), true)`)
	p.enter()
	p.await("it asks", element("#sure")+`.open && `+has("#sure-text", "You have looked, and it was done?"))
	p.escape()
	p.await("it waits still", `!`+element("#sure")+`.open && document.querySelectorAll('`+entry+`').length === 1 && document.activeElement.dataset.deed === 'done'`)
	p.press(element(entry + " [data-deed=done]"))
	p.press(element("#sure-yes"))
	p.await("it waits no more", `document.querySelectorAll('`+entry+`').length === 0`)
	p.await("the room's key is known", chip("102", "keycard", "Processed"))
	p.await("the condition is over", `document.getElementById('conditions-list').children.length === 0`)
	s.asItShould()
}

// looks has both pages looked at for what keeps people out.
func (s *bench) looks() {
	s.t.Helper()
	accessible(s.b, s.hotel.StatusURL+"/", "status", func(p *tab) {
		p.await("the rooms", has("#rooms-list", "102"))
	})
	// With all that it can show: a fault, an encoder that asks for a card, something wrong.
	s.control.press(named("#switches", "TV broker down"))
	s.said("TV broker down.")
	s.checkIn("Ito", "103")
	accessible(s.b, s.controlURL, "control", func(p *tab) {
		p.await("the page is live", has("#line", "Live"))
		p.await("the encoder asks for a card", has(deskEncoder+" .lamp", "asks for a card"))
		p.await("something is wrong", has("#wrong", "103"))
		p.press(named("#power", "Start"))
		p.await("the page has said something", has("#said", "starts"))
	})
	s.putIn()
	s.control.press(named("#switches", "TV broker down"))
	s.asItShould()
}
