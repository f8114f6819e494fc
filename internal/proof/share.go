package proof

import (
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A package of end-to-end tests has proofs that are one case each: the suite runs a drawn tenth of those, `make prove-...`
// all. What the suite runs of it, it runs in two parts: a drawn tenth under the race detector, which makes the
// package's processor time half as much again, and the rest without; `make prove-races` runs all of them under it.
const (
	Raced = "raced"
	Rest  = "rest"
)

// Share has a binary of tests run the part of them that SUITE_PART names, for its TestMain; without SUITE_PART, and
// where -run says which, it changes nothing. Its sources are read in dir. PROVE_SEED has to be there: both parts go by it.
func Share(dir string) error {
	part := os.Getenv("SUITE_PART")
	if part == "" {
		return nil
	}
	if !flag.Parsed() {
		flag.Parse()
	}
	if flag.Lookup("test.run").Value.String() != "" {
		return nil
	}
	seed, err := strconv.ParseUint(os.Getenv("PROVE_SEED"), 10, 64)
	if err != nil {
		return errors.New("SUITE_PART needs PROVE_SEED, a number: the parts of a suite are drawn by the same seed")
	}
	names, err := share(dir, part, seed)
	if err != nil {
		return err
	}
	fmt.Printf("PROVE_SEED=%d SUITE_PART=%s: %d tests\n", seed, part, len(names))
	return flag.Set("test.run", "^("+strings.Join(names, "|")+")$")
}

// share lists the tests of a part by name.
func share(dir, part string, seed uint64) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	var always, sometimes []string
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("read which tests there are: %w", err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || f.Name.Name == "TestMain" || !aTest.MatchString(f.Name.Name) {
				continue
			}
			if strings.HasPrefix(f.Name.Name, "TestProve") && !draws(f) {
				sometimes = append(sometimes, f.Name.Name)
			} else {
				always = append(always, f.Name.Name)
			}
		}
	}
	by := rand.New(rand.NewPCG(seed, 10))
	drawn, _ := tenth(by, sometimes)
	raced, rest := tenth(by, append(always, drawn...))
	switch part {
	case Raced:
		return raced, nil
	case Rest:
		return rest, nil
	}
	return nil, fmt.Errorf("SUITE_PART is %q: it is %s or %s", part, Raced, Rest)
}

var aTest = regexp.MustCompile(`^(Test|Fuzz|Example)([^a-z]|$)`)

// draws tells whether a proof draws among cases of its own: then it runs always.
func draws(f *ast.FuncDecl) (does bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			from, _ := s.X.(*ast.Ident)
			does = does || from != nil && from.Name == "proof" && slices.Contains([]string{"Draw", "Of", "Whole"}, s.Sel.Name)
		}
		return !does
	})
	return does
}

// tenth splits a list into a random tenth and the rest, both sorted.
func tenth(by *rand.Rand, all []string) (drawn, rest []string) {
	all = slices.Sorted(slices.Values(all))
	for i, n := range by.Perm(len(all)) {
		if i < (len(all)+9)/10 {
			drawn = append(drawn, all[n])
		} else {
			rest = append(rest, all[n])
		}
	}
	slices.Sort(drawn)
	slices.Sort(rest)
	return drawn, rest
}
