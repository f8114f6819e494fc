package redact

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A text without a rule's sign is not looked through, so whatever fits its form has to hold it.
func TestWhatFitsARuleHoldsItsSign(t *testing.T) {
	t.Parallel()
	for _, rule := range standing {
		if rule.sign == "" {
			continue
		}
		rapid.Check(t, func(t *rapid.T) {
			text := rapid.StringMatching(rule.form.String()).Draw(t, "text")
			for _, fits := range rule.form.FindAllString(text, -1) {
				require.Contains(t, fits, rule.sign, rule.name)
			}
			require.Contains(t, text, rule.sign, rule.name)
		})
	}
}
