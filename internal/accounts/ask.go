package accounts

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Source is a provider that can be asked what was used, with a key that may only read that.
type Source struct {
	Provider string // as the ledger names it: "Mistral", "Claude", "OpenAI"
	Address  string // of its API, without a path
	Key      string
	Place    string // the workspace or project whose usage it is; empty: all that the key sees
}

// pages bounds how many pages are asked for: a provider that never comes to an end is broken. Half of a usage is none: it
// would look as if calls were missing there.
const pages = 100

// longest is how much of an answer is read (32 MiB): far more than a hundred days of all models are.
const longest = 32 << 20

// Ask asks for the usage of days of UTC, from one until before another. Mistral answers by
// months, so what it says of other days is left out. Anthropic and OpenAI have at most 31 days on a page.
// Buckets are asked for by day, since that is what the ledger is held against. from and until are midnights of
// UTC.
func (s Source) Ask(ctx context.Context, client *http.Client, from, until time.Time) (list []Used, err error) {
	first, end := from.UTC().Format(time.DateOnly), until.UTC().Format(time.DateOnly)
	switch s.Provider {
	case "Mistral":
		for month := time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, time.UTC); month.Before(until); month = month.AddDate(0, 1, 0) {
			query := url.Values{"month": {strconv.Itoa(int(month.Month()))}, "year": {strconv.Itoa(month.Year())}}
			if s.Place != "" {
				query.Set("workspace_id", s.Place)
			}
			some, _, err := s.page(ctx, client, "/v1/admin/usage", query)
			if err != nil {
				return nil, err
			}
			list = append(list, some...)
		}
	case "Claude", "OpenAI":
		path, query := "/v1/organizations/usage_report/messages", url.Values{"starting_at": {first + "T00:00:00Z"}, "ending_at": {end + "T00:00:00Z"}, "bucket_width": {"1d"}, "group_by[]": {"model"}, "limit": {"31"}}
		place := "workspace_ids[]"
		if s.Provider == "OpenAI" {
			path, place = "/v1/organization/usage/completions", "project_ids"
			query = url.Values{"start_time": {strconv.FormatInt(from.Unix(), 10)}, "end_time": {strconv.FormatInt(until.Unix(), 10)}, "bucket_width": {"1d"}, "group_by": {"model"}, "limit": {"31"}}
		}
		if s.Place != "" {
			query.Set(place, s.Place)
		}
		for n, more := 0, true; more; n++ {
			if n == pages {
				return nil, fmt.Errorf("%s does not come to the end of its usage: %d pages were read", s.Provider, pages)
			}
			some, next, err := s.page(ctx, client, path, query)
			if err != nil {
				return nil, err
			}
			list, more = append(list, some...), next != ""
			query.Set("page", next)
		}
	default:
		return nil, fmt.Errorf("nobody knows how %s is asked for its usage: save it as a table", s.Provider)
	}
	// In the place of list: nothing else looks at it any more.
	kept := list[:0]
	for _, u := range list {
		if u.Day >= first && u.Day < end {
			kept = append(kept, u)
		}
	}
	return kept, nil
}

// page asks for one page and returns where the next one is. No error holds the answer's text: it may name people.
func (s Source) page(ctx context.Context, client *http.Client, path string, query url.Values) (list []Used, next string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(s.Address, "/")+path+"?"+query.Encode(), nil)
	if err != nil {
		return nil, "", fmt.Errorf("ask %s for its usage: %w", s.Provider, err)
	}
	switch s.Provider {
	case "OpenAI":
		r.Header.Set("Authorization", "Bearer "+s.Key)
	case "Claude":
		r.Header.Set("anthropic-version", "2023-06-01")
		fallthrough
	default:
		r.Header.Set("X-Api-Key", s.Key)
	}
	// A redirect is an answer like any other that is not understood: Go would take X-Api-Key along to any host.
	// It is a copy, so that whoever shares the client keeps redirects.
	stays := *client
	stays.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := stays.Do(r)
	if err != nil {
		return nil, "", fmt.Errorf("ask %s for its usage: %w", s.Provider, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("%s answers %s when it is asked for its usage: is the key one that may read it?", s.Provider, answer.Status)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, longest))
	if err != nil {
		return nil, "", fmt.Errorf("ask %s for its usage: %w", s.Provider, err)
	}
	if list, next, err = readAnswer(text); err != nil {
		return nil, "", fmt.Errorf("what %s says of its usage: %w", s.Provider, err)
	}
	return list, next, nil
}
