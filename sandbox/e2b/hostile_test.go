package e2b_test

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/internal/proof"
	"countersign/sandbox/e2b/e2btest"
)

// deed is a program that is run in spite of the inspection, and what has to be said of it.
type deed struct {
	kind, text, about, code string
	door                    bool // its box has an allowed host
}

func deeds(t *testing.T) (all []deed) {
	t.Helper()
	data, err := os.ReadFile("testdata/deeds.txt")
	require.NoError(t, err)
	for _, part := range strings.Split(string(data), "\n#~ ")[1:] {
		head, code, _ := strings.Cut(part, "\n")
		head, about, ok := strings.Cut(head, ": ")
		require.True(t, ok, head)
		d := deed{about: about, code: code + "\n"}
		if head, d.door = strings.CutPrefix(head, "door "); d.door && head != "refused" {
			head = "connected " + head
		}
		d.kind, d.text, _ = strings.Cut(head, " ")
		all = append(all, d)
	}
	return all
}

// machines has the boxes be machines of their own. Only root can have that here.
func machines(change ...func(*e2btest.Settings)) func(*e2btest.Settings) {
	return func(s *e2btest.Settings) {
		s.Machines, s.Hosts = true, e2btest.Site+" data.example.org\n"
		for _, c := range change {
			c(s)
		}
	}
}

const allowedHost = "data.example.org"

// runOpen takes code through a whole life in a box that may reach a host.
func (b *testBundle) runOpen(t *testing.T, requestID, code string, inputs ...steps.InputFile) approval.Result {
	t.Helper()
	seal, job := sealFor(code, inputs...), jobFor(requestID, code, inputs...)
	seal.Network, job.Hosts = []string{allowedHost}, []string{allowedHost}
	id, err := b.client.Create(t.Context(), requestID, seal)
	require.NoError(t, err)
	require.NoError(t, b.client.Start(t.Context(), id, job))
	result, err := b.client.Result(t.Context(), id)
	require.NoError(t, err)
	require.NoError(t, b.client.Kill(t.Context(), id))
	return result
}

// What a hostile program does in a cloud box is named by the witness there, or it cannot do it. The
// supervisor, the witness and the kernel are real; the machine is one of namespaces. Who is not root
// cannot have that: then no box is closed, no witness stands in it, and that is what is said.
func TestProveReviewCloudWitness(t *testing.T) {
	t.Parallel()
	all := deeds(t)
	require.GreaterOrEqual(t, len(all), 50)
	sales := input("sales.csv", "day,kind,amount\n2024-01-01,a,1\n")
	if os.Geteuid() != 0 {
		b := setup(t)
		result := b.run(t, "req1", all[0].code, sales)
		require.Nil(t, result.Observed.Witness)
		head, _ := result.Observed.Words(func(names []string) string { return strings.Join(names, ", ") })
		require.Equal(t, "Not watched from outside", head)
		return
	}
	b := setupOn(t, machines())
	drawn := proof.Draw(t, all)
	var mu sync.Mutex
	var missed, denied []string
	parent := t // whose log is shown where a promise is not kept
	t.Run("each", func(t *testing.T) {
		for _, d := range drawn {
			t.Run(d.about, func(t *testing.T) {
				t.Parallel()
				run := b.run
				if d.door {
					run = b.runOpen
				}
				result := run(t, approval.NewID(8), d.code, sales)
				w := result.Observed.Witness
				require.NotNil(t, w, "%+v\n%s", result, b.log)
				list := map[string][]string{"opened": w.Opened, "started": w.Started, "connected": w.Connected, "gap": w.Gaps}[d.kind]
				named := d.kind != "refused" && strings.Contains(strings.Join(list, "\n"), d.text)
				if d.kind == "refused" {
					named = strings.Contains(result.Stdout, "tried") && !strings.Contains(result.Stdout, "reached")
				}
				if d.door {
					named = named && w.Connected != nil
				} else {
					named = named && w.Connected == nil
				}
				_, rest := result.Observed.Words(func(names []string) string { return strings.Join(names, ", ") })
				said := approval.Compare([]approval.Finding{{Level: approval.Note, Kind: approval.KindRead, About: "sales.csv"}}, []approval.Input{sales.Input}, result.Observed)
				mu.Lock()
				defer mu.Unlock()
				if !named {
					missed = append(missed, d.about)
					parent.Logf("%s: expected %s %q\n%+v\n%s %s\n%s\n%s", d.about, d.kind, d.text, w, result.Outcome, result.Error, result.Stdout, result.Stderr)
				}
				if d.kind != "refused" && len(said) == 0 || !d.door && strings.Contains(rest, "No network") {
					denied = append(denied, d.about)
					parent.Logf("%s: %s\n%q", d.about, rest, said)
				}
			})
		}
	})
	proof.Check(t, len(missed) == 0, "in a cloud box the witness names what a hostile program does, or it cannot do it", "%d of %d%s", len(drawn)-len(missed), len(drawn), listOf(missed))
	proof.Check(t, len(denied) == 0, "of a cloud box no answer says that nothing happened when something did", "%d of %d%s", len(drawn)-len(denied), len(drawn), listOf(denied))
}

func listOf(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "; " + strings.Join(names, ", ")
}

// Of an honest program everything is known, and nothing that it did not announce.
func TestAnHonestProgramInACloudBoxIsFullyKnown(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return // see above
	}
	b := setupOn(t, machines())
	sales := input("sales.csv", "day,kind,amount\n2024-01-01,a,1\n2024-01-02,b,2\n")
	code := `from desk import load, answer, chart, money, table
import matplotlib.pyplot as plt
sales = load("sales.csv")
by = sales.groupby("kind", as_index=False)["amount"].sum()
table(by, "By kind")
figure, ax = plt.subplots()
ax.bar(by["kind"], by["amount"])
chart(figure, "By kind")
answer(f"The total was {money(by['amount'].sum())}.")
`
	for name, run := range map[string]func(*testing.T, string, string, ...steps.InputFile) approval.Result{"without": b.run, "with": b.runOpen} {
		result := run(t, "req-"+name, code, sales)
		require.Equal(t, approval.OK, result.Outcome, "%+v\n%s", result, b.log)
		w := result.Observed.Witness
		require.NotNil(t, w)
		require.True(t, w.Complete, "%+v", w)
		require.Equal(t, []string{"sales.csv"}, w.Opened)
		require.Empty(t, w.Started)
		require.Equal(t, name == "with", w.Connected != nil)
		said := approval.Compare([]approval.Finding{{Level: approval.Note, Kind: approval.KindRead, About: "sales.csv"}, {Level: approval.Note, Kind: approval.KindImport, About: "desk, matplotlib"}},
			[]approval.Input{sales.Input}, result.Observed)
		require.Empty(t, said)
	}
}

// Where one of the steps that close a box fails there is no witness, and that is said; where the
// code was to reach one host alone, it does not run.
func TestABoxThatCannotBeClosedHasNoWitness(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return // see above
	}
	sudo := `mkdir /mnt/sudo; printf '#!/bin/sh\nexit 0\n' >/mnt/sudo/sudo; chmod 755 /mnt/sudo/sudo; PATH=/mnt/sudo:$PATH` // that works
	b := setupOn(t, machines(func(s *e2btest.Settings) { s.Uncloseable = sudo }))
	result := b.run(t, "req1", "import os\nos.system('id')\n")
	require.Nil(t, result.Observed.Witness)
	head, rest := result.Observed.Words(func(names []string) string { return strings.Join(names, ", ") })
	require.Equal(t, "Not watched from outside", head)
	require.Contains(t, rest, "what the code did is not known")
	require.Contains(t, b.log.String(), "a run had no witness")
	require.Contains(t, b.log.String(), "could get out: sudo")

	result = b.runOpen(t, "req2", "print('it ran')\n")
	require.Equal(t, approval.Broken, result.Outcome)
	require.Contains(t, result.Error, "Nothing has run: the box could not be closed to all but the hosts that were allowed")
	require.Empty(t, result.Stdout)
}

// A host whose address nobody knows is reached by no way, and neither is one that is no other than
// the box itself, or what is beside it.
func TestAHostWithoutAnAddressLetsNothingRun(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return // see above
	}
	for hosts, why := range map[string]string{
		"":                                   "the address of data.example.org",
		"127.0.0.1 data.example.org\n":       "the address of data.example.org: 127.0.0.1 is not on the internet",
		"169.254.169.254 data.example.org\n": "the address of data.example.org: 169.254.169.254 is not on the internet",
	} {
		b := setupOn(t, machines(func(s *e2btest.Settings) { s.Hosts = hosts }))
		result := b.runOpen(t, "req1", "print('it ran')\n")
		require.Equal(t, approval.Broken, result.Outcome)
		require.Contains(t, result.Error, why)
		require.Empty(t, result.Stdout)
	}
}

// Where nothing can be closed, as for whoever is not root, code that may reach a host does not run.
func TestCodeWithAHostDoesNotRunInABoxThatIsNoMachine(t *testing.T) {
	t.Parallel()
	b := setup(t)
	result := b.runOpen(t, "req1", "print('it ran')\n")
	require.Equal(t, approval.Broken, result.Outcome)
	require.Contains(t, result.Error, "could not be closed to all but the hosts that were allowed (it is no machine of its own)")
	require.Empty(t, result.Stdout)
}

// What the code's own process has seen of connections stands unless a whole account says it better.
func TestAConnectionIsSaidWhereItsWitnessIsMissing(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return // see above
	}
	code := "import socket, os\nsocket.create_connection(('data.example.org', 80), 100).close()\n"
	// A file that has another name by the time that the witness looks at it is a gap. Of many it is too late for one, however fast it is.
	moves := "for n in range(200):\n    open('a', 'w').close()\n    os.rename('a', 'b')\n"
	for what, tt := range map[string]struct {
		code              string
		lost, there, said bool
	}{
		"a whole account": {code, false, true, false},
		"one with a gap":  {code + moves, false, true, true},
		"none":            {code, true, false, true},
	} {
		b := setupOn(t, machines(), impatient)
		if tt.lost {
			b.e2b.Fail(e2btest.See, e2btest.Fault{Status: 500, Body: `{"code":500,"message":"no"}`, Times: -1})
		}
		result := b.runOpen(t, "req1", tt.code)
		require.Equal(t, approval.OK, result.Outcome, "%s: %+v\n%s", what, result, b.log)
		require.Equal(t, tt.there, result.Observed.Witness != nil, what)
		require.Equal(t, tt.said, strings.Contains(strings.Join(result.Observed.Connected, " "), "127.77."), "%s: %+v", what, result.Observed)
	}
}

// What was seen has left the box before the code comes to its end.
func TestSightingsLeaveTheBoxAsTheyHappen(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return // see above
	}
	b := setupOn(t, machines())
	code := "open('/etc/group').read()\nimport time\ntime.sleep(10000)\n"
	id := b.create(t, "req1", code)
	require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", code)))
	done := make(chan error, 1)
	go func() {
		_, err := b.client.Result(t.Context(), id)
		done <- err
	}()
	soon(t, "it has been taken out of the box", func() bool { return strings.Contains(string(b.client.Told(id)), "/etc/group") })
	b.e2b.End(id)
	require.ErrorIs(t, <-done, steps.ErrBoxGone)
	require.Contains(t, b.log.String(), "/etc/group", "what was seen is not lost with the box")
}

// A job for other hosts than the box was made for does not start in it.
func TestAJobForOtherHostsDoesNotStart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	job := jobFor("req1", "print(1)")
	id := b.create(t, "req1", job.Code)
	job.Hosts = []string{allowedHost}
	boxError(t, b.client.Start(t.Context(), id, job))
	require.Equal(t, 0, b.e2b.Calls(e2btest.Start))
}

// What the witness has written cannot be had: the result is, and says that nobody watched.
func TestAResultDoesNotWaitForItsWitness(t *testing.T) {
	t.Parallel()
	b := setupOn(t, func(*e2btest.Settings) {}, impatient)
	b.e2b.Fail(e2btest.See, e2btest.Fault{Status: 500, Body: `{"code":500,"message":"no"}`, Times: -1})
	result := b.run(t, "req1", "import time\ntime.sleep(0.2)\nprint(1)")
	require.Equal(t, approval.OK, result.Outcome)
	require.Nil(t, result.Observed.Witness)
}
