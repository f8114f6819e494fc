//go:build linux

package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

func words(t *testing.T, err error) string {
	t.Helper()
	var box *steps.BoxError
	require.ErrorAs(t, err, &box)
	return box.Words
}

func TestWhatABoxIsBilledBy(t *testing.T) {
	t.Parallel()
	require.Equal(t, budget.BoxSize{Kind: "local", VCPU: 1, MemoryMB: 1024}, shared.Size())
}

func TestTheTemplateIsWhatTheBoxHas(t *testing.T) {
	t.Parallel()
	result := run(t, job(`
import pandas, numpy, matplotlib, openpyxl, sys
print("python %d.%d" % sys.version_info[:2], *("%s %s" % (m.__name__, m.__version__) for m in (pandas, numpy, matplotlib, openpyxl)), sep=", ")
`, roomy))
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	// What a distribution adds to a version, modules do not always say of themselves.
	own := regexp.MustCompile(`\+dfsg\d*`)
	require.True(t, strings.HasSuffix(own.ReplaceAllString(shared.Template(), ""), ", "+strings.TrimSpace(own.ReplaceAllString(result.Stdout, ""))), "%s: %s", shared.Template(), result.Stdout)
}

func TestVersionsAreReadFromMetadata(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"pandas-2.1.4+dfsg-py3.egg-info", "numpy-1.26.4.dist-info", "openpyxl.egg-info", "Matplotlib-3.10.8.dist-info"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o755))
	}
	places := []string{filepath.Join(dir, "missing"), dir}
	require.Equal(t, "2.1.4+dfsg", packageVersion(places, "pandas"))
	require.Equal(t, "1.26.4", packageVersion(places, "numpy"))
	require.Equal(t, "3.10.8", packageVersion(places, "matplotlib"))
	require.Empty(t, packageVersion(places, "openpyxl"))
}

func TestAMissingPartIsNamedWithItsCure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	require.NoError(t, os.WriteFile(plain, nil, 0o644))

	_, err := New(Options{Runsc: shared.opt.Runsc, Python: "/nowhere/python3", Dir: dir})
	require.Contains(t, words(t, err), "apt-get install python3 python3-pandas")
	_, err = New(Options{Runsc: shared.opt.Runsc, Python: plain, Dir: dir})
	require.ErrorContains(t, err, "does not lie below /usr")
	_, err = installed("/usr/bin/env")
	require.ErrorContains(t, err, "/usr/bin/env is not a Python")
	_, err = describe("/usr/bin/python3", "3", []string{dir})
	require.ErrorContains(t, err, "no pandas in "+dir)
	_, err = New(Options{Dir: plain})
	require.ErrorContains(t, err, "not a directory")
	if os.Geteuid() == 0 {
		theirs := filepath.Join(dir, "theirs")
		require.NoError(t, os.Mkdir(theirs, 0o755))
		require.NoError(t, os.Chown(theirs, 65534, 65534))
		_, err = New(Options{Dir: theirs})
		require.Contains(t, words(t, err), "belongs to somebody else")
	}
}

func TestRunscIsLookedForWhereItBelongs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	libexec := filepath.Join(dir, "libexec")
	deep := filepath.Join(dir, "a", "b")
	require.NoError(t, os.MkdirAll(deep, 0o755))
	require.NoError(t, os.Mkdir(libexec, 0o755))

	_, err := findRunsc("", filepath.Join(dir, "bin", "countersign"), deep)
	require.Contains(t, words(t, err), "make libexec/runsc")
	_, err = findRunsc(filepath.Join(libexec, "runsc"), "", "")
	require.Contains(t, words(t, err), "cannot be used")

	runsc := filepath.Join(libexec, "runsc")
	require.NoError(t, os.WriteFile(runsc, nil, 0o644))
	_, err = findRunsc(runsc, "", "")
	require.ErrorContains(t, err, "not executable")
	require.NoError(t, os.Chmod(runsc, 0o755))

	for name, at := range map[string][3]string{
		"where it is said":               {runsc, "", ""},
		"beside the executable":          {"", filepath.Join(dir, "countersign"), "/"},
		"beside the executable's folder": {"", filepath.Join(dir, "bin", "countersign"), "/"},
	} {
		got, err := findRunsc(at[0], at[1], at[2])
		require.NoError(t, err, name)
		require.Equal(t, runsc, got, name)
	}
	_, err = findRunsc("", "/nowhere/else/countersign", deep)
	require.Error(t, err, "a folder above that is no module is not looked into")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), nil, 0o644))
	got, err := findRunsc("", "/nowhere/else/countersign", deep)
	require.NoError(t, err)
	require.Equal(t, runsc, got)
	_, err = FindRunsc()
	require.NoError(t, err)
}

func TestARefusalOfThisMachineIsExplained(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"user/max_user_namespaces=0":                     "max_user_namespaces",
		"kernel/apparmor_restrict_unprivileged_userns=1": "profile countersign-runsc /x/runsc flags=(unconfined)",
		"kernel/unprivileged_userns_clone=0":             "unprivileged_userns_clone to 1",
		"nothing=0":                                      "",
	} {
		name, value, _ := strings.Cut(setting, "=")
		read := func(asked string) string {
			if asked == name {
				return value
			}
			return ""
		}
		got := refusal(true, "/x/runsc", read)
		require.Contains(t, got, want)
		require.Equal(t, want == "", got == "")
		if name != "user/max_user_namespaces" {
			require.Empty(t, refusal(false, "/x/runsc", read), "root is exempt")
		}
	}
	require.Empty(t, readSetting("no/such/setting"))
	require.NotEmpty(t, readSetting("kernel/ostype"))
	original := &steps.BoxError{Words: "said already"}
	require.Equal(t, error(original), shared.advice(original, ""))
}

func TestABoxThatDoesNotStartSaysWhy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, script := range map[string]string{
		"fails":    "#!/bin/sh\necho 'this is why' >&2\nexit 1\n",
		"babbles":  "#!/bin/sh\n[ \"$4\" = --x ] || printf 'not a frame, and far too long to be the beginning of one' >&4\n",
		"nonsense": "\x00\x01",
		// It looks ready, but there is no sandbox behind it whose memory could be measured.
		"pretends": "#!/bin/sh\nprintf '\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0Y\\0\\0\\0\\0\\0\\0\\0\\0' >&4\nexec sleep 100\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runsc := filepath.Join(dir, name)
			require.NoError(t, os.WriteFile(runsc, []byte(script), 0o755))
			s := own(t, Options{Runsc: runsc, MaxWarm: 1})
			_, err := s.Create(context.Background(), "a", s.seal())
			require.NotEmpty(t, words(t, err))
			if name == "fails" {
				require.ErrorContains(t, err, "this is why")
			}
			_, err = s.Inspect(context.Background(), "1", nil)
			require.NotEmpty(t, words(t, err))
			_, err = s.SelfTest(context.Background())
			require.Error(t, err)
			s.Prepare("b")
			s.waiting()
			_, err = s.Create(context.Background(), "c", s.seal())
			require.Error(t, err)
		})
	}
}

func TestASelfTestThatFailsSaysSo(t *testing.T) {
	t.Parallel()
	over, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := shared.SelfTest(over)
	require.ErrorIs(t, err, context.Canceled)
	_, err = shared.Inspect(over, "1", nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = shared.SelfTest(context.Background())
	require.NoError(t, err, "it can be repeated, for doctor")

	for want, result := range map[string]approval.Result{
		"ended as":           {Outcome: approval.Raised, Error: "x"},
		"printed nothing":    {Outcome: approval.OK},
		"could reach":        {Outcome: approval.OK, Stdout: "pandas 1\nreached the host\n"},
		"cannot be measured": {Outcome: approval.OK, Stdout: "pandas 1\nrefused\n"},
	} {
		require.Contains(t, words(t, verdict(result, 0)), want)
	}
	require.NoError(t, verdict(approval.Result{Outcome: approval.OK, Stdout: "pandas 1\nrefused\n"}, 1))
}

func TestJudgingAResultWithoutItsEnd(t *testing.T) {
	t.Parallel()
	b := &box{}
	result := approval.Result{Outcome: approval.OK}
	b.judge(&result, nil, roomy)
	require.Equal(t, approval.OK, result.Outcome)
	b.why = approval.TimedOut
	b.judge(&result, errors.New("cut"), roomy)
	require.Equal(t, approval.TimedOut, result.Outcome)
	require.Contains(t, result.Error, "600 seconds")
}
