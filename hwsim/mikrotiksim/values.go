package mikrotiksim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// units of a duration in the order in which they have to stand.
var units = []struct {
	letter byte
	long   time.Duration
}{
	{'w', 7 * 24 * time.Hour}, {'d', 24 * time.Hour}, {'h', time.Hour}, {'m', time.Minute}, {'s', time.Second},
}

// duration reads 1w2d3h4m5s; a plain number is seconds.
func duration(text string) (time.Duration, bool) {
	var sum time.Duration
	rest, next := text, 0
	for rest != "" {
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		number, err := strconv.ParseInt(rest[:n], 10, 32)
		if err != nil {
			return 0, false
		}
		if n == len(rest) && sum == 0 && next == 0 {
			return time.Duration(number) * time.Second, true
		}
		for n < len(rest) && next < len(units) && units[next].letter != rest[n] {
			next++
		}
		if n == len(rest) || next == len(units) {
			return 0, false
		}
		sum += time.Duration(number) * units[next].long
		rest, next = rest[n+1:], next+1
	}
	return sum, text != ""
}

// interval prints a duration as the router does: 1w2d3h4m5s, 0s.
func interval(d time.Duration) string {
	d = d.Truncate(time.Second)
	if d <= 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range units {
		if n := d / u.long; n > 0 {
			fmt.Fprintf(&b, "%d%c", n, u.letter)
			d -= n * u.long
		}
	}
	return b.String()
}

// rateLimit prints the rates of a profile: rx/tx from the router's side, so
// that rx is the guest's upload.
func (p Profile) rateLimit() string {
	if p.UpKbps == 0 && p.DownKbps == 0 {
		return ""
	}
	return rate(p.UpKbps) + "/" + rate(p.DownKbps)
}

func rate(kbps int) string {
	if kbps > 0 && kbps%1000 == 0 {
		return strconv.Itoa(kbps/1000) + "M"
	}
	return strconv.Itoa(kbps) + "k"
}

func yes(b bool) string { return strconv.FormatBool(b) }
