package accounts

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"countersign/budget"
)

// Used is what a provider says that was used of a model on a day of UTC.
type Used struct {
	Day    string // 2026-11-27
	Model  string
	Input  int64 // all tokens of prompts, those from and into a cache included
	Output int64
	Cost   *budget.USD // nil: it does not say
}

// The shapes of what providers answer, looked up on 2026-11-27:
//
//   - Anthropic, GET /v1/organizations/usage_report/messages (platform.claude.com, Admin
//     API): buckets with starting_at, and results with uncached_input_tokens,
//     cache_read_input_tokens, cache_creation and output_tokens, by model when grouped so.
//   - OpenAI, GET /v1/organization/usage/completions (its OpenAPI document 2.3.0): buckets
//     with start_time in seconds, and results with input_tokens (those from a cache are in
//     them), output_tokens and model.
//   - Mistral, GET /v1/admin/usage (docs.mistral.ai, Admin API, a preview for Enterprise):
//     categories such as completion and chat, each with models, each with lists of input,
//     output and cached entries that have timestamp and value. Its documentation names the
//     categories; the entries were taken from public programs that read them.
type answer struct {
	// Anthropic and OpenAI.
	Data []struct {
		StartingAt string `json:"starting_at"`
		StartTime  int64  `json:"start_time"`
		Results    []struct {
			Model    *string `json:"model"`
			Uncached int64   `json:"uncached_input_tokens"`
			Read     int64   `json:"cache_read_input_tokens"`
			Creation struct {
				Short int64 `json:"ephemeral_5m_input_tokens"`
				Long  int64 `json:"ephemeral_1h_input_tokens"`
			} `json:"cache_creation"`
			Input  int64 `json:"input_tokens"`
			Output int64 `json:"output_tokens"`
		} `json:"results"`
	} `json:"data"`
	HasMore  bool   `json:"has_more"`
	NextPage string `json:"next_page"`

	// Mistral.
	Chat       *category `json:"chat"`
	Completion *category `json:"completion"`
}

// category is a kind of call at Mistral, with what each model used.
type category struct {
	Models map[string]struct {
		Input  []entry `json:"input"`
		Output []entry `json:"output"`
		Cached []entry `json:"cached"`
	} `json:"models"`
}

// entry is a number of tokens at some time. json.Number, so that none is rounded.
type entry struct {
	Timestamp string      `json:"timestamp"`
	Value     json.Number `json:"value"`
}

// ReadUsage reads what a provider says, as it answers or as somebody has saved it: the JSON
// of the three providers, or a table with columns for day, model and tokens.
// What begins with a brace is taken for an answer of an API, anything else for a table with commas.
func ReadUsage(in io.Reader) (list []Used, err error) {
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, fmt.Errorf("read a provider's usage: %w", err)
	}
	if strings.HasPrefix(strings.TrimSpace(string(text)), "{") {
		list, _, err = readAnswer(text)
	} else {
		list, err = readTable(text)
	}
	if err != nil {
		return nil, fmt.Errorf("read a provider's usage: %w", err)
	}
	return list, nil
}

// readAnswer reads one page of an answer, and says where the next one is.
func readAnswer(text []byte) (list []Used, next string, err error) {
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, "", err
	}
	sums := map[[2]string]*Used{}
	// Days and models may come in pieces: by hour, by project, by kind of cache.
	add := func(day, model string, input, output int64) {
		if input == 0 && output == 0 {
			return
		}
		key := [2]string{day, model}
		if sums[key] == nil {
			sums[key] = &Used{Day: day, Model: model}
		}
		sums[key].Input, sums[key].Output = sums[key].Input+input, sums[key].Output+output
	}
	for _, b := range a.Data {
		day, err := dayOf(b.StartingAt)
		if b.StartTime > 0 {
			day, err = time.Unix(b.StartTime, 0).UTC().Format(time.DateOnly), nil
		}
		if err != nil {
			return nil, "", err
		}
		for _, r := range b.Results {
			if r.Model == nil {
				return nil, "", errors.New("it is not told apart by model: ask for it with group_by model")
			}
			// Of these Anthropic sends the first four and OpenAI input_tokens: each leaves the others at 0.
			add(day, *r.Model, r.Uncached+r.Read+r.Creation.Short+r.Creation.Long+r.Input, r.Output)
		}
	}
	for _, c := range []*category{a.Chat, a.Completion} {
		if c == nil {
			continue
		}
		for name, m := range c.Models {
			// The model that was asked for stands before the one that answered.
			if _, answered, both := strings.Cut(name, "::"); both {
				name = answered
			}
			for i, entries := range [][]entry{m.Input, m.Cached, m.Output} {
				for _, e := range entries {
					day, err := dayOf(e.Timestamp)
					if err != nil {
						return nil, "", err
					}
					n, err := e.Value.Int64()
					if err != nil {
						return nil, "", fmt.Errorf("%q is no number of tokens", e.Value)
					}
					if i == 2 {
						add(day, name, 0, n)
					} else {
						add(day, name, n, 0)
					}
				}
			}
		}
	}
	if a.Data == nil && a.Chat == nil && a.Completion == nil {
		return nil, "", errors.New("this is none of the answers that are known: Anthropic's, OpenAI's or Mistral's")
	}
	for _, u := range sums {
		list = append(list, *u)
	}
	sortUsed(list)
	if a.HasMore {
		next = a.NextPage
	}
	return list, next, nil
}

// dayOf is the day of UTC of a moment, or of a date.
func dayOf(text string) (string, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC().Format(time.DateOnly), nil
	}
	if len(text) >= len(time.DateOnly) {
		if at, err := time.Parse(time.DateOnly, text[:len(time.DateOnly)]); err == nil {
			return at.Format(time.DateOnly), nil
		}
	}
	return "", fmt.Errorf("%q is no date", text)
}

// names are how tables call what is looked for: the first one that is there counts.
var tableNames = map[string][]string{
	"day":    {"day", "date", "usage_date_utc", "starting_at", "start_time", "timestamp"},
	"model":  {"model", "model_version", "model_name"},
	"input":  {"input_tokens", "prompt_tokens", "usage_input_tokens", "input"},
	"output": {"output_tokens", "completion_tokens", "usage_output_tokens", "output"},
	"cost":   {"usd", "cost_usd", "cost", "amount_usd"},
}

// readTable reads a table with a heading. Rows of one day and model are added up.
// The byte order mark, as Excel writes one, is taken off: it would be a part of the first heading.
func readTable(text []byte) (list []Used, err error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("it is empty")
	}
	at := map[string]int{}
	for what, names := range tableNames {
		at[what] = -1
		for _, name := range names {
			for i, heading := range rows[0] {
				if at[what] < 0 && strings.ReplaceAll(strings.ToLower(strings.TrimSpace(heading)), " ", "_") == name {
					at[what] = i
				}
			}
		}
		if at[what] < 0 && what != "cost" {
			return nil, fmt.Errorf("it has no column %s; known names are %s", what, strings.Join(names, ", "))
		}
	}
	sums := map[[2]string]*Used{}
	for n, row := range rows[1:] {
		day, err := dayOf(row[at["day"]])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+2, err)
		}
		key := [2]string{day, row[at["model"]]}
		if sums[key] == nil {
			sums[key] = &Used{Day: day, Model: key[1]}
		}
		u := sums[key]
		for what, into := range map[string]*int64{"input": &u.Input, "output": &u.Output} {
			tokens, err := strconv.ParseInt(strings.ReplaceAll(row[at[what]], ",", ""), 10, 64)
			if err != nil {
				return nil, fmt.Errorf("line %d: %q is no number of tokens", n+2, row[at[what]])
			}
			*into += tokens
		}
		if at["cost"] >= 0 && row[at["cost"]] != "" {
			cost, err := budget.ParseUSD(row[at["cost"]])
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n+2, err)
			}
			if u.Cost != nil {
				cost += *u.Cost
			}
			u.Cost = &cost
		}
	}
	for _, u := range sums {
		list = append(list, *u)
	}
	sortUsed(list)
	return list, nil
}
