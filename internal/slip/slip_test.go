package slip

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"testing"
	"time"
)

func TestText(t *testing.T) {
	until := time.Date(2026, 11, 27, 13, 0, 0, 0, time.FixedZone("", 3600))
	for _, test := range []struct {
		name string
		slip Slip
		want string
	}{
		{"a voucher", Slip{Hotel: "Hotel Sea View", Room: "101", SSID: "Sea View Guest", Codes: []Code{{Code: "1234567890", Until: until}}},
			"Hotel Sea View\nWiFi for room 101\n\nNetwork    Sea View Guest\nCode       1234567890\nValid to   2026-11-27 13:00\n"},
		{"sharers with accounts", Slip{Hotel: "H", Room: "7", SSID: "G", Password: "p w", Codes: []Code{{User: "u1", Code: "c1"}, {User: "u2", Code: "c2"}}},
			"H\nWiFi for room 7\n\nNetwork    G\nPassword   p w\nUser name  u1\nCode       c1\n\nUser name  u2\nCode       c2\n"},
		{"what a printer would obey", Slip{Hotel: "H\x1b@", Room: "1\n2", Codes: []Code{{Code: "a\x00b"}}},
			"H@\nWiFi for room 12\n\nCode       ab\n"},
	} {
		if got := test.slip.Text(); got != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
}

func TestURI(t *testing.T) {
	for _, test := range []struct{ ssid, password, want string }{
		{"Sea View", "", "WIFI:T:nopass;S:Sea View;;"},
		{`a;b,c:d"e\f`, "", `WIFI:T:nopass;S:a\;b\,c\:d\"e\\f;;`},
		{"Café", "p;w", `WIFI:T:WPA;S:Café;P:p\;w;;`},
	} {
		if got := (Slip{SSID: test.ssid, Password: test.password}).uri(); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

// The picture is one that a camera finds: three finder patterns in a quiet zone.
func TestPNG(t *testing.T) {
	if _, err := (Slip{}).PNG(); !errors.Is(err, ErrNoNetwork) {
		t.Errorf("without a network: %v", err)
	}
	raw, err := Slip{SSID: "Sea View Guest"}.PNG()
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	size := picture.Bounds().Dx() / scale
	modules := size - 8 // four of margin on each side
	if picture.Bounds().Dx() != picture.Bounds().Dy() || modules < 21 || (modules-21)%4 != 0 {
		t.Fatalf("%v is no QR code", picture.Bounds())
	}
	for _, corner := range []image.Point{{4, 4}, {size - 11, 4}, {4, size - 11}} {
		for i, want := range []bool{true, false, true, true, true, false, true} { // the middle row of a finder pattern
			if got := dark(picture, corner.X+i, corner.Y+3); got != want {
				t.Errorf("finder at %v, module %d: dark %v", corner, i, got)
			}
		}
	}
	for i := range size {
		if dark(picture, i, 1) || dark(picture, 1, i) {
			t.Error("the margin is not clear")
			break
		}
	}
}

func dark(p image.Image, x, y int) bool {
	r, _, _, _ := p.At(x*scale+scale/2, y*scale+scale/2).RGBA()
	return r < 0x8000
}
