package pn532

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// blobs are worked out once and stand in docs/credential.md for whoever builds a
// lock: signing key from the seed 00 01 … 1F, key id 1, property "seaview".
var blobs = []struct {
	name, uid string
	key       Credential
}{
	{"one room", "04 A2 B3 C4 D5 E6 80", Credential{Kind: Guest, Rooms: []string{"101"}, Generation: 4711,
		From: time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC), Until: time.Date(2026, 7, 17, 9, 0, 0, 0, time.UTC)}},
	{"two rooms, at once", "C1 D3 33 EA", Credential{Kind: Guest, Rooms: []string{"101", "Spa 2"}, Generation: 4712,
		Until: time.Date(2026, 7, 17, 9, 0, 0, 0, time.UTC)}},
	{"staff", "04 A2 B3 C4 D5 E6 81", Credential{Kind: Staff, Rooms: []string{"housekeeping"}, Generation: 0,
		Until: time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC)}},
}

// lines writes bytes in rows of 16.
func lines(b []byte) string {
	var out strings.Builder
	for i := 0; i < len(b); i += 16 {
		fmt.Fprintf(&out, "% X\n", b[i:min(i+16, len(b))])
	}
	return out.String()
}

func TestBlobsStandInTheDocument(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/credential.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range blobs {
		key := v.key
		key.Property = "seaview"
		blob, err := key.Seal(unhex(t, v.uid), Signer{1, signingKey})
		if err != nil {
			t.Fatal(err)
		}
		if want := lines(wrap(blob)); !bytes.Contains(doc, []byte(want)) {
			t.Errorf("docs/credential.md lacks %s:\n%s", v.name, want)
		}
		got, err := Unseal(blob, unhex(t, v.uid), "seaview", keyring)
		key.KeyID = 1
		if diff := cmp.Diff(key, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", v.name, err, diff)
		}
	}
	if public := lines(keyring[1]); !bytes.Contains(doc, []byte(public)) {
		t.Errorf("docs/credential.md lacks the public key:\n%s", public)
	}
}

func TestUnsealRefuses(t *testing.T) {
	uid := []byte{4, 1, 2, 3, 4, 5, 6}
	key := guestKey()
	key.Property = "seaview"
	blob, err := key.Seal(uid, Signer{1, signingKey})
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Clone(uid)
	other[6]++
	for name, tc := range map[string]struct {
		blob, uid []byte
		property  string
		keys      Keyring
		want      error
	}{
		"another card":     {blob, other, "seaview", keyring, ErrBadSignature},
		"shorter number":   {blob, uid[:4], "seaview", keyring, ErrBadSignature},
		"another property": {blob, uid, "hilltop", keyring, ErrOtherProperty},
		"key taken out":    {blob, uid, "seaview", Keyring{2: keyring[1]}, ErrUnknownKey},
		"key too short":    {blob, uid, "seaview", Keyring{1: keyring[1][:5]}, ErrUnknownKey},
		"empty":            {nil, uid, "seaview", keyring, ErrNoCredential},
		"unfinished":       {append([]byte{'K', 0}, blob[2:]...), uid, "seaview", keyring, ErrUnfinished},
		"later version":    {append([]byte{'K', 2}, blob[2:]...), uid, "seaview", keyring, ErrNoCredential},
		"cut off":          {blob[:len(blob)-1], uid, "seaview", keyring, ErrNoCredential},
	} {
		if _, err := Unseal(tc.blob, tc.uid, tc.property, tc.keys); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	for bit := range len(blob) * 8 {
		bad := bytes.Clone(blob)
		bad[bit/8] ^= 1 << (bit % 8)
		if _, err := Unseal(bad, uid, "seaview", keyring); err == nil {
			t.Errorf("bit %d changed, and it is taken", bit)
		}
	}
}

func TestSealUnsealIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := Credential{
			Kind: rapid.SampledFrom([]KeyKind{Guest, Staff}).Draw(t, "kind"), Property: "seaview", KeyID: 1,
			Rooms:      rapid.SliceOfNDistinct(rapid.StringMatching(`[ -~]{1,12}`), 1, 4, rapid.ID[string]).Draw(t, "rooms"),
			From:       time.Unix(rapid.Int64Range(1, 1<<31).Draw(t, "from"), 0).UTC(),
			Generation: rapid.Uint32().Draw(t, "generation"),
		}
		key.Until = key.From.Add(time.Duration(rapid.IntRange(1, 1e6).Draw(t, "stay")) * time.Second)
		uid := rapid.SliceOfN(rapid.Byte(), 4, 10).Draw(t, "uid")
		blob, err := key.Seal(uid, Signer{1, signingKey})
		if err != nil {
			t.Fatal(err)
		}
		if area := wrap(blob); len(area) > keyArea {
			t.Fatalf("four rooms of 12 characters need %d bytes: an NTAG213 has %d", len(area), keyArea)
		}
		got, err := Unseal(blob, uid, "seaview", keyring)
		if diff := cmp.Diff(key, got); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
	})
}

func TestOpens(t *testing.T) {
	key := guestKey()
	staff := key
	staff.Kind = Staff
	for _, tc := range []struct {
		name   string
		key    Credential
		room   string
		at     time.Time
		latest uint32
		want   string
	}{
		{"in the stay", key, "101", key.From, 7, "<nil>"},
		{"the last second", key, "101", key.Until.Add(-time.Second), 0, "<nil>"},
		{"too early", key, "101", key.From.Add(-time.Second), 0, "the key is not valid yet"},
		{"too late", key, "101", key.Until, 0, "the key has ended"},
		{"another room", key, "1010", key.From, 0, "the key is for other rooms"},
		{"the guest before", key, "101", key.From, 8, "a later key of this room has been used"},
		{"staff have no generation", staff, "101", key.From, 8, "<nil>"},
	} {
		if got := fmt.Sprint(tc.key.Opens(tc.room, tc.at, tc.latest)); got != tc.want {
			t.Errorf("%s: %s", tc.name, got)
		}
	}
}

func TestFractionsOfASecondNeverShortenAStay(t *testing.T) {
	key := guestKey()
	key.Property = "seaview"
	key.From, key.Until = key.From.Add(900*time.Millisecond), key.Until.Add(time.Millisecond)
	blob, err := key.Seal([]byte{1, 2, 3, 4}, Signer{1, signingKey})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Unseal(blob, []byte{1, 2, 3, 4}, "seaview", keyring)
	if err != nil || got.From.After(key.From) || got.Until.Before(key.Until) {
		t.Errorf("%v: %s to %s", err, got.From, got.Until)
	}
}

func FuzzUnseal(f *testing.F) {
	key := guestKey()
	key.Property = "seaview"
	blob, _ := key.Seal([]byte{1, 2, 3, 4}, Signer{1, signingKey})
	f.Add(wrap(blob))
	f.Add([]byte{3, 0, 0xFE})
	f.Fuzz(func(t *testing.T, area []byte) {
		kind, value := content(area)
		if kind == OurKey {
			if _, err := Unseal(value, []byte{1, 2, 3, 4}, "seaview", keyring); err == nil && !bytes.Equal(value, blob) {
				t.Errorf("% X is taken for a key", value)
			}
		}
		if kind == Message {
			records, err := parseNDEF(value)
			for _, r := range records {
				r.Text()
				r.URI()
			}
			if err == nil && len(records) == 0 {
				t.Error("a message without records")
			}
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	link := buses["SPI"](newDouble(), Lines{})
	for want, change := range map[string]func(*Options){
		"SPI0.0: keys need the property's name":                                                func(o *Options) { o.Property = "" },
		"SPI0.0: the public half of signing key 2 is missing: our own cards could not be told": func(o *Options) { o.Signer.KeyID = 2 },
	} {
		opts := options()
		change(&opts)
		if _, err := Open(link, opts); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	r, err := Open(link, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Encode(t.Context(), guestKey(), How{})
	refusal(t, err, BadRequest, "refused: no signing key is set: name one in the property file")
}
