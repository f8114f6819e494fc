package storage

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/internal/pglocal/pgtest"
	"countersign/internal/proof"
)

// A clicker is another process in which many reviewers click at once, and then
// many replicas start what was approved.

// clickOrder is what a clicker is told, in its environment.
type clickOrder struct {
	URL       string
	Request   string
	Revision  int
	Digest    string
	Reviewers []string
}

// clickReport is what it prints after each word on standard input.
type clickReport struct {
	Accepted int // clicks, and starts
	Late     int // refused in words, because others were first
	Wrong    []string
}

func (r *clickReport) count(errs []error) {
	for _, err := range errs {
		var move *approval.MoveError
		switch {
		case err == nil:
			r.Accepted++
		case errors.As(err, &move):
			r.Late++
		default:
			r.Wrong = append(r.Wrong, err.Error())
		}
	}
}

// everybody is a Slack in which everybody is a member of the workspace.
type everybody struct{ steps.Slack }

func (everybody) Person(_ context.Context, _, user string) (review.Person, error) {
	return review.Person{ID: user}, nil
}

// leasedBox has a price and an end, which is all that an approval asks of it.
type leasedBox struct{ sizedBox }

func (leasedBox) Lease(l approval.Limits) time.Duration {
	return time.Duration(l.Seconds) * time.Second
}

func clicker(text string) {
	var order clickOrder
	if err := json.Unmarshal([]byte(text), &order); err != nil {
		panic(err)
	}
	ctx := context.Background()
	db, err := Open(ctx, order.URL, Options{Key: testKey})
	if err != nil {
		panic(err)
	}
	defer db.Close()
	policy := approval.DefaultPolicy()
	policy.Reviewers = order.Reviewers
	service := steps.New(steps.Ports{Store: db, Slack: everybody{}, Sandbox: leasedBox{}, Log: slog.New(slog.DiscardHandler)},
		steps.Settings{Prices: budget.Shipped(), Policy: policy})
	words := bufio.NewScanner(os.Stdin)
	for _, do := range []func(i int) error{
		func(i int) error {
			// Slack has delivered every click to both replicas: it is the same click.
			_, err := service.Decide(ctx, steps.Ruling{RequestID: order.Request, Revision: order.Revision, Digest: order.Digest, Verdict: approval.Approve,
				Click: approval.Click{Team: team, User: order.Reviewers[i], ActionTS: fmt.Sprint(i, ".5"), Channel: "REVIEW", MessageTS: "1.1"}})
			return err
		},
		func(i int) error {
			_, err := db.Update(ctx, order.Request, func(r *approval.Request, now time.Time) error {
				return r.Start(fmt.Sprintf("box %d of %d", i, os.Getpid()), policy, now)
			})
			return err
		},
	} {
		words.Scan()
		var report clickReport
		report.count(together(len(order.Reviewers), do))
		line, err := json.Marshal(report)
		if err != nil {
			panic(err)
		}
		fmt.Println(string(line))
	}
}

// clickers are two of them.
type clickers []struct {
	cmd *exec.Cmd
	in  io.Writer
	out *bufio.Scanner
}

func startClickers(t *testing.T, order clickOrder) (both clickers) {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	text, err := json.Marshal(order)
	require.NoError(t, err)
	both = make(clickers, 2)
	for i := range both {
		cmd := exec.Command(program)
		cmd.Env = append(os.Environ(), "STORAGE_TEST_CLICKER="+string(text), "GOCOVERDIR="+t.TempDir())
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		require.NoError(t, err)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		t.Cleanup(func() {
			_ = cmd.Process.Kill() // it has ended, unless the test failed
			_ = cmd.Wait()
		})
		both[i].cmd, both[i].in, both[i].out = cmd, in, bufio.NewScanner(out)
	}
	return both
}

// all says a word to both, and adds up what they report.
func (c clickers) all(t *testing.T) (sum clickReport) {
	t.Helper()
	for _, one := range c {
		_, err := fmt.Fprintln(one.in, "go")
		require.NoError(t, err)
	}
	for _, one := range c {
		require.True(t, one.out.Scan(), "it has died")
		var r clickReport
		require.NoError(t, json.Unmarshal(one.out.Bytes(), &r), one.out.Text())
		sum.Accepted, sum.Late, sum.Wrong = sum.Accepted+r.Accepted, sum.Late+r.Late, append(sum.Wrong, r.Wrong...)
	}
	return sum
}

func TestProveReviewFiftyClicksOverTwoProcessesAreOneRun(t *testing.T) {
	t.Parallel()
	const people = 50
	var reviewers []string
	for i := range people {
		reviewers = append(reviewers, fmt.Sprint("REV", i))
	}
	for _, needed := range []int{1, 3, people} {
		b := setup(t)
		r := b.ask(t, "t")
		r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
			return r.Drafted(approval.Revision{Code: "print(1)\n", Author: "m", Manifest: approval.Manifest{Version: approval.ManifestVersion, Limits: b.policy.Limits,
				CostCap: budget.Cent, Tier: approval.Low, Approvals: needed, Policy: "settings"}}, b.policy, now)
		})
		both := startClickers(t, clickOrder{URL: pgtest.Serve(b.url), Request: r.ID, Revision: 1, Digest: r.Revision.Digest, Reviewers: reviewers})
		clicks := both.all(t)
		decisions, deciders := b.count(t, `SELECT count(*) FROM decisions`), b.count(t, `SELECT count(DISTINCT reviewer) FROM decisions`)
		approved := b.count(t, `SELECT count(*) FROM requests WHERE state = 'approved'`)
		holds := b.count(t, `SELECT count(*) FROM holds WHERE purpose = 'run'`)
		starts := both.all(t)
		runs := b.count(t, `SELECT count(*) FROM runs`)
		started := b.count(t, `SELECT count(*) FROM events WHERE kind = 'started'`)
		proof.Check(t, decisions == needed && deciders == needed && approved == 1 && holds == 1 && len(clicks.Wrong) == 0,
			fmt.Sprintf("%d people click at once on 2 processes, %d needed: one decision each, one approval", people, needed),
			"%d decisions of %d people, %d approved, %d holds; %d clicks late; %d errors %s", decisions, deciders, approved, holds, clicks.Late, len(clicks.Wrong), first(clicks.Wrong))
		proof.Check(t, runs == 1 && started == 1 && starts.Accepted == 1 && len(starts.Wrong) == 0,
			fmt.Sprintf("%d replicas start it at once, %d approvals: one run", 2*people, needed),
			"%d run, %d started, %d refused; %d errors %s", runs, starts.Accepted, starts.Late, len(starts.Wrong), first(starts.Wrong))
	}
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// What nobody can do past our code: promises of TestTheSchemaKeepsItsPromisesAgainstAnybody
// that a review rests on.
func TestProveReviewTheSchemaRefuses(t *testing.T) {
	t.Parallel()
	b, fill := setupBreaches(t)
	for _, promise := range []string{"the asker does not decide", "the author does not decide", "a decision does not lie about the asker", "a person decides once",
		"one person has one say", "nobody decides in the asker's place", "nobody decides in a place that was not given",
		"a decision is on what was shown", "a decision is on the current version", "a decision comes in time", "a decision stays",
		"approved means approved by enough people", "a sealed number of approvals is needed", "nobody lowers a sealed number of approvals",
		"a manifest asks for what its rules ask for", "nothing runs with too few approvals", "nothing runs before it is written",
		"nothing runs but what was approved", "one run per request", "code does not change", "the code is the sealed code", "the digest is that of the manifest"} {
		found := false
		for _, breach := range breaches {
			if breach.promise == promise {
				found = true
				name, err := b.breach(t, fill, breach.sql)
				proof.Check(t, strings.Contains(","+breach.constraint+",", ","+name+","), "by SQL: "+promise, "refused by %s%s", name, unrefused(err))
			}
		}
		require.True(t, found, promise)
	}
}

func unrefused(err error) string {
	if err == nil {
		return "nobody"
	}
	return ""
}
