package accounts

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/budget"
)

func TestTheAnswersOfThreeProvidersAndATableAreRead(t *testing.T) {
	t.Parallel()
	usd := 12 * budget.Cent
	for said, want := range map[string][]Used{
		`{"data":[{"starting_at":"2026-11-24T00:00:00Z","ending_at":"2026-11-25T00:00:00Z","results":[{"model":"claude-sonnet-5-5","uncached_input_tokens":100,"cache_read_input_tokens":20,"cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":4},"output_tokens":50}]},{"starting_at":"2026-11-25T00:00:00Z","results":[]}],"has_more":false,"next_page":null}`: {
			{Day: "2026-11-24", Model: "claude-sonnet-5-5", Input: 127, Output: 50}},
		`{"object":"page","data":[{"object":"bucket","start_time":1763942400,"end_time":1764028800,"results":[{"input_tokens":1000,"output_tokens":500,"input_cached_tokens":800,"model":"gpt-5.4"},{"input_tokens":1,"output_tokens":2,"model":"gpt-5.4"}]}],"has_more":false}`: {
			{Day: "2025-11-24", Model: "gpt-5.4", Input: 1001, Output: 502}},
		`{"completion":{"models":{"mistral-large-latest::mistral-large-2512":{"input":[{"timestamp":"2026-11-24T10:00:00+01:00","value":900}],"cached":[{"timestamp":"2026-11-24","value":64}],"output":[{"timestamp":"2026-11-24T11:00:00Z","value":30}]}}},"chat":{"models":{}},"currency":"EUR"}`: {
			{Day: "2026-11-24", Model: "mistral-large-2512", Input: 964, Output: 30}},
		"\xef\xbb\xbfDate,Model,Input Tokens,Output Tokens,Cost USD\n2026-11-24,m,\"1,000\",10,0.05\n2026-11-24,m,1,0,$0.07\n2026-11-25,m,7,1,\n": {
			{Day: "2026-11-24", Model: "m", Input: 1001, Output: 10, Cost: &usd}, {Day: "2026-11-25", Model: "m", Input: 7, Output: 1}},
	} {
		got, err := ReadUsage(strings.NewReader(said))
		require.NoError(t, err, said)
		require.Equal(t, want, got)
	}
	for said, why := range map[string]string{
		`{"error":"no"}`: "none of the answers that are known",
		`{"data":[{"start_time":1763942400,"results":[{"input_tokens":1,"model":null}]}]}`: "group_by model",
		`{"data":[{"starting_at":"soon","results":[]}]}`:                                   "is no date",
		"day,model,input_tokens\n":                                                         "no column output",
		"day,model,input,output\n2026-11-24,m,many,1\n":                                    "line 2",
		"": "it is empty",
	} {
		_, err := ReadUsage(strings.NewReader(said))
		require.ErrorContains(t, err, why)
	}
}

func day(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }

func TestMoreThanTwoPercentIsAnAlarm(t *testing.T) {
	t.Parallel()
	booked := func(n int, model string, input, output int64) Booked {
		return Booked{Day: day(n), Model: model, Input: input, Output: output, Amount: 10 * budget.Cent}
	}
	used := func(n int, model string, input, output int64) Used {
		return Used{Day: day(n).Format(time.DateOnly), Model: model, Input: input, Output: output}
	}
	dear := used(24, "dear", 1000, 10)
	cost := 11 * budget.Cent
	dear.Cost = &cost
	list := Compare([]Booked{booked(20, "near", 1000, 100), booked(20, "far", 1000, 100), booked(21, "ours", 5, 5), booked(22, "late", 1000, 100), booked(23, "late", 300, 30), booked(24, "dear", 1000, 10)},
		[]Used{used(20, "near", 1020, 102), used(20, "far", 1030, 100), used(21, "theirs", 1, 0), used(22, "late", 800, 80), used(23, "late", 500, 50), dear})
	got := map[string]string{}
	for _, d := range list {
		got[d.Day+" "+d.Model] = fmt.Sprintf("%.3f %v %v", d.Apart, d.Midnight, d.Alarming())
	}
	require.Equal(t, map[string]string{"2026-11-20 near": "0.020 false false", "2026-11-20 far": "0.029 false true", "2026-11-21 ours": "1.000 false true", "2026-11-21 theirs": "1.000 false true",
		"2026-11-22 late": "0.200 true false", "2026-11-23 late": "0.400 true false", "2026-11-24 dear": "0.091 false true"}, got,
		"what one day lacks and the next one has is a call around midnight")
	require.Len(t, Alarming(list), 4)
}

// books is a ledger of one charge a day.
type books []budget.Booking

func (b books) Bookings(_ context.Context, from, to time.Time, take func(budget.Booking) error) error {
	for _, one := range b {
		if err := take(one); err != nil {
			return err
		}
	}
	return nil
}

func TestProvidersAreAskedOnceADay(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 5, 0, 0, 0, time.UTC)
	var asked []string
	broken := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+"?"+r.URL.RawQuery)
		switch {
		case broken:
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/v1/admin/usage" && r.Header.Get("X-Api-Key") == "adm":
			fmt.Fprint(w, `{"completion":{"models":{"codestral-2508":{"input":[{"timestamp":"2026-11-26","value":100},{"timestamp":"2026-11-01","value":9}],"output":[{"timestamp":"2026-11-26","value":10}]}}}}`)
		case r.Header.Get("Authorization") == "Bearer adm" && r.URL.Query().Get("page") == "":
			fmt.Fprintf(w, `{"data":[{"start_time":%d,"results":[{"input_tokens":100,"output_tokens":10,"model":"gpt-5.4"}]}],"has_more":true,"next_page":"two"}`, day(26).Unix())
		case r.URL.Query().Get("page") == "two":
			fmt.Fprintf(w, `{"data":[{"start_time":%d,"results":[{"input_tokens":1,"output_tokens":1,"model":"gpt-5.4"}]}],"has_more":false}`, day(25).Unix())
		case r.Header.Get("anthropic-version") != "":
			fmt.Fprint(w, `{"data":[]}`)
		default:
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	t.Cleanup(server.Close)
	charge := func(provider, model string) budget.Booking {
		return budget.Booking{Used: day(26).Add(time.Hour), Provider: provider, Model: model, Kind: budget.Tokens, InputTokens: 100, OutputTokens: 10, Amount: budget.Cent}
	}
	other := charge("Mistral", "codestral-2508")
	other.Used = day(27) // today is not over
	var told []string
	c := &Clerk{Ledger: books{charge("Mistral", "codestral-2508"), charge("OpenAI", "gpt-5.4"), other, {Kind: budget.Box, Provider: "OpenAI", Used: day(26)}}, Client: server.Client(),
		Sources: []Source{{"Mistral", server.URL + "/", "adm", "w1"}, {"OpenAI", server.URL, "adm", "p1"}, {"Claude", server.URL, "adm", ""}},
		Tell: func(_ context.Context, provider, first, last string, apart []Difference) error {
			told = append(told, fmt.Sprintf("%s %s %s %d", provider, first, last, len(apart)))
			return nil
		}, Unknown: func(context.Context) ([]budget.UnknownCall, error) { return nil, nil }}
	require.NoError(t, c.Daily(t.Context(), day(27).Add(time.Hour)), "too early: providers count late")
	require.Empty(t, asked)
	require.ErrorContains(t, c.Daily(t.Context(), now), "is the key one that may read it?")
	require.NoError(t, c.Daily(t.Context(), now.Add(time.Minute)), "it is tried again in an hour")
	broken = false
	asked = nil
	require.NoError(t, c.Daily(t.Context(), now.Add(2*time.Hour)))
	require.NoError(t, c.Daily(t.Context(), now.Add(4*time.Hour)))
	require.Len(t, asked, 4, "%v", asked)
	require.Contains(t, asked[0], "month=11&workspace_id=w1&year=2026")
	require.Contains(t, asked[1], "project_ids=p1")
	require.Equal(t, []string{"OpenAI 2026-11-24 2026-11-26 1"}, told, "one token on the 25th that nobody has booked")
	_, err := Source{Provider: "Nobody"}.Ask(t.Context(), server.Client(), day(1), day(2))
	require.ErrorContains(t, err, "save it as a table")
}

func TestTheCloudsBoxesAreHeldAgainstTheLedger(t *testing.T) {
	t.Parallel()
	box := func(n, began, seen, gone int) budget.ListedBox {
		at := day(n).Add(time.Hour)
		b := budget.ListedBox{Box: "b", Began: at.Add(time.Duration(began) * time.Second), Seen: at.Add(time.Duration(seen) * time.Second)}
		if gone > 0 {
			g := at.Add(time.Duration(gone) * time.Second)
			b.Gone = &g
		}
		return b
	}
	paid := func(n, seconds int) budget.Booking {
		return budget.Booking{At: day(n).Add(2 * time.Hour), Model: "e2b", Kind: budget.Box, BoxMS: int64(seconds) * 1000, Amount: budget.Cent}
	}
	here := paid(20, 5000)
	here.Model = "local"
	late := paid(25, 100)
	late.At = day(26).Add(time.Second)
	ledger := books{here, paid(20, 110), paid(21, 90), paid(22, 200), paid(23, 40), paid(23, 50), late}
	list, err := CompareBoxes(t.Context(), ledger, []budget.ListedBox{
		box(20, 0, 100, 115), // 110 s lie within
		box(21, 0, 100, 115), // 90 s were paid for, and it was there for 100
		box(22, 0, 100, 115), // 200 s were paid for, and it was gone after 115
		box(23, 0, 35, 45),   // and one that stood in no list
		box(24, 0, 300, 0),   // nobody has paid for it
		box(25, 0, 95, 110),  // booked after midnight
	}, day(20), day(27))
	require.NoError(t, err)
	got := map[string]string{}
	for _, d := range list {
		got[d.Day[8:]] = fmt.Sprintf("%d %d %.2f %v", d.OurInput, d.TheirInput, d.Apart, d.Alarming())
	}
	require.Equal(t, map[string]string{"20": "110000 110000 0.00 false", "21": "90000 100000 0.10 true", "22": "200000 117000 0.41 true", "23": "90000 90000 0.00 false",
		"24": "0 300000 1.00 true", "25": "0 95000 1.00 false", "26": "100000 60000 0.40 false"}, got)
	// A box that waited and then was the run's is one box with two lines, and widens nothing. One that waited in vain is a box of its own.
	waited := func(joint bool, seconds int) budget.Booking {
		b := paid(20, seconds)
		b.Purpose, b.Joint = budget.ForReady, joint
		return b
	}
	for _, c := range []struct {
		name   string
		ledger books
		apart  bool
	}{
		{"both lines are its time", books{waited(true, 60), paid(20, 50)}, false},
		{"a minute too much is told", books{waited(true, 60), paid(20, 110)}, true},
		{"so is one too little", books{waited(true, 20), paid(20, 50)}, true},
		{"a second box that stood in no list", books{waited(false, 60), paid(20, 110)}, false},
	} {
		list, err := CompareBoxes(t.Context(), c.ledger, []budget.ListedBox{box(20, 0, 100, 115)}, day(20), day(21))
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, c.apart, list[0].Alarming(), "%s: %+v", c.name, list[0])
	}
	failed := &Clerk{Ledger: ledger, Listed: func(context.Context, time.Time, time.Time) ([]budget.ListedBox, error) { return nil, context.Canceled }}
	require.ErrorIs(t, failed.Daily(t.Context(), day(27).Add(5*time.Hour)), context.Canceled)
}

func TestAKeyFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	var keys []string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("X-Api-Key")+r.Header.Get("Authorization"))
		fmt.Fprint(w, `{"data":[]}`)
	}))
	t.Cleanup(other.Close)
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	t.Cleanup(server.Close)
	for _, provider := range []string{"Mistral", "Claude", "OpenAI"} {
		_, err := Source{provider, server.URL, "adm", ""}.Ask(t.Context(), server.Client(), day(26), day(27))
		require.ErrorContains(t, err, "307 Temporary Redirect")
	}
	require.Empty(t, keys)
}

// Half of a usage would look as if calls were missing there.
func TestAUsageWithoutAnEndIsAnError(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"data":[{"start_time":1763942400,"results":[]}],"has_more":true,"next_page":"again"}`)
	}))
	defer server.Close()
	_, err := Source{Provider: "OpenAI", Address: server.URL, Key: "k"}.Ask(t.Context(), server.Client(), time.Unix(1763942400, 0), time.Unix(1764028800, 0))
	require.ErrorContains(t, err, "OpenAI does not come to the end of its usage: 100 pages were read")
}
