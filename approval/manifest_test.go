package approval

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/budget"
	"countersign/internal/deepcopy"
)

func testManifest() Manifest {
	return Manifest{Version: 1, CodeSHA256: "c0de", Inputs: []Input{{Name: "b.csv", SHA256: "bb"}, {Name: "a.csv", SHA256: "aa"}}, Sandbox: "local",
		Template: "python 3.11 <&> é", Network: []string{"example.org", "api.example.com"},
		Limits: Limits{Seconds: 120, MemoryMB: 1024, OutputBytes: 32 << 20, Files: 20}, CostCap: 12_345_000}
}

// sealedManifest is one of version 3, with all that it seals.
func sealedManifest() Manifest {
	m := testManifest()
	m.Version, m.Tier, m.Approvals, m.Policy = 3, High, 2, "team/3"
	m.Inputs[0].Reading, m.Today, m.Zone, m.Environment = "4ead", "2026-11-27", "Europe/Berlin", []string{"Python 3.11.2", "pandas 1.5.3"}
	m.Notes = SealedNotes{Version: "C1/4", SHA256: "7e47", Currency: "EUR", YearBegins: 4}
	m.Saw, m.Thread = Statistics, Context{Whole: []string{"q7x2mkd", "b3n9wqz"}, Summary: "h4kz82nq", Left: 2}
	return m
}

// Whoever changes this spelling makes every stored digest a stranger: that is a new version.
func TestTheManifestHasOneSpelling(t *testing.T) {
	t.Parallel()
	m := testManifest()
	require.Equal(t, `{"version":1,"code_sha256":"c0de","inputs":[{"name":"a.csv","sha256":"aa"},{"name":"b.csv","sha256":"bb"}],`+
		`"sandbox":"local","template":"python 3.11 \u003c\u0026\u003e é","network":["api.example.com","example.org"],`+
		`"limits":{"seconds":120,"memory_mb":1024,"output_bytes":33554432,"files":20},"cost_cap":12345000}`, string(m.Canonical()))
	require.Equal(t, "bfbc6882c2b8b226559f2e4dba7fcc8d1cd7fd9851640054082aaadd4fc4f808", m.Digest())
	m.Version, m.Tier, m.Approvals, m.Policy = 2, High, 2, "team/3"
	require.Equal(t, `,"cost_cap":12345000,"tier":"high","approvals":2,"policy":"team/3"}`, string(m.Canonical()[len(m.Canonical())-67:]))
	spelling := string(sealedManifest().Canonical())
	require.Contains(t, spelling, `{"name":"b.csv","sha256":"bb","reading":"4ead"}`)
	require.True(t, strings.HasSuffix(spelling, `"policy":"team/3","today":"2026-11-27","zone":"Europe/Berlin","environment":["Python 3.11.2","pandas 1.5.3"],`+
		`"notes":{"version":"C1/4","sha256":"7e47","currency":"EUR","year_begins":4},"saw":"statistics","thread":{"whole":["q7x2mkd","b3n9wqz"],"summary":"h4kz82nq","left":2}}`), spelling)
	m = testManifest()
	require.Equal(t, testManifest(), m, "spelling it out does not reorder it")
	require.Equal(t, "604ea0499772bf4ea5b94ea74f54af4b975e36a2dc6461de756054765f27fc3d", Manifest{}.Digest())
	require.Equal(t, Manifest{}.Digest(), Manifest{Inputs: []Input{}, Network: []string{}}.Digest(), "none is none")
}

func TestTheOrderOfInputsAndHostsDoesNotMatter(t *testing.T) {
	t.Parallel()
	m := testManifest()
	for i := range 20 {
		m.Inputs = append(m.Inputs, Input{Name: fmt.Sprint(i, ".csv"), SHA256: fmt.Sprint(i)}, Input{Name: fmt.Sprint(i, ".csv"), SHA256: fmt.Sprint(-i)})
		m.Network = append(m.Network, fmt.Sprint(i, ".example"))
	}
	want := m.Digest()
	for range 50 {
		rand.Shuffle(len(m.Inputs), func(i, j int) { m.Inputs[i], m.Inputs[j] = m.Inputs[j], m.Inputs[i] })
		rand.Shuffle(len(m.Network), func(i, j int) { m.Network[i], m.Network[j] = m.Network[j], m.Network[i] })
		require.Equal(t, want, m.Digest())
	}
}

// mutations changes each thing that a value holds, one at a time. A kind that it
// does not know fails the test, so that no future field can be forgotten.
func mutations(t *testing.T, v reflect.Value, path string, try func(path string)) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		was := v.String()
		v.SetString(was + "x")
		try(path)
		v.SetString(was)
	case reflect.Int, reflect.Int64:
		was := v.Int()
		v.SetInt(was + 1)
		try(path)
		v.SetInt(was)
	case reflect.Struct:
		for i := range v.NumField() {
			mutations(t, v.Field(i), path+"."+v.Type().Field(i).Name, try)
		}
	case reflect.Slice:
		require.GreaterOrEqual(t, v.Len(), 2, "%s: the test needs elements to change", path)
		for i := range v.Len() {
			mutations(t, v.Index(i), fmt.Sprintf("%s[%d]", path, i), try)
		}
		was := reflect.ValueOf(deepcopy.Of(v.Interface()))
		v.Set(reflect.Append(was, reflect.Zero(v.Type().Elem())))
		try(path + " with one more")
		v.Set(was.Slice(0, was.Len()-1))
		try(path + " with one less")
		v.Set(was)
	default:
		t.Fatalf("%s is a %s: teach the test to change it", path, v.Kind())
	}
}

func TestEveryFieldIsSealed(t *testing.T) {
	t.Parallel()
	m := sealedManifest()
	seen := map[string]string{m.Digest(): "nothing"}
	mutations(t, reflect.ValueOf(&m).Elem(), "manifest", func(path string) {
		same, ok := seen[m.Digest()]
		require.False(t, ok, "changing %s gives the digest of changing %s", path, same)
		seen[m.Digest()] = path
	})
	require.Equal(t, sealedManifest(), m)
	require.GreaterOrEqual(t, len(seen), 20)
}

func TestWhatIsChangedAfterTheApprovalDoesNotStart(t *testing.T) {
	t.Parallel()
	r := inState(t, Pending)
	r.Revision.Manifest.Inputs, r.Revision.Manifest.Network = testManifest().Inputs, testManifest().Network
	r.Revision.Manifest.Environment, r.Revision.Manifest.Thread = sealedManifest().Environment, sealedManifest().Thread
	r.Revision.Digest = r.Revision.Manifest.Digest()
	require.NoError(t, r.Decide(approvalOf(r, "R1"), budget.Cent, testPolicy(), t0))
	tries := 0
	refused := func(path string) {
		tries++
		var stale *StaleError
		require.ErrorAs(t, r.Start("box", testPolicy(), t0), &stale, path)
	}
	mutations(t, reflect.ValueOf(&r.Revision.Manifest).Elem(), "manifest", refused)
	mutations(t, reflect.ValueOf(&r.Revision.Code).Elem(), "code", refused)
	mutations(t, reflect.ValueOf(&r.Revision.Digest).Elem(), "digest", refused)
	require.Greater(t, tries, 20)
	require.NoError(t, r.Start("box", testPolicy(), t0), "unchanged, it starts")
}

func TestShortIsWhatPeopleAreShown(t *testing.T) {
	t.Parallel()
	require.Equal(t, "e3b0c44298fc", Short(Hash(nil)))
	require.Equal(t, "abc", Short("abc"))
	require.Equal(t, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Hash(nil))
}
