package sandbox

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The runner's own imports are cheaper than Python's, and find the same. What they have changed is undone
// before any code runs, also where one has failed.
func TestTheRunnersOwnImportsFindWhatPythonsDo(t *testing.T) {
	t.Parallel()
	require.Equal(t, "True True\nTrue []\nTrue True True", asked(t, `
import contextlib, importlib.machinery, subprocess, zoneinfo
quick, before = loaded("quick"), (importlib.machinery.SourceFileLoader.get_data, importlib._bootstrap_external._path_stat, zoneinfo.available_timezones)
source = os.path.join(RUNNER, "inspection", "known.json")
quick.PIECE = 1 << 12
with open(source, "rb") as file:
    data = file.read()
print(quick.whole(source) == data, quick.whole("/dev/null") == b"")
print(len(quick.zones()) > 300, sorted(zoneinfo.available_timezones() - quick.zones() - {"localtime"}))  # which is a link to one of them, and none of pytz's
with contextlib.suppress(ImportError), quick.imports():
    import json.tool, pytz, pandas
    import there_is_no_such_module
after = (importlib.machinery.SourceFileLoader.get_data, importlib._bootstrap_external._path_stat, zoneinfo.available_timezones)
listed = subprocess.run([sys.executable, "-I", "-c", "import pytz; print(*pytz.all_timezones)"], capture_output=True, text=True).stdout.split()
print(after == before, "get_data" not in vars(importlib.machinery.SourceFileLoader), pytz.all_timezones == listed)
`))
}
