package local

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
)

// What a prompt tells of the box is what the box has said, by a program and by an inspection alike.
func TestABoxSaysWhatItHasAndThatIsAccepted(t *testing.T) {
	t.Parallel()
	said, err := shared.Inspect(t.Context(), "import pandas\n", nil)
	require.NoError(t, err)
	require.Equal(t, said.Libraries, shared.Libraries())
	require.True(t, strings.HasPrefix(said.Libraries[0], "Python 3."), "%v", said.Libraries)
	result := run(t, job("import pandas, numpy, matplotlib, openpyxl, platform\nprint(platform.python_version(), pandas.__version__, numpy.__version__, matplotlib.__version__, openpyxl.__version__)\n", roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	for i, version := range strings.Fields(result.Stdout) {
		require.Equal(t, []string{"Python", "pandas", "numpy", "matplotlib", "openpyxl"}[i]+" "+version, said.Libraries[i])
	}
	for _, one := range said.Libraries {
		if strings.HasPrefix(one, "scipy ") {
			in, err := shared.Inspect(t.Context(), "from desk import answer, load\nfrom scipy.stats import normaltest\nanswer(f\"p is {normaltest(load('a.csv')['n']).pvalue:.3f}\")\n",
				[]approval.File{{Name: "a.csv"}})
			require.NoError(t, err)
			require.Empty(t, in.Problem)
			for _, f := range in.Findings {
				require.Equal(t, approval.Note, f.Level, "%+v", f)
			}
		}
	}
}

// A blank heading and one that is there twice are known by the names that pandas gives them.
func TestAColumnThatPandasNamesIsAccepted(t *testing.T) {
	t.Parallel()
	file := approval.File{Name: "a.csv", Reading: &reading.Reading{Tables: []reading.Table{{Columns: []reading.Column{{Name: "a"}, {Name: "a"}, {Name: ""}}}}}}
	for _, read := range []string{"import pandas as pd\ndf = pd.read_csv('a.csv')\n", "from desk import load\ndf = load('a.csv')\n"} {
		said, err := shared.Inspect(t.Context(), read+"print(df['Unnamed: 2'].sum(), df['a.1'].mean())\n", []approval.File{file})
		require.NoError(t, err)
		require.Empty(t, said.Problem)
		said, err = shared.Inspect(t.Context(), read+"print(df['Unnamed: 3'])\n", []approval.File{file})
		require.NoError(t, err)
		require.Contains(t, said.Problem, "a.csv has no column 'Unnamed: 3'")
	}
}
