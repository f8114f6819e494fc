package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
)

// trying runs the command as a shell would.
func trying(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, bad bytes.Buffer
	code = run(context.Background(), append([]string{"try"}, args...), []string{"PATH=" + os.Getenv("PATH"), "E2B_API_KEY=never-used"}, &out, &bad)
	return code, out.String(), bad.String()
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestAProgramIsTriedAtATerminal(t *testing.T) {
	t.Parallel()
	program := file(t, "analysis.py", `from desk import answer, left_out, load, money, note, table

sales = load("sales.csv")
known = sales.dropna(subset=["amount"])
left_out(len(sales) - len(known), "no amount")
note("Amounts are net.")
answer(f"Together {money(known['amount'].sum())}.")
table(known.groupby("region")["amount"].sum(), "By region")
print("\x1b[31mred")
`)
	input := file(t, "sales.csv", "region;amount\nNorth;1,50\nSouth;\nSouth;2,25\n")
	code, out, bad := trying(t, "--json", program, input)
	require.Zero(t, code, "%s%s", out, bad)
	var said map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &said), out)
	require.Equal(t, "ok", said["outcome"])
	require.Equal(t, "Together 3.75.", said["answer"])
	require.Equal(t, []any{"Amounts are net."}, said["notes"])
	require.Equal(t, []any{map[string]any{"rows": 1.0, "why": "no amount"}}, said["left_out"])
	require.Equal(t, []any{map[string]any{"title": "By region", "rows": 2.0, "columns": []any{"region", "amount"}, "cells": []any{[]any{"North", "1.50"}, []any{"South", "2.25"}}}}, said["tables"])
	require.Equal(t, "by-region.csv", said["files"].([]any)[0].(map[string]any)["name"])
	require.Equal(t, "red\n", said["stdout"], "no control characters")
	require.Equal(t, map[string]any{"source": "gvisor", "opened": []any{"sales.csv"}, "started": []any{}, "connected": []any{}, "complete": true}, said["witness"])

	code, out, bad = trying(t, program, input)
	require.Zero(t, code, bad)
	for _, words := range []string{nobodyApproved, "\nTogether 3.75.\n  left out: 1 rows (no amount)\n  note: Amounts are net.\n", "\nBy region (first 2 of 2 rows)\n  region  amount\n  North   1.50\n",
		"\nSeen from outside the code: Opened sales.csv. No network, no other programs.\n"} {
		require.Contains(t, out, words)
	}
}

func TestADangerousProgramIsTriedOnlyAnyway(t *testing.T) {
	t.Parallel()
	program := file(t, "shell.py", "import subprocess\nprint(subprocess.run(['id', '-u'], capture_output=True).stdout)\n")
	code, out, bad := trying(t, "--json", program)
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Contains(t, bad, "the inspection calls this dangerous (line ")
	require.Contains(t, bad, "--anyway")
	code, out, bad = trying(t, "--json", program, "--anyway")
	require.Zero(t, code, bad)
	require.Contains(t, out, `"outcome":"ok"`)
	require.Contains(t, out, `"started":["/usr/bin/id -u"]`)

	code, out, bad = trying(t, "--json", file(t, "broken.py", "print((\n"))
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Contains(t, bad, "would be shown to nobody, and is not run")
	for _, args := range [][]string{{}, {"/nowhere.py"}, {program, "/nowhere.csv", "--anyway"}} {
		code, out, _ = trying(t, args...)
		require.Equal(t, 1, code, args)
		require.Empty(t, out, args)
	}
}

func TestATracebackIsAnAnswerToo(t *testing.T) {
	t.Parallel()
	code, out, bad := trying(t, file(t, "raise.py", "import pandas as pd\npd.DataFrame({'a': [1]})['b']\n"))
	require.Zero(t, code, bad)
	require.Contains(t, out, "It ended badly (raised). KeyError: 'b'")
	require.Contains(t, out, "Where it happened:")
}

func TestABoxThatIsOnItsWayIsWaitedFor(t *testing.T) {
	t.Parallel()
	kept, refused := &steps.BoxError{Kept: true, Retry: true, Words: "This machine is busy."}, &steps.BoxError{Retry: true, Words: "No."}
	answers := []error{kept, fmt.Errorf("create: %w", kept), nil}
	id, err := whenReady(func() (string, error) {
		err := answers[0]
		answers = answers[1:]
		return map[bool]string{true: "box"}[err == nil], err
	})
	require.NoError(t, err)
	require.Equal(t, "box", id)
	require.Empty(t, answers)
	_, err = whenReady(func() (string, error) { return "", refused })
	require.ErrorIs(t, err, refused)
}
