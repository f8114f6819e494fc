package samples

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryQuestionIsAboutAFileThatIsThere(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, f := range Files() {
		require.NotEmpty(t, f.Data)
		require.NotEmpty(t, f.About)
		names[f.Name] = true
	}
	require.NotEmpty(t, Questions)
	for _, q := range Questions {
		require.True(t, names[q.File], q.File)
		require.Contains(t, q.Text, q.File, "a question names its file, so that the form need not ask")
	}
}

func TestEveryFileHasItsSourceAndLicenceInTheReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for _, f := range Files() {
		require.Contains(t, string(readme), "| `"+f.Name+"` |")
	}
	require.Equal(t, 2, strings.Count(string(readme), "CC0")+strings.Count(string(readme), "in the public domain"))
}

func TestFilesAreCopiesThatNobodyCanSpoil(t *testing.T) {
	t.Parallel()
	Files()[0].Data[0] = 'X'
	require.Equal(t, byte('d'), Files()[0].Data[0])
}
