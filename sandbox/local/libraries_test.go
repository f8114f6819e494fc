//go:build linux

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

// Seaborn, statsmodels and scikit-learn work in a box and leave nothing to be explained: no program, no connection,
// no file of somebody else's. A box that waits for its program has imported none of them.
func TestStatisticsWorkInABoxAndAreImportedByTheProgramAlone(t *testing.T) {
	t.Parallel()
	result := run(t, job("import sys\nprint([m for m in (\"seaborn\", \"statsmodels\", \"patsy\", \"sklearn\", \"joblib\", \"scipy\") if m in sys.modules])\n", roomy))
	require.Equal(t, "[]\n", result.Stdout, "%+v", result)
	const code = `import pandas as pd
import seaborn as sns
import statsmodels.formula.api as smf
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestRegressor
df = pd.DataFrame({"a": range(40), "g": ["u", "v"] * 20})
df["b"] = df["a"] * 3 + (df["a"] % 7)
fit = smf.ols("b ~ a + C(g)", df).fit()
print(round(fit.params["a"]), fit.rsquared > 0.9)
print(sorted(KMeans(2, n_init=1, random_state=0).fit(df[["a"]]).labels_)[::39], RandomForestRegressor(5, random_state=0).fit(df[["a"]], df["b"]).n_features_in_)
g = sns.relplot(data=df, x="a", y="b", col="g", height=2)
g.savefig("facets.png")
`
	result = run(t, job(code, roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, "3 True\n[0, 1] 1\n", result.Stdout)
	require.Empty(t, result.Stderr)
	var names []string
	for _, f := range result.Artifacts {
		names = append(names, f.Name)
	}
	require.Contains(t, names, "facets.png")
	said, err := shared.Inspect(t.Context(), code, nil)
	require.NoError(t, err)
	require.Empty(t, said.Problem)
	for _, f := range said.Findings {
		require.Equal(t, approval.Note, f.Level, "%+v", f)
	}
	seen := result.Observed.Witness
	require.Empty(t, seen.Started)
	require.Empty(t, seen.Connected)
	require.Empty(t, approval.Compare(said.Findings, nil, result.Observed), "%+v", seen)
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
