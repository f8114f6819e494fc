package main

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"countersign/codegen/mistraltest"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
)

// revenue is what the model writes: a sentence, a chart and a table.
const revenue = `from desk import answer, chart, left_out, load, money, note, table

sales = load("sales.csv")
known = sales.dropna(subset=["units", "region"])
left_out(len(sales) - len(known), "no units or no region")
revenue = known["units"] * known["price"]
month = known["date"].dt.to_period("M").rename("month")
monthly = revenue.groupby([month, known["region"]]).sum().unstack().round(2)

best = monthly.sum(axis=1).idxmax().strftime("%B")
note("Revenue is units times price.")
answer(f"Revenue was {money(revenue.sum())}; {best} was the best month.")
chart(monthly.plot(marker="o"), "Revenue per month by region")
table(monthly, "Revenue per month by region")`

func TestThreePeopleAskRejectApproveAndReadInTheBrowser(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.run()
	h.shareSamples()
	b := h.startBrowser()
	maya, ben, carla := b.sit(slacksim.Analyst, slacksim.SalesData), b.sit(slacksim.Reviewer, slacksim.CodeReview), b.sit(slacksim.Admin, slacksim.CodeReview)

	// Maya asks; Ben reads the code and sends it back with a reason.
	wrong := "import pandas as pd\n\npd.read_csv(\"sales.csv\").head(0)"
	h.writes(wrong)
	question := "What was the revenue per month by region in sales.csv?"
	maya.types(test("composer"), "/analyze "+question)
	maya.enter()
	first := h.opened("")
	card := h.card(first)
	ben.sees(message(card), question)
	require.Equal(t, wrong, ben.code(message(card)))
	ben.click(message(card) + " " + test("action-reject"))
	ben.sees(test("modal"), "Why")
	ben.picture("reject")
	ben.types(test("modal")+" textarea", "That drops every row.")
	ben.click(test("modal-submit"))
	ben.misses(test("modal"))
	ben.misses(message(card) + " " + test("action-approve"))
	ben.sees(message(card), "Rejected by @Ben Osei")
	maya.click(test("replies-" + first.TS))
	maya.sees(test("thread"), "That drops every row.")
	maya.picture("rejected")

	// She asks again. Carla sees the card, but is no reviewer; Ben approves.
	h.model.Next(mistraltest.Reply{Content: "Adds up units times price per month and region, and draws a line for each region.\n\n```python\n" + revenue + "\n```\n"})
	maya.types(test("composer"), "/analyze "+question)
	maya.enter()
	second := h.opened(first.TS)
	card = h.card(second)
	carla.click(message(card) + " " + test("action-approve"))
	carla.sees(test("ephemeral"), "Only visible to you")
	carla.sees("[data-ephemeral]", "reviewer")
	carla.picture("stranger")
	require.Equal(t, "pending", value[string](h, `SELECT state FROM requests ORDER BY created_at DESC LIMIT 1`))
	require.Equal(t, revenue, ben.code(message(card)))
	ben.picture("review-channel")
	ben.sized(982, 1400) // as the picture in the README wants it
	ben.picture("card", message(card))
	ben.wide(1440)
	ben.click(message(card) + " " + test("action-approve"))
	ben.sees(message(card), "Approved by @Ben Osei")
	ben.misses(message(card) + " " + test("action-approve"))

	// She reads the answer: table, chart and bill.
	maya.click(test("replies-" + second.TS))
	maya.sees(test("thread"), "Show code")
	maya.sees(test("thread"), "was the best month.")
	maya.sees(test("thread")+" table", "2025-01")
	maya.sees(test("thread")+" table", "North")
	require.NotContains(t, maya.reads(test("thread")), "That drops every row.", "the other thread")
	chart := maya.chart(test("thread") + " .file-image img, " + test("thread") + " .picture img")
	require.Greater(t, chart.Bounds().Dx(), 400)
	colours, ink := look(chart)
	require.Greater(t, colours, 50, "a chart has lines of several colours, and soft edges")
	require.Greater(t, ink, 0.01, "a chart is not blank")
	require.Less(t, ink, 0.9)
	maya.picture("answer")
	maya.click(test("thread") + " .picture")
	maya.until(`document.querySelector('[data-testid=lightbox] img')?.naturalWidth > 0`)
	maya.picture("chart")
	maya.do("presses Escape", chromedp.KeyEvent(kb.Escape))
	maya.misses(test("lightbox"))
	ben.picture("approved", message(card))
	h.settled()

	maya.goes("home=A0ANALYZE")
	maya.sees(test("home"), question)
	maya.picture("home")
}

func TestFormIsFilledInAndTheCardApprovedByKeyboardAlone(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.shareSamples()
	b := h.startBrowser()
	maya, ben := b.sit(slacksim.Analyst, slacksim.SalesData), b.sit(slacksim.Reviewer, slacksim.CodeReview)
	upload := filepath.Join(t.TempDir(), "targets.csv")
	require.NoError(t, os.WriteFile(upload, []byte("region,target\nNorth,100\nSouth,200\n"), 0o600))

	maya.types(test("composer"), "/analyze")
	maya.enter()
	maya.sees(test("modal"), "Ask a question")
	// Nothing filled in: the form says what is missing.
	maya.click(test("modal-submit"))
	maya.until(fmt.Sprintf(`document.querySelector(%s)`, quoted(test("error-question"))))
	// The channel's files are put in once the form is open; what is typed meanwhile stays.
	maya.until(fmt.Sprintf(`document.querySelector(%s)`, quoted(test("input-files"))))
	maya.types(test("action-question"), "How far is each region from its target?")
	files := fmt.Sprintf(`[...document.querySelectorAll(%s)].map(e => e.innerText.trim())`, quoted(test("input-files")+" label"))
	var names []string
	for _, label := range evaluate[[]string](maya, files) {
		name, shared, _ := strings.Cut(label, "\n")
		require.Contains(t, shared, "shared by maya, ")
		names = append(names, name)
	}
	require.ElementsMatch(t, []string{"sales.csv", "iowa-electricity.csv"}, names)
	maya.click(fmt.Sprintf("[data-testid^=%q]", "option-"+h.file("sales.csv")+"/"))
	maya.do("uploads a file", chromedp.SetUploadFiles(chromedp.CSS(test("action-upload-chooser")), []string{upload}))
	maya.sees(test("action-upload"), "targets.csv")
	maya.picture("form")
	h.writes("import pandas as pd\n\nsales = pd.read_csv(\"sales.csv\")\ntargets = pd.read_csv(\"targets.csv\")\nf\"{len(sales)} sales, {len(targets)} targets\"")
	maya.click(test("modal-submit"))
	maya.misses(test("modal"))
	root := h.opened("")

	// Ben has no mouse.
	card := h.card(root)
	ben.sees(message(card), "targets.csv")
	ben.sees(message(card), "sales.csv")
	require.NotContains(t, ben.reads(message(card)), "iowa")
	ben.tabTo(message(card) + " " + test("action-approve"))
	ben.picture("keyboard")
	ben.enter()
	ben.sees(message(card), "Approved by @Ben Osei")

	maya.click(test("replies-" + root.TS))
	maya.sees(test("thread"), "500 sales, 2 targets")
	h.settled()
}

func TestLongCodeIsReadWholeAndApprovedInTheBrowser(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.shareSamples()
	b := h.startBrowser()
	var long strings.Builder
	for i := range 160 {
		fmt.Fprintf(&long, "value_%03d = %d * 1000 + len(\"<b>& %03d\")\n", i, i, i)
	}
	h.writes(long.String() + "value_159")
	root := h.ask("What is the last value in sales.csv?")
	card := h.card2(root, "Review code")
	ben := b.sit(slacksim.Reviewer, slacksim.CodeReview)
	ben.sees(message(card), "too long for a card")
	ben.misses(message(card) + " " + test("action-approve"))
	ben.click(message(card) + " " + test("action-open_review"))
	ben.sees(test("modal"), "Review the code")
	require.Equal(t, long.String()+"value_159", ben.code(test("modal")))
	ben.picture("long")
	ben.click(test("modal-submit"))
	ben.misses(test("modal"))
	ben.sees(message(card), "Approved by @Ben Osei")
	h.says(root, "159008")
	h.settled()
}

func TestWithoutABrowserTheTestSaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	unpacked := filepath.Join(t.TempDir(), "chromium")
	_, err := findChromium(unpacked)
	require.ErrorContains(t, err, "apt-get install chromium")
	require.NoError(t, os.WriteFile(unpacked, nil, 0o755))
	path, err := findChromium(unpacked)
	require.NoError(t, err)
	require.Equal(t, unpacked, path)
}

// opened waits for the thread of a question that was typed after another one.
func (h *house) opened(after string) workspace.Message {
	h.t.Helper()
	root, err := h.maya.WaitMessage(h.patient(), slacksim.SalesData, func(m workspace.Message) bool {
		return m.TS > after && m.BotID != "" && !m.Ephemeral && (m.ThreadTS == "" || m.ThreadTS == m.TS)
	})
	require.NoError(h.t, err, "no thread")
	return root
}

// card2 waits for a card with a button of that name.
func (h *house) card2(after workspace.Message, button string) workspace.Message {
	h.t.Helper()
	card, err := h.ben.WaitMessage(h.patient(), slacksim.CodeReview, func(m workspace.Message) bool { return m.TS > after.TS && strings.Contains(m.Words(), button) })
	require.NoError(h.t, err, "no card; the thread: %s", h.thread(after))
	return card
}

// file is the id of a file in #sales-data.
func (h *house) file(name string) string {
	h.t.Helper()
	for _, m := range h.maya.Messages(slacksim.SalesData) {
		for _, f := range m.Files {
			if f.Name == name {
				return f.ID
			}
		}
	}
	require.Fail(h.t, "nobody has shared "+name)
	return ""
}

// code is the program that an element shows: the numbered lines of all its code
// blocks without the numbers.
func (x *tab) code(selector string) string {
	x.h.t.Helper()
	shown := evaluate[[]string](x, fmt.Sprintf(`[...document.querySelectorAll(%s)].map(e => e.textContent)`, quoted(selector+" pre")))
	var lines []string
	for _, block := range shown {
		for _, line := range strings.Split(strings.TrimSuffix(block, "\n"), "\n") {
			number, text, ok := strings.Cut(strings.TrimLeft(line, " "), " ")
			require.True(x.h.t, ok || text == "", line)
			lines = append(lines, strings.TrimPrefix(text, " "))
			require.Equal(x.h.t, fmt.Sprint(len(lines)), number, "lines are numbered without a gap")
		}
	}
	return strings.Join(lines, "\n")
}

// look counts the colours of a picture and the share of it that is not the ground.
func look(picture image.Image) (colours int, ink float64) {
	seen, r := map[[4]uint32]int{}, picture.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			red, green, blue, alpha := picture.At(x, y).RGBA()
			seen[[4]uint32{red, green, blue, alpha}]++
		}
	}
	most := 0
	for _, n := range seen {
		most = max(most, n)
	}
	return len(seen), 1 - float64(most)/float64(r.Dx()*r.Dy())
}
