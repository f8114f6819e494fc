package bot

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"countersign/approval"
	"countersign/bot/draw"
	"countersign/bot/draw/sample"
	"countersign/internal/proof"
)

// The rows of `make prove-review` about what a reviewer is shown: the program, every
// byte of it once, wherever it can be approved.

// exhibit is one program that has been drawn as a card and as a modal.
type exhibit struct {
	code        string
	card, modal []byte // as Slack gets them; no modal where it is too long for one
}

func exhibitOf(b *Bot, code string) exhibit {
	v := sample.View(sample.Code(code))
	x := exhibit{code: code, card: sample.MustJSON(draw.Card(b.with(), v, false).Blocks)}
	if view, ok := draw.ReviewView(b.with(), v, draw.Origin{}); ok {
		x.modal = sample.MustJSON(view)
	}
	return x
}

// faults say what is wrong with what a reviewer would see; nothing when all is well.
func (x exhibit) faults() (faults []string) {
	onCard, shown := reads(x.card)
	switch approves := strings.Contains(string(x.card), `"action_id":"approve"`); {
	case shown && onCard != x.code:
		faults = append(faults, fmt.Sprintf("the card shows %q", onCard))
	case shown != approves:
		faults = append(faults, "Approve and the code are not on the card together")
	}
	if x.modal == nil {
		return faults
	}
	if inModal, _ := reads(x.modal); inModal != x.code {
		faults = append(faults, fmt.Sprintf("the modal shows %q", inModal))
	}
	return faults
}

// reads takes a program from blocks as a person reads them who knows nothing of how
// they were made: every piece in fixed width, line by line;
// each line begins with its number, which is one more than the last.
func reads(blocks []byte) (code string, shown bool) {
	var tree any
	if err := json.Unmarshal(blocks, &tree); err != nil {
		return err.Error(), true
	}
	var pieces []string
	var look func(node any)
	look = func(node any) {
		switch node := node.(type) {
		case []any:
			for _, n := range node {
				look(n)
			}
		case map[string]any:
			if node["type"] == "rich_text_preformatted" {
				piece := ""
				for _, run := range node["elements"].([]any) {
					piece += run.(map[string]any)["text"].(string)
				}
				pieces = append(pieces, piece)
				return
			}
			look(node["blocks"])
			look(node["elements"])
		}
	}
	look(tree)
	lines := strings.Split(strings.Join(pieces, "\n"), "\n")
	for i, line := range lines {
		number := fmt.Sprint(i + 1)
		rest, ok := strings.CutPrefix(strings.TrimLeft(line, " "), number+"  ")
		if !ok {
			return fmt.Sprintf("line %d is %q", i+1, line), pieces != nil
		}
		code += rest + "\n"
	}
	return code, pieces != nil
}

// program is Python with any runes at all in its strings and comments, as far as
// they may be shown. What Canonical refuses is never drawn: such a line is left out.
func program() *rapid.Generator[string] {
	runes := rapid.OneOf(rapid.String(), rapid.StringMatching(`[äöüß€😀"'\\<>&*_~|#{}%]{0,40}`), rapid.StringOf(rapid.Rune()))
	name := rapid.StringMatching(`[a-z_][a-z0-9_]{0,12}`)
	return rapid.Custom(func(t *rapid.T) string {
		var code strings.Builder
		code.WriteString("import pandas as pd\n")
		add := func(indent int, line string) {
			line = strings.Repeat("    ", indent) + line
			if shown, err := approval.Canonical("if True:\n    pass\n" + line + "\n"); err == nil && strings.HasSuffix(shown, line+"\n") {
				code.WriteString(line + "\n")
			}
		}
		indent := 0
		for range rapid.SampledFrom([]int{3, 40, 81, 300}).Draw(t, "lines") {
			switch rapid.IntRange(0, 7).Draw(t, "what") {
			case 0:
				add(indent, "# "+runes.Draw(t, "comment"))
			case 1:
				add(indent, name.Draw(t, "name")+" = "+fmt.Sprintf("%q", runes.Draw(t, "text")))
			case 2:
				add(indent, name.Draw(t, "name")+" = '"+runes.Draw(t, "raw")+"'  # "+runes.Draw(t, "why"))
			case 3:
				add(indent, "def "+name.Draw(t, "function")+"(rows):")
				indent = min(indent+1, 4)
			case 4:
				add(indent, "for "+name.Draw(t, "each")+" in range(3):")
				indent = min(indent+1, 4)
			case 5:
				code.WriteString("\n")
				indent = max(0, indent-1)
			case 6:
				add(indent, `note = """`+runes.Draw(t, "start"))
				add(0, runes.Draw(t, "middle"))
				add(0, runes.Draw(t, "end")+`"""`)
			default:
				add(indent, "pass")
			}
		}
		out, err := approval.Canonical(code.String() + "print(1)\n")
		if err != nil {
			return "print(1)\n" // lines that are fine each and not together
		}
		return out
	})
}

func TestProveReviewTheCodeThatIsShown(t *testing.T) {
	t.Parallel()
	b := idle(t).bot
	drawn, onCards, inModals := 0, 0, 0
	all := t.Run("generated", func(t *testing.T) {
		rounds := 0
		rapid.Check(t, func(rt *rapid.T) {
			if rounds++; !proof.Whole() && rounds%10 != 1 {
				return // a tenth, as rapid draws it: its own seed is printed where something fails
			}
			for _, code := range rapid.SliceOfN(program(), 1, 5).Draw(rt, "programs") {
				x := exhibitOf(b, code)
				require.Empty(rt, x.faults(), code)
				drawn++
				if _, shown := reads(x.card); shown {
					onCards++
				}
				if x.modal != nil {
					inModals++
				}
			}
		})
	})
	proof.Check(t, all && onCards > drawn/10 && inModals == drawn, "of any Python with any runes, every byte is shown exactly once",
		"%d programs: %d on cards, %d in modals", drawn, onCards, inModals)

	corpus, kept := 0, 0
	require.NoError(t, filepath.WalkDir("../sandbox/runner/testdata", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".py" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		code, refused := approval.Canonical(string(text))
		if refused != nil {
			return nil // it goes back to the model, and before nobody
		}
		corpus++
		if faults := exhibitOf(b, code).faults(); len(faults) == 0 {
			kept++
		} else {
			t.Log(path, faults)
		}
		return nil
	}))
	proof.Check(t, corpus > 160 && kept == corpus, "the programs of the corpus are shown byte for byte", "%d of %d", kept, corpus)
}

// The reader of these proofs is no believer: it finds what is not shown as it is.
func TestTheReaderOfTheProofsFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	b := idle(t).bot
	const code = "x = 1\ny = 2\nz = 3\n"
	x := exhibitOf(b, code)
	require.Empty(t, x.faults())
	for what, forged := range map[string]func(string) string{
		"another byte":   func(s string) string { return strings.ReplaceAll(s, "y = 2", "y = 3") },
		"a line less":    func(s string) string { return strings.ReplaceAll(s, `\n2  y = 2`, "") },
		"a line twice":   func(s string) string { return strings.ReplaceAll(s, `2  y = 2`, `2  y = 2\n2  y = 2`) },
		"another order":  func(s string) string { return strings.ReplaceAll(s, `1  x = 1\n2  y = 2`, `2  y = 2\n1  x = 1`) },
		"a hidden space": func(s string) string { return strings.ReplaceAll(s, "z = 3", "z = 3 ") },
	} {
		bad := exhibit{code: code, card: []byte(forged(string(x.card))), modal: []byte(forged(string(x.modal)))}
		require.Len(t, bad.faults(), 2, what)
	}
	bare := exhibit{code: code, card: []byte(strings.ReplaceAll(string(x.card), `"rich_text_preformatted"`, `"rich_text_section"`)), modal: x.modal}
	require.Equal(t, []string{"Approve and the code are not on the card together"}, bare.faults())
}
