//go:build linux

package local

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

// The list of harmless names is made by a script and kept in the repository. What
// was taken out of it by hand, and what it was chosen from, has to be what stands in
// the script; names that other versions of the libraries have are no failure.
func TestTheListOfHarmlessNamesIsWhatItsGeneratorMakes(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("/usr/bin/python3", "-B", "../../tools/known/make.py", "--check", "../runner/inspection/known.json").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "made from")
}

// Boxes in which there are more libraries than here are inspected by the same rules:
// what is not installed is refused here, and what it would do is found all the same.
func TestTextsThatStatisticsEvaluateAreRead(t *testing.T) {
	t.Parallel()
	var scripts []script
	quiet := []string{"amount ~ units + C(region) + np.log(price)", "np.sqrt(amount) ~ units * price + I(units ** 2) - 1", "Q('amount') ~ C(region, Treatment('EU')):units"}
	loud := []string{"amount ~ __import__('os').system('id')", "amount ~ open('x').read()", "amount ~ units + f(price)", "amount ~ df.to_csv('x')", "amount ~ [x for x in units]", "amount ~ np.load('x')"}
	for _, formula := range append(quiet, loud...) {
		scripts = append(scripts, script{code: fmt.Sprintf("import pandas as pd\nimport numpy as np\nimport statsmodels.formula.api as smf\ndf = pd.read_csv('sales.csv')\nsmf.ols(%q, data=df).fit()\n", formula)})
	}
	for _, line := range []string{"import seaborn as sns\nsns.load_dataset('tips')\n", "from sklearn.datasets import fetch_openml\n", "import sklearn.datasets as d\nd.fetch_openml('x')\n",
		"import statsmodels.api as sm\nsm.datasets.get_rdataset('x')\n"} {
		scripts = append(scripts, script{code: line})
	}
	for i, said := range inspectScripts(t, scripts) {
		dangers := slices.ContainsFunc(said.Findings, func(f approval.Finding) bool { return f.Level == approval.Danger })
		require.Equal(t, i >= len(quiet), dangers, "%s\n%s", scripts[i].code, told(said))
		if !slices.ContainsFunc(said.Libraries, func(has string) bool { return imports(scripts[i].code, has) }) {
			require.Contains(t, said.Problem, "is not installed in the box")
		}
	}
}

// imports tells whether code needs a library that a box says it has: "scikit-learn 1.2.1".
func imports(code, has string) bool {
	name, _, _ := strings.Cut(has, " ")
	if name == "scikit-learn" {
		name = "sklearn"
	}
	return strings.Contains(code, "import "+name) && name != "pandas" && name != "numpy" || strings.Contains(code, "from "+name+".")
}
