package github

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/slogate/slogate/secret"
)

// Error is a refusal of the API.
type Error struct {
	// Status of the answer, 400 to 599.
	Status int
	// Message is the server's, in one line without control characters, at most
	// 300 bytes; may be empty.
	Message string
	// Needs is the permission that the token lacks, such as "pull-requests:
	// write"; empty where that is not the cause. A 404 may have it: a
	// repository that a token cannot read looks as if it were not there.
	Needs string
	// RateLimited says that the token has made too many calls.
	RateLimited bool
	// Locked says that the conversation takes no comments.
	Locked bool

	retryAfter time.Duration // 0: the server did not say
}

func (e *Error) Error() string {
	text := fmt.Sprintf("status %d", e.Status)
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Needs != "" {
		text += " (needs the permission " + e.Needs + ")"
	}
	return text
}

const (
	largestErrorBody = 64 << 10
	longestMessage   = 300
)

// refusal reads an answer that is an error.
func (c *Client) refusal(r call, response *http.Response) *Error {
	body, _ := read(response.Body, largestErrorBody) // a broken one still has its status
	e := &Error{Status: response.StatusCode, Message: c.quote(message(body))}
	e.Locked = e.Status == http.StatusForbidden && strings.Contains(strings.ToLower(e.Message), "locked")
	e.RateLimited = rateLimited(response, e.Message)
	e.retryAfter = c.retryAfter(response.Header, e.RateLimited)
	denied := e.Status == http.StatusForbidden || e.Status == http.StatusNotFound
	if denied && !e.Locked && !e.RateLimited {
		e.Needs = r.needs
	}
	return e
}

// message is the text of an error's body.
func message(body []byte) string {
	var said struct {
		Message string `json:"message"`
		Errors  []any  `json:"errors"`
	}
	if json.Unmarshal(body, &said) != nil {
		return ""
	}
	var text strings.Builder
	text.WriteString(said.Message)
	for _, e := range said.Errors {
		if details, ok := e.(map[string]any); ok {
			if m, ok := details["message"].(string); ok {
				text.WriteString("; " + m)
			}
		}
	}
	return text.String()
}

// rateLimited knows the primary limit by its header and the secondary one by
// its header or words.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
func rateLimited(response *http.Response, message string) bool {
	switch response.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusForbidden:
		return response.Header.Get("X-Ratelimit-Remaining") == "0" || response.Header.Get("Retry-After") != "" ||
			strings.Contains(strings.ToLower(message), "rate limit")
	}
	return false
}

// retryAfter is how long the server asks to wait: seconds or a date; else
// until the primary limit is reset; else the minute that GitHub's
// documentation asks for at a secondary limit.
func (c *Client) retryAfter(header http.Header, limited bool) time.Duration {
	after := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(after, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(after); err == nil {
		return c.until(date)
	}
	if !limited {
		return 0
	}
	reset, err := strconv.ParseInt(header.Get("X-Ratelimit-Reset"), 10, 64)
	if err == nil && header.Get("X-Ratelimit-Remaining") == "0" {
		return c.until(time.Unix(reset, 0)) + time.Second
	}
	return time.Minute
}

// until is how long it is to a moment, at most a day, which nobody waits for.
func (c *Client) until(moment time.Time) time.Duration {
	return min(max(moment.Sub(c.now()), 0), 24*time.Hour)
}

// quote prepares a text of the server for an error; the token is not repeated,
// nor is one that invisible characters kept apart.
func (c *Client) quote(text string) string {
	return shortened(secret.NewMask([]string{c.token}).Text(oneLine(text)))
}

// cleaned returns a text in one line without invisible characters, cut.
func cleaned(text string) string { return shortened(oneLine(text)) }

func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return strings.Join(strings.Fields(text), " ")
}

func shortened(text string) string {
	if len(text) > longestMessage {
		text = strings.ToValidUTF8(text[:longestMessage-len("…")], "") + "…"
	}
	return text
}
