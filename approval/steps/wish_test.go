package steps

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/draw/reasons"
)

// of has the inspection find what makes a program of a tier.
func (b *bundle) of(tier approval.Tier) {
	levels := map[approval.Tier]approval.Level{approval.Medium: approval.Caution, approval.High: approval.Danger}
	b.box.findings = nil
	if level, ok := levels[tier]; ok {
		b.box.findings = []approval.Finding{{Level: level, Text: "looks odd"}}
	}
}

// typed is a ruling with what the rules of high risk want typed.
func typed(r *approval.Request, by string, verdict approval.Verdict) Ruling {
	ru := ruling(r, by, verdict)
	ru.Typed = r.Revision.Digest[:6]
	return ru
}

func TestWhoAskedForChangesDoesNotApproveWhatCameOfThem(t *testing.T) {
	t.Parallel()
	for _, tier := range approval.Tiers() {
		for name, tt := range map[string]struct{ wishes, approves string }{
			"the same person":                  {"R1", "R1"},
			"their deputy":                     {"R1", "deputy"},
			"whose deputy asked for it":        {"deputy", "R1"},
			"the deputy who asked for it once": {"deputy", "deputy"},
		} {
			b := setup(t)
			b.of(tier)
			require.NoError(t, b.Delegate(t.Context(), by("R1"), "deputy", time.Now().Add(time.Hour)))
			ru := ruling(b.pending(), tt.wishes, approval.Rewrite)
			_, err := b.Decide(t.Context(), ru)
			require.NoError(t, err)
			require.Empty(t, b.work())
			r := b.request(ru.RequestID)
			require.Equal(t, 2, r.Revision.Number)
			require.Equal(t, tier, r.Revision.Tier())

			_, may := b.MayDecide(t.Context(), typed(r, tt.approves, approval.Approve))
			_, err = b.Decide(t.Context(), typed(r, tt.approves, approval.Approve))
			if tier == approval.Low {
				require.NoError(t, may, name)
				require.NoError(t, err, name)
				continue
			}
			for _, err := range []error{may, err} {
				var no *approval.NotAllowedError
				require.ErrorAs(t, err, &no, "%s %s", tier, name)
				require.Contains(t, reasons.Words(no.Why), "somebody else has to approve it", name)
			}
			require.Equal(t, 1, b.count(r.ID, "refused click"), name)
			v, err := b.View(t.Context(), r.ID)
			require.NoError(t, err)
			require.NotContains(t, v.Deciders, "R1", "nobody waits for them")
			require.Contains(t, v.Deciders, "R2")
			q, err := b.Queue(t.Context(), "T1", tt.approves, QueueFilter{}, 0)
			require.NoError(t, err)
			require.Equal(t, approval.WhyOwnWish, q.Rows[0].Closed.Code, name)
			again := ruling(r, tt.approves, approval.Rewrite)
			_, err = b.MayDecide(t.Context(), again)
			require.NoError(t, err, "they may want it changed again")
			_, err = b.Decide(t.Context(), typed(r, "R2", approval.Approve))
			require.NoError(t, err, "somebody else approves it")
			require.Empty(t, b.work())
			require.Equal(t, approval.Done, b.request(r.ID).State, name)
		}
	}
}

// Also after an edit by somebody else, and after its seal was broken, it is what they
// asked for.
func TestAWishStaysAPartOfWhatFollows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.of(approval.Medium)
	r := b.wished(b.pending(), "Sort it.")
	require.Empty(t, b.work())
	_, err := b.Edit(t.Context(), ruling(b.request(r.ID), "R2", ""), "print(3)\n")
	require.NoError(t, err)
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, 3, r.Revision.Number)
	for who, code := range map[string]approval.ReasonCode{"R1": approval.WhyOwnWish, "R2": approval.WhyOwnCode} {
		var no *approval.NotAllowedError
		_, err := b.Decide(t.Context(), ruling(r, who, approval.Approve))
		require.ErrorAs(t, err, &no)
		require.Equal(t, code, no.Why.Code)
	}
	_, err = b.Decide(t.Context(), ruling(r, "R1", approval.Reject))
	require.NoError(t, err, "a no needs nobody else")
}

// Whoever has edited the code approves nothing that came of it: neither after a colleague has changed a line, nor after
// a model has, nor by a deputy.
func TestAnEditStaysAPartOfWhatFollows(t *testing.T) {
	t.Parallel()
	for _, tier := range approval.Tiers() {
		for name, follows := range map[string]func(b *bundle, r *approval.Request) error{
			"a colleague's edit": func(b *bundle, r *approval.Request) error {
				_, err := b.Edit(t.Context(), ruling(r, "R2", ""), "print(3)\nprint(4)\n")
				return err
			},
			"a model's version": func(b *bundle, r *approval.Request) error {
				ru := ruling(r, "R2", approval.Rewrite)
				ru.Reason = "Sort it."
				_, err := b.Decide(t.Context(), ru)
				return err
			},
		} {
			b := setup(t)
			b.of(tier)
			require.NoError(t, b.Delegate(t.Context(), by("R1"), "deputy", time.Now().Add(time.Hour)))
			r := b.pending()
			_, err := b.Edit(t.Context(), ruling(r, "R1", ""), "print(3)\n")
			require.NoError(t, err)
			require.Empty(t, b.work())
			require.NoError(t, follows(b, b.request(r.ID)))
			require.Empty(t, b.work())
			r = b.request(r.ID)
			require.Equal(t, 3, r.Revision.Number)
			require.Contains(t, r.Authors, "R1")
			require.Equal(t, tier, r.Revision.Tier())
			if tier == approval.Low {
				_, err = b.Decide(t.Context(), typed(r, "R1", approval.Approve))
				require.NoError(t, err, name)
				continue
			}
			v, err := b.View(t.Context(), r.ID)
			require.NoError(t, err)
			require.NotContains(t, v.Deciders, "R1", "nobody waits for them")
			for _, who := range []string{"R1", "deputy"} {
				var no *approval.NotAllowedError
				_, err := b.Decide(t.Context(), typed(r, who, approval.Approve))
				require.ErrorAs(t, err, &no, "%s %s by %s", tier, name, who)
				require.Equal(t, approval.WhyOwnPart, no.Why.Code)
				require.Contains(t, reasons.Words(no.Why), "somebody else has to approve it")
			}
			_, err = b.Decide(t.Context(), typed(r, "R1", approval.Reject))
			require.NoError(t, err, "a no needs nobody else")
		}
	}
}

func TestBeforeAWishIsSentItsSenderKnowsWhoApproves(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.of(approval.Medium)
	r := b.pending()
	next, err := b.MayChange(t.Context(), ruling(r, "R1", ""))
	require.NoError(t, err)
	require.Equal(t, []string{"R2", "R3"}, next.Who, "nobody who could not decide, as Slack says")
	require.True(t, next.Enough)
	require.False(t, next.Stuck())

	require.NoError(t, b.Delegate(t.Context(), by("R2"), "deputy", time.Now().Add(time.Hour)))
	b.rules("", func(rules *review.Rules) { rules.Medium.Approvals = 3 })
	b.of(approval.Low)
	r = b.pending()
	next, err = b.MayChange(t.Context(), ruling(r, "R1", ""))
	require.NoError(t, err)
	require.Equal(t, []string{"R2", "R3", "deputy"}, next.Who)
	require.Equal(t, 3, next.Needs, "of medium risk, which is what may come")
	require.False(t, next.Enough, "a deputy and whose place they take are one voice")
	require.False(t, next.Stuck(), "it may as well come out low")

	var no *approval.NotAllowedError
	_, err = b.MayChange(t.Context(), ruling(r, "asker", ""))
	require.ErrorAs(t, err, &no)
}

func TestAWishOfWhichNothingCouldComeIsNotTaken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.of(approval.High)
	r := b.pending()
	b.Policy.Reviewers = []string{"R1", "asker"}
	next, err := b.MayChange(t.Context(), ruling(r, "R1", ""))
	require.NoError(t, err)
	require.True(t, next.Stuck())
	require.Empty(t, next.Who)
	require.NoError(t, b.Stuck(t.Context(), r.ID, by("R1")))
	for range 2 {
		var move *approval.MoveError
		_, err = b.Decide(t.Context(), ruling(r, "R1", approval.Rewrite))
		require.ErrorAs(t, err, &move)
		require.Equal(t, approval.WhyNobodyNext, move.Why.Code)
	}
	require.Len(t, b.notices(approval.NoticeStuck), 1, "the administrators hear of it once")
	require.True(t, b.notices(approval.NoticeStuck)[0].Admins)
	now := b.request(r.ID)
	require.Equal(t, approval.Pending, now.State)
	require.Zero(t, b.open(r.ID))
	_, err = b.Decide(t.Context(), ruling(r, "R1", approval.Reject))
	require.NoError(t, err)
}
