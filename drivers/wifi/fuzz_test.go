package wifi

import (
	"strings"
	"testing"
	"time"
)

func FuzzReadLegacy(f *testing.F) {
	for _, seed := range []string{
		`{"meta":{"rc":"ok"},"data":[{"mac":"02:00:00:00:00:01","voucher_code":"0123456789","start":1,"expired":false}]}`,
		`{"data":[],"meta":{"rc":"error","msg":"api.err.NoPermission"}}`,
		`{"meta":{"rc":"ok"},"data":{}}`, `[]`, `{"meta":`, ``, `{"data":[1]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var meta legacyMeta
		n := 0
		err := readLegacy(strings.NewReader(text), &meta, each(func(guest) { n++ }))
		if err == nil && n > len(text) {
			t.Errorf("%d records out of %d bytes", n, len(text))
		}
		if err != nil && len(text) > 12 && strings.Contains(unreadable(err).Error(), text) {
			t.Errorf("the error quotes the answer: %v", unreadable(err))
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"7", "-3", "Sun, 22 Nov 2026 14:01:30 GMT", "99999999999999999999", "", "soon"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		wait, ok := retryAfter(text, start, 3*time.Second)
		if wait < 0 || wait > maxWait || !ok && wait != 0 {
			t.Errorf("%q: %v, %v", text, wait, ok)
		}
	})
}
