package steps

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

// today is a freeze that has begun and ends tomorrow or later.
func today(b *bundle) func(*review.Rules) {
	return func(rules *review.Rules) {
		rules.Freezes = []string{b.store.now().Format(time.DateOnly) + " to " + b.store.now().AddDate(0, 0, 1).Format(time.DateOnly)}
	}
}

// Whoever may decide is asked of Slack, and that takes time. What administrators change
// meanwhile holds for what is decided.
func TestADecisionSeesWhatChangesWhileSlackIsAsked(t *testing.T) {
	t.Parallel()
	changes := map[string]struct {
		by     string
		change func(*bundle)
		why    string
	}{
		"their role is taken": {"new", func(b *bundle) {
			require.NoError(b.t, b.RemoveRole(b.t.Context(), by("admin"), review.Grant{Role: review.RoleReviewer, User: "new"}))
		}, "named as reviewers"},
		"whom they decide for comes back": {"deputy", func(b *bundle) {
			require.NoError(b.t, b.Delegate(b.t.Context(), by("R2"), "", time.Time{}))
		}, "named as reviewers"},
		"it takes owners of the channel": {"new", func(b *bundle) {
			require.NoError(b.t, b.SetRole(b.t.Context(), by("admin"), review.Grant{Role: review.RoleReviewer, Project: "C1", User: "owner"}))
			b.rules("C1", func(rules *review.Rules) { rules.Low.Owners = true })
		}, "the channel's own reviewers"},
		"it is not decided in Slack": {"new", func(b *bundle) {
			b.rules("", func(rules *review.Rules) { rules.Low.Slack = false })
		}, "countersign decide"},
	}
	for name, tt := range changes {
		for _, verdict := range []approval.Verdict{approval.Approve, approval.Reject, approval.Rewrite, "edit"} {
			b := setup(t)
			require.NoError(t, b.SetRole(t.Context(), by("admin"), review.Grant{Role: review.RoleReviewer, User: "new"}))
			require.NoError(t, b.Delegate(t.Context(), by("R2"), "deputy", time.Now().Add(time.Hour)))
			r := b.pending()
			b.store.loaded = func() { tt.change(b) }
			var err error
			if verdict == "edit" {
				_, err = b.Edit(t.Context(), ruling(r, tt.by, verdict), "print(2)\n")
			} else {
				_, err = b.Decide(t.Context(), ruling(r, tt.by, verdict))
			}
			var no *approval.NotAllowedError
			require.ErrorAs(t, err, &no, "%s: %s", name, verdict)
			require.Contains(t, reasons.Words(no.Why), tt.why, "%s: %s", name, verdict)
			now := b.request(r.ID)
			require.Equal(t, approval.Pending, now.State, "%s: %s", name, verdict)
			require.Empty(t, now.Decisions, "%s: %s", name, verdict)
			require.Equal(t, 1, b.count(r.ID, "refused click"), "%s: %s", name, verdict)
			require.Zero(t, b.open(r.ID), "%s: %s", name, verdict)
		}
	}
}

// A freeze that begins meanwhile holds the run back, and the approval lasts from its end.
func TestAnApprovalSeesAFreezeThatIsSetWhileSlackIsAsked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	b.store.loaded = func() { b.rules("", today(b)) }
	r, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.NoError(t, err)
	require.Equal(t, approval.Approved, r.State)
	require.Equal(t, 1, b.count(r.ID, "frozen"))
	require.True(t, r.ExpiresAt.After(b.store.now().Add(24*time.Hour)))
	require.Len(t, r.Decisions, 1, "it is one decision, though it was begun anew")
}

// What changes in the last moment before the box is named is seen, too: the row is
// written by the people and rules that were looked at, or not at all.
func TestAStartSeesWhatChangesInTheLastMoment(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*bundle)
		state  approval.State
		kind   string
	}{
		"a freeze is set": {func(b *bundle) { b.rules("", today(b)) }, approval.Approved, "frozen"},
		"who approved it is removed": {func(b *bundle) {
			require.NoError(b.t, b.RemoveRole(b.t.Context(), by("admin"), review.Grant{Role: review.RoleReviewer, User: "new"}))
		}, approval.Pending, "seal broken"},
		"nothing that bears on it": {func(b *bundle) {
			require.NoError(b.t, b.SetRole(b.t.Context(), by("admin"), review.Grant{Role: review.RoleReviewer, User: "newer"}))
		}, approval.Done, "started"},
	} {
		for _, moment := range []string{"while the box is made", "after it was checked again"} {
			synctest.Test(t, func(t *testing.T) {
				b := setup(t)
				require.NoError(t, b.SetRole(t.Context(), by("admin"), review.Grant{Role: review.RoleReviewer, User: "new"}))
				r, err := b.Decide(t.Context(), ruling(b.pending(), "new", approval.Approve))
				require.NoError(t, err)
				b.store.jobs = nil
				b.box.making = func() {
					b.box.making = nil
					if moment == "while the box is made" {
						tt.change(b)
						return
					}
					time.Sleep(3 * time.Second) // so that all is checked again, by a case of its own
					b.store.loaded = func() { tt.change(b) }
				}
				require.False(t, b.step(approval.StepRun, r.ID), name)
				now := b.request(r.ID)
				require.Equal(t, tt.state, now.State, "%s %s: %s", name, moment, now.Reason)
				require.Equal(t, 1, b.count(r.ID, tt.kind), "%s %s", name, moment)
				require.Zero(t, b.box.living(), "%s %s", name, moment)
				if tt.state != approval.Done {
					require.Zero(t, b.box.starts(), "%s %s", name, moment)
					require.NotEmpty(t, b.spends(r.ID, budget.ForRun), "%s %s: the box is paid", name, moment)
				}
			})
		}
	}
}

// A freeze that begins by the clock, between the check and the start, holds it back as well.
func TestAStartSeesAFreezeThatBeginsByTheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		begins := b.store.now().Truncate(time.Minute).Add(time.Minute)
		b.rules("", func(rules *review.Rules) {
			rules.Freezes = []string{begins.Format("Mon 15:04") + begins.Add(time.Hour).Format("-15:04")}
		})
		r := b.approved()
		b.store.jobs = nil
		b.box.making = func() { b.box.making = nil; b.store.pass(begins.Sub(b.store.now())) }
		require.False(t, b.step(approval.StepRun, r.ID))
		require.Equal(t, approval.Approved, b.request(r.ID).State)
		require.Equal(t, 1, b.count(r.ID, "frozen"))
		require.Zero(t, b.box.starts())
		require.Zero(t, b.box.living())
	})
}

// Who answers needs no part in reviews, so what changes there meanwhile takes no answer away.
func TestAnAnswerIsTakenWhateverAdministratorsChangeMeanwhile(t *testing.T) {
	t.Parallel()
	for name, say := range map[string]func(*bundle, *approval.Request) error{
		"to the model, by a button": func(b *bundle, r *approval.Request) error {
			_, err := b.Choose(b.t.Context(), r.ID, open(r).Key(), "1", by("asker"))
			return err
		},
		"to the model, in words": func(b *bundle, r *approval.Request) error {
			_, err := b.Say(b.t.Context(), r.ID, open(r).Key(), "2024", by("asker"))
			return err
		},
		"of a file": func(b *bundle, r *approval.Request) error {
			_, _, key, _ := r.Doubted()
			_, err := b.Answer(b.t.Context(), r.ID, key, "cp1252", by("asker"))
			return err
		},
	} {
		b := setup(t)
		if name == "of a file" {
			b.box.reads = append(b.box.reads, func(f InputFile) (Readout, error) {
				out := Readout{Answer: fakeRead(textOf(f)), Box: time.Second}
				out.Answer.Reading.Encoding, out.Answer.Reading.Others = "cp850", []string{"cp1252"}
				return out, nil
			})
		} else {
			b.writer.script = append(b.writer.script, wonders("Which year?", "2023", "2024"))
		}
		r := b.ask()
		require.Empty(t, b.work())
		r = b.request(r.ID)
		require.Equal(t, approval.Asking, r.State, name)
		b.store.loaded = func() {
			require.NoError(t, b.SetRole(t.Context(), by("admin"), review.Grant{Role: review.RoleReviewer, User: "newer"}))
		}
		require.NoError(t, say(b, r), name)
		require.Equal(t, approval.Drafting, b.request(r.ID).State, name)
		require.Equal(t, 1, b.open(r.ID), "%s: the next call is held once", name)
	}
}
