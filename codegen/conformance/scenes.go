package conformance

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/redact"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/codegen"
)

// scene is one promise and how it is tried. The promise is a sentence for people: it is the row of the
// proof's table, so it says what holds and not how that is found out.
type scene struct {
	promise string
	fits    func(Dialect) bool // nil: every provider
	play    func(*house)
}

// has tells whether a provider has a word for an end.
func has(end codegen.End) func(Dialect) bool {
	return func(d Dialect) bool { return d.ends[end] != "" }
}

// scenes are all promises. What a scene's words say is what the table of the proof says.
// Times are bounds for what must not last, never measured: an hour stands for "as long as it takes".
var scenes = append([]scene{
	{"a text becomes a draft, and is charged by its usage", nil, func(h *house) {
		d := h.draft()
		require.Equal(h, "The program shows the answer to everything.", d.Summary)
		require.Equal(h, budget.Usage{Model: h.dialect.Model, Input: 1200, Output: 60}, d.Usage)
	}},
	{"the prompt arrives whole, in turns, within what was held", nil, func(h *house) {
		w := h.writer()
		b := h.asked()
		prompt, answer := w.Size(b)
		most, longest := w.Bound()
		_, err := w.Write(h.Context(), b)
		require.NoError(h, err)
		sent := string(encode(h.server.requests()[0]))
		require.Contains(h, sent, "How much was sold?")
		require.Contains(h, sent, "You write one Python program")
		texts := 0
		// What is held for a call is counted in bytes of its texts: a token is at least one.
		count(h.server.requests()[0], &texts)
		require.LessOrEqual(h, texts, prompt, "a token is at least a byte")
		// Size is this prompt's, and Bound that of any: neither may be less than what was sent.
		require.LessOrEqual(h, prompt, most)
		require.LessOrEqual(h, answer, longest)
		require.Contains(h, sent, fmt.Sprint(answer), "the longest answer is asked for by name")
	}},
	{"a canary in question, names, cells, thread, code and wishes is in no prompt, and the draft has it", nil, func(h *house) {
		// The model answers with the placeholder that it was shown.
		h.server.says(Said{Model: h.dialect.Model, Text: "It counts the rows of [e-mail 1].\n\n```python\nfrom desk import load\n\norders = load(\"[e-mail 1]\")\n```\n", End: codegen.Whole, Input: 1200, Output: 60})
		w, b := h.writer(), canary(h.asked())
		most, _ := w.Size(b)
		d, err := w.Write(h.Context(), b)
		require.NoError(h, err)
		texts := 0
		count(h.server.requests()[0], &texts)
		require.LessOrEqual(h, texts, most, "what is held is for what is sent")
		require.Equal(h, "from desk import load\n\norders = load(\"canary-file@leak.example.csv\")\n", d.Code, "the reviewed program has what the model did not see")
		require.Equal(h, "It counts the rows of canary-file@leak.example.csv.", d.Summary)
		h.server.says(Said{Model: h.dialect.Model, Text: "They asked about [e-mail 1].", End: codegen.Whole, Input: 1200, Output: 60})
		// A summary stands in later prompts, where place-holders would stand for other values: so its are masked for good.
		recap, err := w.Recap(h.Context(), steps.Recap{Model: h.dialect.Model, Before: "Of canary-before@leak.example.", Said: b.History, Hides: b.Hides})
		require.NoError(h, err)
		require.Equal(h, "They asked about [e-mail masked].", recap.Text)
		for _, request := range h.server.requests() {
			sent := string(encode(request))
			require.NotContains(h, strings.ToLower(sent), "canary")
			require.Contains(h, sent, "[e-mail 2]")
			require.Contains(h, sent, "a value that you may not see")
		}
		require.Contains(h, string(encode(h.server.requests()[0])), "[secret 1]")
	}},
	{"chunked content is joined as it is", func(d Dialect) bool { return d.chunked }, func(h *house) {
		s := h.dialect.Good()
		s.Chunks = []string{Program[:40], Program[40:70], Program[70:]}
		h.server.says(s)
		h.draft()
	}},
	{"what the model thought is paid for, and is nobody's answer", nil, func(h *house) {
		s := h.dialect.Good()
		// With a program in it, which must not be taken for the answer's.
		s.Thought, s.Output, s.Reasoned = "Let me see. ```python\nimport os\n``` would be wrong.", 500, 440
		h.server.says(s)
		d := h.draft()
		require.NotContains(h, d.Summary, "Let me see")
		require.Equal(h, 500, d.Usage.Output)
	}},
	{"tokens from the cache are charged as such", nil, func(h *house) {
		s := h.dialect.Good()
		// Of the 1,200 of the prompt: cached tokens have a price of their own.
		s.Cached = 1024
		h.server.says(s)
		require.Equal(h, budget.Usage{Model: h.dialect.Model, Input: 1200, Cached: 1024, Output: 60}, h.draft().Usage)
	}},
	{"tokens into the cache are charged as such", func(d Dialect) bool { return d.writes }, func(h *house) {
		s := h.dialect.Good()
		s.Cached, s.Written = 64, 1024
		h.server.says(s)
		require.Equal(h, budget.Usage{Model: h.dialect.Model, Input: 1200, Cached: 64, Written: 1024, Output: 60}, h.draft().Usage)
	}},
	{"another model's name in the answer is the one that is charged", nil, func(h *house) {
		s := h.dialect.Good()
		s.Model = "another-model-2612"
		h.server.says(s)
		require.Equal(h, "another-model-2612", h.draft().Usage.Model)
	}},
	{"a name that is none leaves the cost uncertain", nil, func(h *house) {
		s := h.dialect.Good()
		// It would reach a bill, a card and a price list: a name is held to its form first.
		s.Model = "<!channel> `free` " + strings.Repeat("x", 200)
		h.server.says(s)
		means(h, h.failure(), "did not say what its answer cost", false, true)
	}},
	{"an answer without usage leaves the cost uncertain", nil, func(h *house) {
		s := h.dialect.Good()
		s.NoUsage = true
		h.server.says(s)
		means(h, h.failure(), "did not say what its answer cost", false, true)
	}},
	{"an answer without choices is charged, and asked for again", nil, func(h *house) {
		s := h.dialect.Good()
		s.End = codegen.Empty
		h.server.says(s)
		e := h.failure()
		means(h, e, "something that is not an answer", true, false)
		require.Equal(h, 1200, e.Usage.Input)
	}},
	{"an answer that was cut off shows no program, and is repaired", nil, func(h *house) {
		s := h.dialect.Good()
		// Within the program, after its fence has begun.
		s.End, s.Text = codegen.CutOff, Program[:60]
		h.server.says(s)
		e := h.failure()
		means(h, e, "cut off before its end", false, false)
		require.NotEmpty(h, e.Repair)
		require.Equal(h, 60, e.Usage.Output)
	}},
	{"a refusal is told, and not repeated", has(codegen.Refused), func(h *house) {
		s := h.dialect.Good()
		s.End, s.Text = codegen.Refused, "I cannot help with that."
		h.server.says(s)
		e := h.failure()
		means(h, e, "declined to answer", false, false)
		require.Empty(h, e.Repair)
		require.Contains(h, e.Prose, "I cannot help")
		require.Equal(h, 1200, e.Usage.Input)
	}},
	{"a content filter is told, and not repeated", has(codegen.Filtered), func(h *house) {
		s := h.dialect.Good()
		s.End = codegen.Filtered
		h.server.says(s)
		means(h, h.failure(), "content filter", false, false)
	}},
	{"a call of a tool is told, and costs one call", has(codegen.Tool), func(h *house) {
		s := h.dialect.Good()
		s.End = codegen.Tool
		h.server.says(s)
		e := h.failure()
		means(h, e, "asked for a tool", false, false)
		// Without a repair the core does not call again: it would ask for a tool again.
		require.Empty(h, e.Repair, "the same model would be paid once more")
	}},
	{"a program beside a call of a tool is taken", has(codegen.Tool), func(h *house) {
		s := h.dialect.Good()
		s.End, s.Beside = codegen.Tool, true
		h.server.says(s)
		require.NotEmpty(h, h.draft().Code)
	}},
	{"an answer that does not say whether it is whole is not shown, and not repeated", nil, func(h *house) {
		s := h.dialect.Good()
		s.End = codegen.Unsaid
		h.server.says(s)
		means(h, h.failure(), "did not say whether its answer is whole", false, false)
	}},
	{"an end that nobody knows is asked for again", nil, func(h *house) {
		s := h.dialect.Good()
		s.End = codegen.Broken
		h.server.says(s)
		means(h, h.failure(), "in an unexpected way", true, false)
	}},
	{"half of a character is no program, and is repaired", nil, func(h *house) {
		// Two of the three bytes of a sign, as where a stream was cut and glued.
		body := strings.Replace(string(encode(h.dialect.say(h.dialect, h.dialect.Good()))), "everything", "every\xe2\x82thing", 1)
		h.server.body(http.StatusOK, "application/json", []byte(body))
		e := h.failure()
		means(h, e, "characters that do not exist", false, false)
		require.Contains(h, e.Repair, "invalid Unicode")
	}},
	{"silence ends with its time, and leaves the cost uncertain", nil, func(h *house) {
		// The time runs out when the server has been asked, so that the call is one of which something has left.
		ctx, over := runsOut(h.Context())
		h.server.answers(func(_ http.ResponseWriter, r *http.Request) {
			over()
			h.server.waits(r)
		})
		means(h, h.failureIn(ctx), "did not answer in time", true, true)
	}},
	{"a hang in the middle of the body ends with its time, and leaves the cost uncertain", nil, func(h *house) {
		body := encode(h.dialect.say(h.dialect, h.dialect.Good()))
		ctx, over := runsOut(h.Context())
		h.server.answers(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			_, _ = w.Write(body[:len(body)/2])
			_ = http.NewResponseController(w).Flush() // the half has to leave
			over()
			h.server.waits(r)
		})
		means(h, h.failureIn(ctx), "did not answer in time", true, true)
	}},
	{"a connection that breaks leaves the cost uncertain", nil, func(h *house) {
		body := encode(h.dialect.say(h.dialect, h.dialect.Good()))
		h.server.answers(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			_, _ = w.Write(body[:len(body)/2])
			panic(http.ErrAbortHandler)
		})
		means(h, h.failure(), "broke in the middle", true, true)
	}},
	{"a body that ends in the middle leaves the cost uncertain", nil, func(h *house) {
		body := encode(h.dialect.say(h.dialect, h.dialect.Good()))
		h.server.body(http.StatusOK, "application/json", body[:len(body)/2])
		means(h, h.failure(), "broke off in the middle", true, true)
	}},
	{"an answer of 50 MB is not read to its end", nil, func(h *house) {
		var wrote atomic.Int64
		gone := make(chan struct{})
		h.server.answers(func(w http.ResponseWriter, _ *http.Request) {
			defer close(gone)
			w.Header().Set("Content-Type", "application/json")
			// Written until nobody reads: how much went through shows where the reader stopped.
			for page := strings.Repeat("and on ", 10_000); wrote.Load() < 50<<20; {
				n, err := io.WriteString(w, page)
				if wrote.Add(int64(n)); err != nil {
					return
				}
			}
		})
		means(h, h.failure(), "went on and on", true, true)
		<-gone
		require.Less(h, wrote.Load(), int64(50<<20))
	}},
	{"a web page with status 200 is told once, and leaves the cost uncertain", nil, func(h *house) {
		h.server.body(http.StatusOK, "text/html", []byte("<!DOCTYPE html><html><body>Welcome to the hotel's network</body></html>"))
		means(h, h.failure(), "a web page", false, true)
	}},
	{"an error object with status 200 is told once, and leaves the cost uncertain", nil, func(h *house) {
		h.server.refuses(http.StatusOK, "Service tier capacity exceeded for this model", "")
		means(h, h.failure(), "answered with an error", false, true)
	}},
	{"something else with status 200 leaves the cost uncertain", nil, func(h *house) {
		h.server.body(http.StatusOK, "application/json", []byte(`["what", "is", "this"]`))
		means(h, h.failure(), "something that is not an answer", true, true)
	}},
	{"no redirect is followed with a key in hand", nil, func(h *house) {
		elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { h.Error("the key was carried on") }))
		defer elsewhere.Close()
		// 301 to 303 would go on as a GET, 307 and 308 with the whole prompt.
		for _, status := range []int{301, 302, 303, 307, 308} {
			h.server = serve(h.T, h.dialect)
			h.server.answers(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL+r.URL.Path, status) })
			means(h, h.failure(), "not followed", false, true)
		}
	}},
	{"a server that is not there costs nothing", nil, func(h *house) {
		// Its port is free now, so connections to it are refused.
		h.server.Close()
		means(h, h.failure(), "cannot be reached", true, false)
	}},
	{"who gives up does not wait, and a call that was never made costs nothing", nil, func(h *house) {
		w := h.writer()
		ctx, cancel := context.WithCancel(h.Context())
		h.server.answers(func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			h.server.waits(r)
		})
		_, err := w.Write(ctx, h.asked())
		require.ErrorIs(h, err, context.Canceled)
		e := writerError(h, err)
		means(h, e, "was broken off", true, true)
		_, err = w.Write(ctx, h.asked())
		means(h, writerError(h, err), "no time left", true, false)
		require.Len(h, h.server.requests(), 1)
	}},
}, refusals()...)

// refusals are the statuses, each with what it means. Which of them cost nothing is what
// the providers document; all of these do. A status of the 500s costs what it may have cost: none of
// them says that no model has worked.
func refusals() (list []scene) {
	for _, c := range []struct {
		status int
		words  string
		retry  bool
		costs  bool
	}{
		{400, "refused the question as malformed (HTTP 400)", false, false},
		{401, "refused the key; an administrator has to look at", false, false},
		{403, "does not let this key use the model", false, false},
		{404, "does not know this model or this address", false, false},
		{429, "its rate limit is used up", true, false},
		{500, "a problem of its own", true, true},
		{502, "a problem of its own", true, true},
		{503, "a problem of its own", true, true},
		{504, "a problem of its own", true, true},
		// Anthropic's status for "overloaded".
		{529, "a problem of its own", true, true},
	} {
		costs := "costs nothing"
		if c.costs {
			costs = "leaves the cost uncertain"
		}
		list = append(list, scene{fmt.Sprintf("status %d is told in words, and %s", c.status, costs), nil, func(h *house) {
			h.server.refuses(c.status, "no", "")
			means(h, h.failure(), c.words, c.retry, c.costs)
		}})
	}
	return append(list,
		scene{"status 422 is told in words", nil, func(h *house) {
			h.server.refuses(422, "no", "")
			e := h.failure()
			means(h, e, "refused the question as malformed (HTTP 422)", false, e.Billed) // Anthropic does not document it
			require.Equal(h, h.dialect.Name == "Claude", e.Billed)
		}},
		scene{"a page of a gateway is told as the gateway's problem", nil, func(h *house) {
			h.server.body(http.StatusBadGateway, "text/html", []byte("<html><body>nginx</body></html>"))
			means(h, h.failure(), "a problem of its own", true, true)
		}},
		scene{"Retry-After is obeyed in both of its forms", nil, func(h *house) {
			h.server.refuses(429, "slow down", "42")
			require.Equal(h, 42*time.Second, h.failure().After)
			h.server = serve(h.T, h.dialect)
			h.server.refuses(503, "busy", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
			e := h.failure()
			// A date has no fractions, and the machine may be slow: an hour is told from a second, and no more is asked.
			require.InDelta(h, time.Hour, e.After, float64(30*time.Minute))
			require.Contains(h, e.Words, "Please ask again in")
		}},
	)
}

// canary is a brief in which every text that somebody has written or a file holds has a value of its own that
// must not leave: addresses, and what administrators have added.
func canary(b steps.Brief) steps.Brief {
	said := func(where string) string { return "canary-" + where + "@leak.example" }
	// It is an expression that is known to be one.
	b.Hides, _ = redact.With("Project Canary")
	b.Question = "How many orders has " + said("question") + " in Project Canary? The key is " + "AKI" + "AIOSFODNN7CANARY2."
	file := &b.Files[0]
	file.Name = said("file") + ".csv"
	file.Reading = &reading.Reading{Kind: "xlsx", Tables: []reading.Table{{Name: said("sheet"), Rows: 3, Columns: []reading.Column{{Name: said("column"), Type: "text", Pattern: "A@A.A"}},
		Odd: []reading.Odd{{Code: "total_row", Column: said("odd")}}}}}
	b.Seen = map[string]*reading.Glimpse{file.Name: {Tables: []reading.Glance{{Columns: []reading.Seen{{Distinct: 3, Least: said("least"), Most: said("most"), Often: []reading.Frequent{{Value: said("often"), Count: 5}}}},
		Rows: [][]string{{said("cell")}}}}}}
	b.Notes = review.Notes{Text: approval.Said("Ask " + said("notes") + ".")}
	b.Summary = "They spoke of " + said("summary") + "."
	for _, role := range []approval.Role{approval.RoleQuestion, approval.RoleCode, approval.RoleClarify, approval.RoleClarified, approval.RoleResult} {
		b.History = append(b.History, approval.Message{RequestID: "r1", Role: role, Text: "# of " + said(string(role))})
	}
	b.Clarified = []approval.Clarification{{Question: "Which?", Choices: []string{said("choice")}, Said: said("clarified")}}
	b.Wishes = []approval.Wish{{Code: "# " + said("former"), Words: "Leave out " + said("wish")}}
	b.Refused = []approval.Refusal{{Code: "# " + said("refused"), Reason: "It names " + said("reason")}}
	return b
}

// count adds up the bytes of the texts of a request: of those fields alone that a model reads, whatever the format.
func count(v any, bytes *int) {
	switch v := v.(type) {
	case string:
		*bytes += len(v)
	case []any:
		for _, e := range v {
			count(e, bytes)
		}
	case map[string]any:
		// Fields of a request that no model reads, such as its name, are no part of the prompt.
		for _, key := range []string{"content", "text", "system", "messages"} {
			count(v[key], bytes)
		}
	}
}
