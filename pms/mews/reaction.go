package mews

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// reaction is what follows from a status of the API (Connector API, Responses).
type reaction struct {
	// again: the same request may go through later.
	again bool
	// less: ask for less at once.
	less bool
	// refused: only a person can mend it; it is tried again rarely.
	refused bool
	// code is the alarm that is raised, "" for none.
	code string
	// means says what it is and what to do, in the installer's words.
	means string
}

// The alarms of a link. Those of passing are about something that has happened.
const (
	alarmRefused    = "pms-refused"
	alarmPermission = "pms-permission"
	alarmRetired    = "pms-retired"
	alarmLimit      = "pms-limit"
	alarmClock      = "pms-clock"
	alarmZone       = "pms-timezone"
	alarmNoEvents   = "pms-no-events"
	alarmNoCommands = "pms-no-commands"
	alarmServices   = "pms-no-stays"
	alarmOffset     = "pms-cursor"
	alarmGap        = "pms-gap"
	alarmRenamed    = "pms-room-renamed"
	alarmData       = "pms-device-data"
	alarmPortfolio  = "pms-portfolio"
)

var passing = [...]string{alarmLimit, alarmOffset, alarmGap, alarmRenamed, alarmData}

// reactions by status; 0 stands for no answer at all.
var reactions = map[int]reaction{
	0:                                {again: true, means: "is the gateway's network up, and does the firewall let it through to Mews?"},
	http.StatusBadRequest:            {means: "Mews finds the request wrong"},
	http.StatusUnauthorized:          {refused: true, code: alarmRefused, means: "Mews refuses the tokens: check both token files, and in Mews that the integration is enabled"},
	http.StatusForbidden:             {means: "Mews does not allow it"},
	http.StatusNotFound:              {refused: true, code: alarmRetired, means: "Mews knows no such operation; is platform_url right? else update edgeagent"},
	http.StatusMethodNotAllowed:      {refused: true, code: alarmRetired, means: "what answers is not the Connector API; is platform_url right?"},
	http.StatusRequestTimeout:        {again: true, less: true, means: "Mews took too long over it"},
	http.StatusConflict:              {again: true, means: "the data changed meanwhile"},
	http.StatusGone:                  {refused: true, code: alarmRetired, means: "Mews has ended this operation: update edgeagent"},
	http.StatusRequestEntityTooLarge: {again: true, less: true, means: "too much was asked for at once"},
	http.StatusTooManyRequests:       {again: true, code: alarmLimit, means: "too many requests with this token: does another program use it? give each its own"},
}

// reactionTo finds the row of a status.
func reactionTo(status int) reaction {
	if r, ok := reactions[status]; ok {
		return r
	}
	if status >= 500 {
		return reaction{again: true, means: "Mews has trouble of its own"}
	}
	return reaction{again: true, means: "an answer that the Connector API does not give; is there a proxy or a login page in between?"}
}

// refusal is an error of the API.
type refusal struct {
	operation string
	host      string // that was asked
	status    int    // 0: no answer
	// message is Mews's own text, bounded; it may be meant for staff.
	message   string
	requestID string
	// wait is what Mews asked for, 0 for nothing.
	wait  time.Duration
	cause error
	// permission: others are granted, so the tokens are good.
	permission bool
	// with are the tokens it was asked with.
	with tokenPair
}

func (e *refusal) Error() string {
	var b strings.Builder
	b.WriteString(e.operation)
	if e.status != 0 {
		fmt.Fprintf(&b, ": HTTP %d", e.status)
	}
	if e.cause != nil {
		fmt.Fprintf(&b, ": %v", e.cause)
	}
	means := e.means()
	if e.permission {
		means = "Mews does not grant this operation to the integration"
	}
	fmt.Fprintf(&b, ": %s", means)
	if e.requestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.requestID)
	}
	return b.String()
}

// problemOf is an error for the status page. What Mews says of a refusal is
// meant for staff and can name a guest, so it goes there and into no log.
func problemOf(err error) string {
	e, ok := errors.AsType[*refusal](err)
	if !ok || e.message == "" || e.status != http.StatusForbidden && e.status != http.StatusBadRequest {
		return err.Error()
	}
	return fmt.Sprintf("%s: %q", err, e.message)
}

// means says what it is and what to do.
func (e *refusal) means() string {
	if e.status == 0 && e.host != "" {
		return fmt.Sprintf("is the gateway's network up, and does the firewall let %s through?", e.host)
	}
	return e.reaction().means
}

func (e *refusal) Unwrap() error { return e.cause }

func (e *refusal) reaction() reaction { return reactionTo(e.status) }

// statusOf is the status of an error of the API; 0 if it is none, or there was no answer.
func statusOf(err error) int {
	if e, ok := errors.AsType[*refusal](err); ok {
		return e.status
	}
	return 0
}

// forbidden reports whether an operation is not granted, while others are.
func forbidden(err error) bool {
	e, ok := errors.AsType[*refusal](err)
	return ok && e.permission
}

// refusedTokens reports whether nothing goes until a person mends it.
func refusedTokens(err error) bool {
	e, ok := errors.AsType[*refusal](err)
	return ok && e.reaction().refused && !e.permission
}

// refusedPair are the tokens with which nothing goes until a person mends it; 0
// if it is not that.
func refusedPair(err error) tokenPair {
	if e, ok := errors.AsType[*refusal](err); ok && refusedTokens(err) {
		return e.with
	}
	return 0
}

// maxRetryAfter bounds what a server can make us wait.
const maxRetryAfter = 10 * time.Minute

// retryAfter reads the header in both of its forms: seconds, or a date, which
// counts from the server's own Date. 0: there is none that makes sense.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if seconds < 0 || seconds != seconds {
			return 0
		}
		return time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second))
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
