package sandbox

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatABoxLacksIsHeardOnlyWhereItMatters(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		report, want string
	}{
		"a package that the code wants": {`{"outcome":"raised","error":"ModuleNotFoundError: No module named 'pandas'","lacks":["pandas","numpy"]}`,
			"ModuleNotFoundError: No module named 'pandas'. That is not the code's fault: the sandbox has no pandas and no numpy, " +
				"which every sandbox has to have. An administrator should look at the sandbox."},
		"a part of one":                  {`{"outcome":"raised","error":"No module named 'numpy.linalg'","lacks":["numpy"]}`, "No module named 'numpy.linalg'. That is not the code's fault: the sandbox has no numpy, which every sandbox has to have. An administrator should look at the sandbox."},
		"one that is there":              {`{"outcome":"raised","error":"No module named 'pandas'","lacks":["numpy"]}`, "No module named 'pandas'"},
		"another error":                  {`{"outcome":"raised","error":"KeyError: 'pandas'","lacks":["pandas"]}`, "KeyError: 'pandas'"},
		"nothing that went wrong":        {`{"outcome":"ok","lacks":["pandas"]}`, ""},
		"what no box has to bring along": {`{"outcome":"raised","error":"No module named 'evil'","lacks":["evil","<!channel>"]}`, "No module named 'evil'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := intake{limits: limits}
			require.NoError(t, in.report([]byte(c.report)))
			require.Equal(t, c.want, in.result.Error)
		})
	}
}

func TestTheRunnerAsksForWhatIsHeard(t *testing.T) {
	t.Parallel()
	data, err := runnerFS.ReadFile("runner/needs.py")
	require.NoError(t, err)
	require.Contains(t, string(data), `PACKAGES = ("pandas", "numpy", "matplotlib", "openpyxl")`)
	require.Equal(t, []string{"pandas", "numpy", "matplotlib", "openpyxl"}, packages)
}
