package mews

import (
	"strings"
	"time"
)

// watermark is how far each kind of thing has been read, by Mews's clock. As
// text it is the offset that the agent stores.
type watermark struct {
	stays, rooms, guests time.Time
}

// String is the offset; "" while nothing has been read.
func (w watermark) String() string {
	if w == (watermark{}) {
		return ""
	}
	return "1/" + stampText(w.stays) + "/" + stampText(w.rooms) + "/" + stampText(w.guests)
}

// parseWatermark reads an offset. One that cannot be read is as good as none.
func parseWatermark(text string) (w watermark, ok bool) {
	if text == "" {
		return w, true
	}
	parts := strings.Split(text, "/")
	if len(parts) != 4 || parts[0] != "1" {
		return w, false
	}
	for i, to := range []*time.Time{&w.stays, &w.rooms, &w.guests} {
		t, err := time.Parse(time.RFC3339, parts[i+1])
		if err != nil {
			return watermark{}, false
		}
		*to = t.UTC()
	}
	return w, true
}
