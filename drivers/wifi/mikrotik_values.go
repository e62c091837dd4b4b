package wifi

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// RouterOS writes every value as text. These are the forms of the values that
// the driver reads and writes.

// routerUnits are those of a duration, in the order in which they stand.
var routerUnits = []struct {
	letter byte
	unit   time.Duration
}{
	{'w', 7 * 24 * time.Hour}, {'d', 24 * time.Hour}, {'h', time.Hour}, {'m', time.Minute}, {'s', time.Second},
}

// maxInterval is the longest duration that is read or written: 68 years, as
// many seconds as fit into 31 bits.
const maxInterval = (1<<31 - 1) * time.Second

// routerInterval writes 1d2h3m4s; parts of a second are left out.
func routerInterval(d time.Duration) string {
	d = min(max(d, 0), maxInterval).Truncate(time.Second)
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range routerUnits[1:] {
		if n := d / u.unit; n > 0 {
			fmt.Fprintf(&b, "%d%c", n, u.letter)
			d -= n * u.unit
		}
	}
	return b.String()
}

var routerClock = regexp.MustCompile(`^([0-9]{1,9}):([0-5][0-9]):([0-5][0-9])$`)

// parseInterval reads a duration in both forms of the router: 1w2d3h4m5s, and
// 1w2d03:04:05. Nothing is no limit: 0.
func parseInterval(text string) (time.Duration, bool) {
	var sum time.Duration
	rest := text
	for _, u := range routerUnits {
		if clock := routerClock.FindStringSubmatch(rest); clock != nil {
			rest = clock[1] + "h" + clock[2] + "m" + clock[3] + "s"
		}
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		if digits == 0 || digits > 10 || digits == len(rest) || rest[digits] != u.letter {
			continue
		}
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if err != nil || n > int64(maxInterval/u.unit) {
			return 0, false
		}
		sum += time.Duration(n) * u.unit
		rest = rest[digits+1:]
	}
	return sum, rest == "" && sum <= maxInterval
}

// routerRates are the rates of a rate-limit, in kbit/s as the guest sees them:
// the router writes rx/tx from its own side, so that rx is the guest's upload.
// What follows the first word is bursts.
func routerRates(text string) (down, up int, ok bool) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return 0, 0, text == ""
	}
	rx, tx, both := strings.Cut(words[0], "/")
	if !both {
		tx = rx
	}
	up, okUp := routerRate(rx)
	down, okDown := routerRate(tx)
	return down, up, okUp && okDown
}

// routerRate reads bit/s, with k or M for thousands and millions.
func routerRate(text string) (kbps int, ok bool) {
	factor := 1
	switch {
	case strings.HasSuffix(text, "k"):
		factor = 1000
	case strings.HasSuffix(text, "M"):
		factor = 1_000_000
	case strings.HasSuffix(text, "G"):
		factor = 1_000_000_000
	}
	n, err := strconv.ParseUint(strings.TrimRight(text, "kMG"), 10, 32)
	if err != nil || factor > 1 && len(strings.TrimRight(text, "kMG")) != len(text)-1 {
		return 0, false
	}
	return int(n) * factor / 1000, true
}

// writeRates is the rate-limit of a tier, rx/tx, as a person would write it.
func writeRates(t Tier) string { return writeRate(t.UpKbps) + "/" + writeRate(t.DownKbps) }

func writeRate(kbps int) string {
	switch {
	case kbps == 0:
		return "0" // no limit
	case kbps%1000 == 0:
		return strconv.Itoa(kbps/1000) + "M"
	}
	return strconv.Itoa(kbps) + "k"
}

// stamp is what stands in the comment of our users: the marker, when the user
// was made, since the router does not say, and when a grant that was overdue
// was last given anew.
//
//	htl:00112233445566aa@2026-11-22T14:00:00Z/2026-11-24T18:00:00Z
type stamp struct {
	key         string
	made, again time.Time
}

func (s stamp) String() string {
	text := markerPrefix + s.key + "@" + s.made.UTC().Format(time.RFC3339)
	if !s.again.IsZero() {
		text += "/" + s.again.UTC().Format(time.RFC3339)
	}
	return text
}

// parseStamp reads a comment. Its first word counts: somebody may have added a
// note. The instants may be missing, or be no instants; the marker still counts.
func parseStamp(comment string) (s stamp, ours bool) {
	word, _, _ := strings.Cut(comment, " ")
	rest, ours := strings.CutPrefix(word, markerPrefix)
	key, times, _ := strings.Cut(rest, "@")
	if !ours || !stayKey.MatchString(key) {
		return stamp{}, false
	}
	s.key = key
	made, again, _ := strings.Cut(times, "/")
	if s.made = stampTime(made); !s.made.IsZero() {
		s.again = stampTime(again)
	}
	return s, true
}

func stampTime(text string) time.Time {
	t, err := time.Parse("2006-01-02T15:04:05Z", text)
	if err != nil {
		return time.Time{}
	}
	return t.Truncate(time.Second)
}

// since is from when the shortest access counts.
func (s stamp) since() time.Time {
	switch {
	case !s.again.IsZero():
		return s.again
	case !s.made.IsZero():
		return s.made
	}
	return time.Unix(0, 0).UTC()
}
