package steps

import (
	"crypto/ed25519"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/sshkey"
	"countersign/bot/draw/reasons"
)

// atTerminal is a click that was none: a decision on the command line.
func atTerminal(c approval.Click, osUser string) approval.Click {
	c.Door, c.OSUser, c.Machine = approval.CommandLine, osUser, "laptop"
	return c
}

func TestWhatAnotherDoorApprovedRunsAMinuteLaterByTheDatabasesClock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := ruling(b.pending(), "R1", approval.Approve)
	d.Click = atTerminal(d.Click, "ben")
	r, err := b.Decide(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, approval.Approved, r.State)
	require.Equal(t, r.Decisions[0].At.Add(time.Minute), approval.QuietUntil(r))
	require.Equal(t, approval.QuietUntil(r).Add(b.Policy.RunExpiry), r.ExpiresAt, "the approval lasts no less for it")
	said := b.notices(approval.NoticeApproved)
	require.Len(t, said, 1)
	require.Equal(t, []string{"R1"}, said[0].To)

	var later *LaterError
	for range 2 { // whoever comes, and whatever was restarted in between
		require.ErrorAs(t, b.Run(t.Context(), r.ID), &later)
		require.LessOrEqual(t, later.After, approval.QuietTime)
		require.Equal(t, approval.Approved, b.request(r.ID).State)
		require.Zero(t, b.box.living(), "no box is paid for meanwhile")
	}
	b.store.pass(approval.QuietTime)
	require.Empty(t, b.work())
	require.Equal(t, approval.Done, b.request(r.ID).State)
}

func TestInThatMinuteNotMeStopsTheRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := ruling(b.pending(), "R1", approval.Approve)
	d.Click = atTerminal(d.Click, "somebody")
	r, err := b.Decide(t.Context(), d)
	require.NoError(t, err)
	require.ErrorAs(t, b.Run(t.Context(), r.ID), new(*LaterError))
	r, err = b.Disown(t.Context(), r.ID, 1, by("R1"))
	require.NoError(t, err)
	require.Equal(t, approval.Pending, r.State)
	b.store.pass(approval.QuietTime)
	require.Empty(t, b.work())
	require.Zero(t, b.box.starts())
	require.Len(t, b.notices(approval.NoticeDisowned), 1)
}

func TestAUserOfAMachineIsOneVoiceWhoeverTheySayTheyAre(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Policy.Quorum = 2
	r := b.pending()
	first, second := ruling(r, "R1", approval.Approve), ruling(r, "R2", approval.Approve)
	first.Click, second.Click = atTerminal(first.Click, "ben"), atTerminal(second.Click, "ben")
	second.Click.Machine = "another"
	_, err := b.Decide(t.Context(), first)
	require.NoError(t, err)
	for _, verdict := range []approval.Verdict{approval.Approve, approval.Reject} {
		second.Verdict, second.Reason = verdict, "no"
		var move *approval.MoveError
		_, err = b.Decide(t.Context(), second)
		require.ErrorAs(t, err, &move)
		require.Contains(t, reasons.Words(move.Why), "The machine's user ben has already decided")
	}
	second.Verdict, second.Click = approval.Approve, atTerminal(second.Click, "priya")
	r, err = b.Decide(t.Context(), second)
	require.NoError(t, err)
	require.Equal(t, approval.Approved, r.State)
	require.Equal(t, r.Decisions[1].At.Add(time.Minute), approval.QuietUntil(r), "the last of them counts")
}

func TestWhoSaysNoByAnotherDoorIsToldOfIt(t *testing.T) {
	t.Parallel()
	for verdict, state := range map[approval.Verdict]approval.State{approval.Reject: approval.Rejected, approval.Rewrite: approval.Drafting} {
		b := setup(t)
		d := ruling(b.pending(), "R1", verdict)
		d.Click, d.Reason = atTerminal(d.Click, "ben"), "not so"
		r, err := b.Decide(t.Context(), d)
		require.NoError(t, err)
		require.Equal(t, state, r.State)
		said := b.notices(approval.NoticeDecided)
		require.Len(t, said, 1)
		require.Equal(t, []string{"R1"}, said[0].To)
		var by approval.DecidedBy
		require.NoError(t, json.Unmarshal(said[0].Data, &by))
		require.Equal(t, "ben on laptop", by.Click.Seat())
		require.Equal(t, verdict, by.Verdict)
	}
	b := setup(t)
	d := ruling(b.pending(), "R1", approval.Reject)
	d.Reason = "not so"
	_, err := b.Decide(t.Context(), d)
	require.NoError(t, err)
	require.Empty(t, b.notices(approval.NoticeDecided), "in Slack they know it")
}

// newKey is an SSH key, and how it is registered.
func newKey(t *testing.T) (ssh.Signer, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	return signer, sshkey.Line(signer.PublicKey())
}

// risky is code of high risk before reviewers.
func (b *bundle) risky() *approval.Request {
	b.box.findings = []approval.Finding{{Level: approval.Danger, Line: 1, Text: "Starts another program."}}
	return b.pending()
}

// signedBy is a decision at a terminal as countersign decide gives it: asked, and signed.
func (b *bundle) signedBy(r *approval.Request, who string, signer ssh.Signer, verdict approval.Verdict) (Ruling, error) {
	b.t.Helper()
	d := ruling(r, who, verdict)
	d.Click, d.Typed = atTerminal(d.Click, who), r.Revision.Digest
	what, keys, err := b.ToSign(b.t.Context(), d)
	if err != nil {
		return d, err
	}
	require.NotEmpty(b.t, keys)
	d.Click.Key, d.Click.Nonce = sshkey.Line(signer.PublicKey()), what.Nonce
	d.Click.Signature, err = what.Sign(signer)
	require.NoError(b.t, err)
	return d, nil
}

func refusedFor(t *testing.T, err error, why approval.ReasonCode) {
	t.Helper()
	var no *approval.NotAllowedError
	require.ErrorAs(t, err, &no)
	require.Equal(t, why, no.Why.Code)
}

func TestHighRiskIsDecidedAtAnotherDoorByTheReviewersOwnKeyAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.risky()
	mine, line := newKey(t)
	_, err := b.signedBy(r, "R1", mine, approval.Approve)
	refusedFor(t, err, approval.WhyNoKey)
	require.NoError(t, b.AddKey(t.Context(), by("R1"), line+" r1@laptop\n"))
	_, err = b.signedBy(r, "R1", mine, approval.Approve)
	refusedFor(t, err, approval.WhyYoungKey)
	b.store.pass(review.KeyAge - time.Hour)
	_, err = b.signedBy(r, "R1", mine, approval.Approve)
	refusedFor(t, err, approval.WhyYoungKey)
	b.store.pass(time.Hour)
	r = b.risky() // the first has run out by now

	bare := ruling(r, "R1", approval.Reject)
	bare.Click = atTerminal(bare.Click, "R1")
	_, err = b.Decide(t.Context(), bare)
	refusedFor(t, err, approval.WhyNotSigned)
	other, otherLine := newKey(t)
	for what, c := range map[string]struct {
		spoil func(d *Ruling)
		why   approval.ReasonCode
	}{
		"another verdict":   {func(d *Ruling) { d.Verdict = approval.Reject }, approval.WhyNotSigned},
		"another person":    {func(d *Ruling) { d.Click.User = "R2" }, approval.WhyNoKey},
		"another nonce":     {func(d *Ruling) { d.Click.Nonce = "mine" }, approval.WhyNotSigned},
		"no signature":      {func(d *Ruling) { d.Click.Signature = "" }, approval.WhyNotSigned},
		"a key of nobody's": {func(d *Ruling) { d.Click.Key = otherLine }, approval.WhyNotSigned},
		"a nonce of one's own": {func(d *Ruling) {
			d.Click.Nonce = "mine"
			d.Click.Signature, _ = d.decision().Statement(r.Team).Sign(mine)
		}, approval.WhyOldNonce},
		"a key in another's name": {func(d *Ruling) { d.Click.Signature, _ = d.decision().Statement(r.Team).Sign(other) }, approval.WhyNotSigned},
	} {
		d, err := b.signedBy(r, "R1", mine, approval.Approve)
		require.NoError(t, err)
		c.spoil(&d)
		_, err = b.Decide(t.Context(), d)
		t.Log(what)
		refusedFor(t, err, c.why)
	}
	late, err := b.signedBy(r, "R1", mine, approval.Approve)
	require.NoError(t, err)
	b.store.pass(approval.NonceTime)
	_, err = b.Decide(t.Context(), late)
	refusedFor(t, err, approval.WhyOldNonce)
	require.Empty(t, b.request(r.ID).Decisions)

	d, err := b.signedBy(r, "R1", mine, approval.Approve)
	require.NoError(t, err)
	r, err = b.Decide(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, approval.Approved, r.State)
	require.Empty(t, r.BrokenSeal(b.Policy))
	r.Decisions[0].Click.Signature = late.Click.Signature
	require.Equal(t, []approval.Reason{approval.Because(approval.WhyUnsigned)}, r.BrokenSeal(b.Policy))
	b.store.pass(approval.QuietTime)
	require.Empty(t, b.work())
	require.Equal(t, approval.Done, b.request(r.ID).State)
	_, err = b.Decide(t.Context(), bare)
	require.ErrorAs(t, err, new(*approval.MoveError), "of what has ended there is something else to say")
}

func TestAKeyThatIsTakenBackTakesItsApprovalAlong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mine, line := newKey(t)
	require.NoError(t, b.AddKey(t.Context(), by("R1"), line))
	b.store.pass(review.KeyAge)
	r := b.risky()
	d, err := b.signedBy(r, "R1", mine, approval.Approve)
	require.NoError(t, err)
	_, err = b.Decide(t.Context(), d)
	require.NoError(t, err)
	require.NoError(t, b.RemoveKey(t.Context(), by("R2"), line), "nothing of theirs")
	require.NoError(t, b.RemoveKey(t.Context(), by("R1"), line))
	b.store.pass(approval.QuietTime)
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Pending, r.State)
	require.Equal(t, []approval.Fallen{{Code: approval.NoKey, Who: "R1"}}, r.Reason.Fallen)
	require.Zero(t, b.box.starts())
}

func TestAKeyWhoseOwnerWasNotToldDoesNotCount(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mine, line := newKey(t)
	b.store.deaf = true
	require.NoError(t, b.AddKey(t.Context(), by("R1"), line))
	b.store.pass(review.KeyAge)
	_, err := b.signedBy(b.risky(), "R1", mine, approval.Approve)
	refusedFor(t, err, approval.WhyUntoldKey)
}

func TestAKeyIsRegisteredByItsOwner(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, line := newKey(t)
	var in *approval.InputError
	for text, why := range map[string]approval.ReasonCode{"": approval.WhyBadKey, "-----BEGIN OPENSSH PRIVATE KEY-----": approval.WhyPrivateKey} {
		require.ErrorAs(t, b.AddKey(t.Context(), by("R1"), text), &in)
		require.Equal(t, why, in.Why.Code)
	}
	require.ErrorAs(t, b.AddKey(t.Context(), by("gone"), line), new(*approval.NotAllowedError))
	require.NoError(t, b.AddKey(t.Context(), by("R1"), line))
	require.NoError(t, b.AddKey(t.Context(), by("R1"), line), "once more is nothing new")
	require.ErrorAs(t, b.AddKey(t.Context(), by("R2"), line), &in)
	require.Equal(t, approval.WhyKeyTaken, in.Why.Code)
	keys, err := b.Keys(t.Context(), by("R1"))
	require.NoError(t, err)
	require.Len(t, keys, 1)
	for range review.MaxKeys - 1 {
		_, another := newKey(t)
		require.NoError(t, b.AddKey(t.Context(), by("R1"), another))
	}
	_, another := newKey(t)
	require.ErrorAs(t, b.AddKey(t.Context(), by("R1"), another), &in)
	require.Equal(t, approval.WhyManyKeys, in.Why.Code)
	require.Contains(t, reasons.Words(in.Why), "5 SSH keys")
}
