package proof

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestThePartsOfASuiteAreAllOfItButProofsThatWereNotDrawn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var source strings.Builder
	source.WriteString("package p\n\nfunc TestMain(m *testing.M) {}\n\nfunc helper() {}\n\nfunc Testimony() {}\n\nfunc (b box) TestMethod() {}\n")
	for i := range 40 {
		fmt.Fprintf(&source, "func TestOrdinary%d(t *testing.T) {}\n", i)
		fmt.Fprintf(&source, "func TestProveOneCase%d(t *testing.T) { proof.Check(t, true, `x`, `y`) }\n", i)
	}
	source.WriteString("func TestProveThatDraws(t *testing.T) { for range proof.Draw(t, all) {} }\nfunc FuzzIt(f *testing.F) {}\nfunc ExampleOne() {}\n")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a_test.go"), []byte(source.String()), 0o600))
	both := func(seed uint64) (raced, rest []string) {
		raced, err := share(dir, Raced, seed)
		require.NoError(t, err)
		rest, err = share(dir, Rest, seed)
		require.NoError(t, err)
		return raced, rest
	}
	raced, rest := both(7)
	require.Len(t, raced, 5, "a tenth of 43 and four proofs")
	all := slices.Sorted(slices.Values(slices.Concat(raced, rest)))
	require.Len(t, slices.Compact(all), 47, "each in one part")
	proofs := 0
	for _, name := range all {
		if strings.HasPrefix(name, "TestProveOneCase") {
			proofs++
		}
	}
	require.Equal(t, 4, proofs)
	for i := range 40 {
		require.Contains(t, all, fmt.Sprintf("TestOrdinary%d", i))
	}
	require.Subset(t, all, []string{"TestProveThatDraws", "FuzzIt", "ExampleOne"})
	require.NotContains(t, strings.Join(all, " "), "Method")
	require.NotContains(t, all, "TestMain")
	require.NotContains(t, all, "Testimony")

	again, _ := both(7)
	require.Equal(t, raced, again, "the same seed draws the same")
	other, _ := both(8)
	require.NotEqual(t, raced, other)
	_, err := share(dir, "some", 7)
	require.ErrorContains(t, err, `SUITE_PART is "some"`)
}
