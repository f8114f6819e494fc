package local

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// The list of harmless names is made by a script and kept in the repository. What
// was taken out of it by hand, and what it was chosen from, has to be what stands in
// the script; names that other versions of the libraries have are no failure.
func TestTheListOfHarmlessNamesIsWhatItsGeneratorMakes(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("/usr/bin/python3", "-B", "../../tools/known/make.py", "--check", "../runner/known.json").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "made from")
}
