package bot

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryExampleOfTheHelpWorks(t *testing.T) {
	t.Parallel()
	for _, example := range helpExamples() {
		_, err := parseBudget(typed.Replace(example))
		require.NoError(t, err, example)
	}
}
