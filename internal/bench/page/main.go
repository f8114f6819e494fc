// Page draws what benchmarks have reported as one page for people: page REPORT HTML [BEFORE COMMIT]. Figures of the report
// BEFORE, which is of that commit, stand beside those of the same name. The page is one file without
// script; `make bench` writes it to bin/bench.html, also where a benchmark has failed.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"countersign/internal/bench"
)

func main() {
	var before, commit string
	switch len(os.Args) {
	case 3:
	case 5:
		before, commit = os.Args[3], os.Args[4]
	default:
		fmt.Fprintln(os.Stderr, "usage: page REPORT HTML [BEFORE COMMIT]")
		os.Exit(2)
	}
	if err := draw(os.Args[1], os.Args[2], before, commit); err != nil {
		fmt.Fprintln(os.Stderr, "page:", err)
		os.Exit(1)
	}
}

// draw makes a page of a report, with the machine on which it was made: figures of two machines do not compare.
func draw(report, html, before, commit string) error {
	all, err := read(report)
	if err != nil {
		return err
	}
	if before != "" {
		former, err := read(before)
		if err != nil {
			return err
		}
		bench.Beside(all, former, commit+", in this run")
	}
	to, err := os.Create(html)
	if err != nil {
		return err
	}
	about := bench.About{When: time.Now().Format("2 January 2006, 15:04 MST"), Version: version(),
		Machine: fmt.Sprintf("%d processors, %s/%s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)}
	if err := bench.Page(to, about, all); err != nil {
		_ = to.Close() // the page has failed already
		return err
	}
	return to.Close()
}

// read reads a report.
func read(report string) ([]bench.Figure, error) {
	from, err := os.Open(report)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	all, err := bench.Read(from)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", report, err)
	}
	return all, nil
}

// version is the commit that was measured, "" where Git does not say.
func version() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return ""
	}
	return "commit " + strings.TrimSpace(string(out))
}
