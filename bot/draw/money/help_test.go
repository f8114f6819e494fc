package money

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/bot/command"
)

func TestEveryExampleOfTheHelpWorks(t *testing.T) {
	t.Parallel()
	for _, example := range helpExamples() {
		_, err := command.ParseBudget(typed.Replace(example))
		require.NoError(t, err, example)
	}
}

// typed is what Slack makes of the placeholders that the examples use.
var typed = strings.NewReplacer("@user", "<@U1|maya>", "#channel", "<#C1|sales>")
