package reasons

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

// Every code of the core has words, and says its facts.
func TestEveryReasonHasWords(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../../../approval/reason.go", nil, 0)
	require.NoError(t, err)
	codes := map[approval.ReasonCode]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "ReasonCode" {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		codes[approval.ReasonCode(value)] = true
		return true
	})
	require.Greater(t, len(codes), 100)
	full := approval.Reason{Said: "said words", Name: "a name", Other: "team", Count: 3, Most: 7, Amount: 2 * budget.Dollar,
		Standing: &budget.Standing{Limit: budget.Limit{Scope: budget.Scope{Kind: budget.Team}}}, Why: []approval.Reason{approval.Because(approval.WhyGuest)}}
	for code := range codes {
		full.Code = code
		if code == approval.WhyRejected {
			continue // the words are the reviewer's, and stand in their decision
		}
		require.NotEmpty(t, Words(full), code)
		_, bare := plain[code]
		_, facts := filled[code]
		require.True(t, bare != facts || code == approval.WhyBrokenSeal, "%s has one sentence", code)
	}
	require.Len(t, codes, len(plain)+len(filled)+2, "no sentence is for a code that is gone")
	require.Empty(t, Words(approval.Reason{}))
}

// What a model is told of its draft may end with a period of its own.
func TestTheLastProblemEndsWithOnePeriod(t *testing.T) {
	t.Parallel()
	for _, said := range []string{"there is no code", "Line 3: it reads \"x.csv\", which is no input. There are no inputs."} {
		require.Regexp(t, `[a-z]\. Asking in other words may help\.$`, Words(approval.Reason{Code: approval.WhyGaveUp, Said: said}))
	}
}
