package steps

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/internal/proof"
)

// Any byte of the code or of an input that is not what was approved keeps it from
// running: what reviewers see next is what there is now.
func TestProveReviewEveryByteIsSealed(t *testing.T) {
	t.Parallel()
	changes := func(text string) (all []string) {
		for i := range len(text) {
			all = append(all, text[:i]+string(text[i]^1)+text[i+1:], text[:i]+text[i+1:], text[:i]+"#"+text[i:])
		}
		return all
	}
	refused := func(b *bundle, was *approval.Request) bool {
		require.Empty(b.t, b.work())
		r := b.request(was.ID)
		// Code that cannot be shown truthfully is not shown again: then it has ended.
		return b.box.starts() == 0 && b.count(r.ID, "seal broken") == 1 && (r.State == approval.Failed || r.State == approval.Pending && r.Revision.Number == 2 && len(r.Decisions) == 0)
	}
	b := setup(t)
	r := b.approved()
	of := map[string]int{}
	kept := map[string]int{}
	for _, code := range proof.Draw(t, changes(r.Revision.Code)) {
		b := setup(t)
		was := b.approved()
		b.store.requests[was.ID].Revision.Code = code
		of["code"]++
		if refused(b, was) {
			kept["code"]++
		}
	}
	for _, data := range proof.Draw(t, changes(b.slack.files["F1"])) {
		if data == b.slack.files["F1"] {
			continue
		}
		b := setup(t)
		was := b.approved()
		b.slack.put("F1", data)
		of["input"]++
		if refused(b, was) {
			kept["input"]++
		}
	}
	for what, promise := range map[string]string{"code": "every byte of the code, changed after the approval, refuses the run", "input": "every byte of an input, changed after the approval, refuses the run"} {
		proof.Check(t, kept[what] == of[what] && (of[what] > 20 || !proof.Whole()) && of[what] > 2, promise, "%d of %d changes refused", kept[what], of[what])
	}
}

// Who decided, and may not any more, has approved nothing; and who must not, cannot.
func TestProveReviewWhoMayNotDecide(t *testing.T) {
	t.Parallel()
	tried, kept := 0, 0
	for _, who := range []string{"asker", "m1", "guest", "bot", "stranger", "gone", "nobody", "admin", "", "R1 "} {
		b := setup(t)
		b.Policy.Reviewers = append(b.Policy.Reviewers, "m1")
		r := b.pending()
		_, err := b.Decide(t.Context(), ruling(r, who, approval.Approve))
		var no *approval.NotAllowedError
		tried++
		if require.ErrorAs(t, err, &no, who); b.request(r.ID).State == approval.Pending && b.count(r.ID, "refused click") == 1 && len(b.request(r.ID).Decisions) == 0 {
			kept++
		}
	}
	proof.Check(t, kept == tried, "asker, author, guest, app, stranger, leaver and whoever is not named decide nothing, on record", "%d of %d", kept, tried)

	tried, kept = 0, 0
	for _, lose := range []func(*bundle){
		func(b *bundle) { b.Policy.Reviewers = []string{"R2"} },
		func(b *bundle) { b.slack.people["R1"] = review.Person{Gone: true} },
		func(b *bundle) { b.slack.people["R1"] = review.Person{Guest: true} },
		func(b *bundle) { b.slack.people["R1"] = review.Person{External: true} },
	} {
		b := setup(t)
		was := b.approved()
		lose(b)
		tried++
		require.Empty(t, b.work())
		if r := b.request(was.ID); r.State == approval.Pending && r.Revision.Number == 2 && len(r.Decisions) == 0 && b.box.starts() == 0 {
			kept++
		}
	}
	proof.Check(t, kept == tried, "whoever loses the role before the start has approved nothing: back to review", "%d of %d", kept, tried)
}
