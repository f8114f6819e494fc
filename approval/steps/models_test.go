package steps

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/draw/reasons"
	"countersign/budget"
	"countersign/internal/proof"
)

// apart has m1 and m2 asked of two providers, each at its own host.
func (b *bundle) apart() {
	b.writer.sites = map[string]approval.Addressee{"m1": {Provider: "One"}, "m2": {Provider: "Two"}}
}

// choose has an administrator choose models for a channel, or for the workspace.
func (b *bundle) choose(project string, m review.Models) {
	b.t.Helper()
	set, err := b.RulesOf(b.t.Context(), "T1", project)
	require.NoError(b.t, err)
	_, err = b.SetModels(b.t.Context(), byAdmin, project, &m, set.Own)
	require.NoError(b.t, err)
}

var byAdmin = approval.Click{Team: "T1", User: "admin"}

// refusal is why somebody's wish is not done, in words.
func refusal(t *testing.T, err error) string {
	t.Helper()
	input := new(approval.InputError)
	require.ErrorAs(t, err, &input)
	return reasons.Words(input.Why)
}

func TestAQuestionNamesAModelThatItsChannelAllows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ask := func(model, project string) (*approval.Request, error) {
		q := question()
		q.Model, q.Project = model, project
		return b.Ask(t.Context(), q)
	}
	b.choose("", review.Models{Allowed: []string{"m1", "m2"}})
	b.choose("C1", review.Models{Allowed: []string{"m2"}})
	r, err := ask("", "C1")
	require.NoError(t, err)
	require.Equal(t, "m2", r.Model, "the first that is allowed")
	_, err = ask("m1", "C1")
	require.Equal(t, "m1 is not allowed in this channel. Did you mean m2? Allowed here: m2.", refusal(t, err))
	_, err = ask("mm1", "C2")
	require.Equal(t, "There is no model called mm1 here. Did you mean m1? You can choose from m1, m2.", refusal(t, err))
	b.choose("C2", review.Models{Allowed: []string{"m1", "m2"}, Default: "m2"})
	r, err = ask("", "C2")
	require.NoError(t, err)
	require.Equal(t, "m2", r.Model)
	r, err = ask("m1", "C2")
	require.NoError(t, err)
	require.Equal(t, "m1", r.Model)
	list, err := b.Offered(t.Context(), "T1", "C1")
	require.NoError(t, err)
	require.Equal(t, "m2", list.Models[0].Model)
	require.Equal(t, budget.Dollar, list.Models[0].Price.Input)
	require.Len(t, list.Allowed(), 1)
	require.Equal(t, approval.WhyModelBarred, list.Models[1].Barred.Code)
	require.Nil(t, list.Models[2].Price)
}

func TestProveModelsAHostThatNobodyHasConfirmedRests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gateway := approval.Addressee{Provider: "One", Host: "gw.example.com"}
	asked := b.ask() // when m1 was at its own host
	b.writer.sites = map[string]approval.Addressee{"m1": gateway, "m2": gateway, "gone-model": gateway}
	_, err := b.Ask(t.Context(), question())
	require.Contains(t, refusal(t, err), "would be asked at gw.example.com, which no administrator has confirmed for One yet.")
	require.NoError(t, b.Draft(t.Context(), asked.ID))
	asked = b.request(asked.ID)
	require.Equal(t, approval.Failed, asked.State)
	require.Contains(t, reasons.Words(asked.Reason), "gw.example.com")
	require.Empty(t, b.writer.briefs, "nothing has left")
	require.Zero(t, b.spent(asked.ID))

	b.choose("", review.Models{Sites: []approval.Addressee{gateway}})
	r := b.pending()
	events, err := b.store.Events(t.Context(), r.ID)
	require.NoError(t, err)
	called := 0
	for _, e := range events {
		if e.Kind == approval.EventCalled && e.Data["model"] == "m1" {
			called++
			require.Equal(t, "One gw.example.com", e.Data["provider"].(string)+" "+e.Data["host"].(string))
		}
	}
	require.Equal(t, 1, called)
	b.writer.sites["m1"] = approval.Addressee{Provider: "One", Host: "gw2.example.com"}
	_, err = b.Ask(t.Context(), approval.Question{Team: "T1", Project: "C1", Asker: "asker", Text: "?", Model: "m1", Trigger: "t"})
	require.Contains(t, refusal(t, err), "gw2.example.com", "another host than the one that was confirmed")
	_, err = b.SetModels(t.Context(), byAdmin, "C1", &review.Models{Sites: []approval.Addressee{gateway}}, 0)
	require.Error(t, err, "a host is confirmed for the whole workspace")
	proof.Check(t, !t.Failed(), "data goes only where it was agreed: a host that nobody has confirmed rests", "no call before somebody confirms it, and one after")
}

func TestWhoMaySetModelsAndHow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	no := new(approval.NotAllowedError)
	_, err := b.SetModels(t.Context(), approval.Click{Team: "T1", User: "R1"}, "", &review.Models{}, 0)
	require.ErrorAs(t, err, &no)
	require.Equal(t, "Only administrators can choose models.", reasons.Words(no.Why))
	for want, m := range map[string]review.Models{
		"There is no model called m3 here.": {Allowed: []string{"m3"}},
		"m2 cannot be the default":          {Allowed: []string{"m1"}, Default: "m2"},
		"m2 cannot be the fallback":         {Allowed: []string{"m1"}, Fallback: "m2"},
		"An amount needs a fallback":        {Most: budget.Cent},
		"One answer of m2 can cost up to":   {Fallback: "m2", Most: budget.Cent / 2},
		"There is no price for gone-model":  {Fallback: "gone-model", Most: budget.Cent},
	} {
		_, err := b.SetModels(t.Context(), byAdmin, "", &m, 0)
		require.Contains(t, refusal(t, err), want)
	}
	b.apart()
	_, err = b.SetModels(t.Context(), byAdmin, "", &review.Models{Allowed: []string{"m1", "m2"}, Fallback: "m2"}, 0)
	require.Contains(t, refusal(t, err), "m2 could never step in")

	// Reviews stay what they are, whatever is chosen, and the other way round.
	b.choose("", review.Models{Allowed: []string{"m1"}})
	b.choose("C1", review.Models{Allowed: []string{"m2"}})
	_, err = b.SetModels(t.Context(), byAdmin, "C1", nil, 7)
	require.Contains(t, refusal(t, err), "Somebody else has changed these rules")
	rules := review.DefaultRules(b.Policy)
	rules.Low.Approvals = 2
	_, err = b.SetRules(t.Context(), byAdmin, review.RuleSet{Project: "C1", Version: 1, Rules: rules})
	require.NoError(t, err)
	set, err := b.RulesOf(t.Context(), "T1", "C1")
	require.NoError(t, err)
	require.Equal(t, "C1/2", set.Name())
	require.Equal(t, 2, set.Rules.Low.Approvals)
	require.Equal(t, []string{"m2"}, set.Rules.Models.Allowed, "what the form of reviews says nothing of")
	_, err = b.SetRules(t.Context(), byAdmin, review.RuleSet{Project: "C1", Version: 2, None: true})
	require.NoError(t, err)
	set, err = b.RulesOf(t.Context(), "T1", "C1")
	require.NoError(t, err)
	require.Equal(t, "settings", set.Name(), "of reviews the channel has none again")
	require.Equal(t, []string{"m2"}, set.Rules.Models.Allowed)
	_, err = b.SetModels(t.Context(), byAdmin, "C1", nil, 3)
	require.NoError(t, err)
	set, err = b.RulesOf(t.Context(), "T1", "C1")
	require.NoError(t, err)
	require.Equal(t, []string{"m1"}, set.Rules.Models.Allowed, "the workspace's list again")
	require.Zero(t, set.Own)
	_, err = b.SetModels(t.Context(), byAdmin, "", nil, 1)
	require.NoError(t, err)
	r := b.ask()
	require.Equal(t, "m1", r.Model, "back to what the settings offer")
}

// Money is saved within the provider, unless an administrator lets the other one step in.
func TestProveModelsCheaperModelsAreOfTheSameProvider(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.apart()
	r := b.blocked() // m2 would fit
	choices := func() *Choices {
		c, err := b.Choices(t.Context(), r.ID)
		require.NoError(t, err)
		return c
	}
	require.Empty(t, choices().Models)
	_, err := b.Continue(t.Context(), r.ID, "m2", asksHimself)
	require.Contains(t, refusal(t, err), "m2 belongs to another provider than m1")
	_, err = b.Continue(t.Context(), r.ID, "m3", asksHimself)
	require.Contains(t, refusal(t, err), "There is no model called m3 here.")
	b.choose("C1", review.Models{StepsIn: []string{"Two"}})
	require.Len(t, choices().Models, 1)
	b.choose("C1", review.Models{Allowed: []string{"m1"}, StepsIn: []string{"Two"}})
	require.Empty(t, choices().Models, "and only if it is allowed")
	b.choose("C1", review.Models{StepsIn: []string{"Two"}})
	_, err = b.Continue(t.Context(), r.ID, "m2", asksHimself)
	require.NoError(t, err)

	b = setup(t)
	b.apart()
	b.cheap()
	b.past(85, budget.LimitPolicy{Downgrade: []budget.Downgrade{{From: "m1", To: "m2"}}})
	require.Nil(t, b.ask().Downgraded, "a budget does not send data elsewhere")
	b.choose("C1", review.Models{StepsIn: []string{"Two"}})
	r = b.ask()
	require.Equal(t, "m2", r.Downgraded.To)
	b.choose("C1", review.Models{})
	require.NoError(t, b.Draft(t.Context(), r.ID))
	r = b.request(r.ID)
	require.Equal(t, approval.Failed, r.State, "what an administrator takes back meanwhile holds for what waits")
	require.Contains(t, reasons.Words(r.Reason), "m2 belongs to another provider than m1")
	require.Empty(t, b.writer.briefs)
	proof.Check(t, !t.Failed(), "data goes only where it was agreed: saving money stays within the provider", "downgrades and choices, with and without leave")
}

// down is a call that reaches nobody, and costs nothing.
var down = breaks(&WriterError{Err: errCrash, Words: "One cannot be reached.", Retry: true})

// falls is a world in which m2, of another provider, writes where m1 cannot be reached.
func falls(t *testing.T, most budget.USD) *bundle {
	b := setup(t)
	b.apart()
	b.cheap() // m2 costs a tenth
	b.choose("C1", review.Models{Fallback: "m2", Most: most, StepsIn: []string{"Two"}})
	return b
}

func TestProveModelsAFallbackWritesWhereAModelCannotBeReached(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script []func(Brief) (Draft, error)
		asked  []string // the models that were called, in order
		state  approval.State
	}{
		"after two calls in vain":                {[]func(Brief) (Draft, error){down, down}, []string{"m1", "m1", "m2"}, approval.Pending},
		"not after one":                          {[]func(Brief) (Draft, error){down}, []string{"m1", "m1"}, approval.Pending},
		"also where nobody knows what they cost": {[]func(Brief) (Draft, error){unknown, unknown}, []string{"m1", "m1", "m2"}, approval.Pending},
		"at once, where waiting is too long": {[]func(Brief) (Draft, error){breaks(&WriterError{Err: errCrash, Words: "Come back.", Retry: true, After: time.Hour})},
			[]string{"m1", "m2"}, approval.Pending},
		"not over an answer that is none":  {[]func(Brief) (Draft, error){breaks(&WriterError{Err: errCrash, Words: "prose", Prose: "Hello."})}, []string{"m1"}, approval.Failed},
		"not over a key that is not taken": {[]func(Brief) (Draft, error){breaks(&WriterError{Err: errCrash, Words: "No."})}, []string{"m1"}, approval.Failed},
		"and gives up like any other":      {[]func(Brief) (Draft, error){down, down, down, down, down}, []string{"m1", "m1", "m2", "m2", "m2"}, approval.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := falls(t, 0)
			b.writer.script = c.script
			r := b.ask()
			require.Equal(t, "m2", r.Fallback.Model)
			_ = b.work()
			r = b.request(r.ID)
			require.Equal(t, c.state, r.State, r.Reason)
			var asked []string
			for _, brief := range b.writer.briefs {
				asked = append(asked, brief.Model)
			}
			require.Equal(t, c.asked, asked)
			fell := asked[len(asked)-1] == "m2"
			require.Equal(t, fell, r.FellBack())
			proof.Check(t, !t.Failed(), "a fallback writes where a model cannot be reached: "+name, "called: %v", asked)
			if !fell {
				return
			}
			require.Equal(t, approval.Fallback{Addressee: approval.Addressee{Provider: "Two"}, Model: "m2", Most: r.Fallback.Most, From: "m1", Spent: r.Fallback.Spent}, *r.Fallback)
			require.Equal(t, 1, b.count(r.ID, approval.EventFellBack))
			if c.state == approval.Pending {
				require.Equal(t, "m2", r.Revision.Author)
				for _, spent := range b.spends(r.ID, budget.ForDraft) {
					for _, line := range spent.Charges {
						require.Equal(t, line.Kind == budget.Tokens, line.Provider == "Two", "the bill says who was asked")
					}
				}
			}
		})
	}
}

// One hold covers both calls, however the first one ends.
func TestProveModelsAFallbacksHoldCoversBothCalls(t *testing.T) {
	t.Parallel()
	b := falls(t, 0)
	b.writer.wide = true // each call may cost all that is held for it
	b.writer.script = []func(Brief) (Draft, error){unknown}
	r := b.ask()
	first, err := b.DraftCost("m1", b.store.now())
	require.NoError(t, err)
	second, err := b.DraftCost("m2", b.store.now())
	require.NoError(t, err)
	require.Equal(t, first+second, r.Holds[0].Amount)
	_ = b.work()
	r = b.request(r.ID)
	require.Equal(t, approval.Pending, r.State, r.Reason)
	require.Len(t, b.writer.briefs, 2, "another call of m1 would leave nothing for m2")
	require.True(t, r.FellBack())
	held, _ := budget.Uncertain(r.Holds)
	require.LessOrEqual(t, held+b.spent(r.ID), first+second)
	proof.Check(t, !t.Failed(), "one hold covers the model and its fallback", "held %s, spent and uncertain %s", first+second, held+b.spent(r.ID))

	// A budget that has room for the model alone is asked for no more than that.
	b = falls(t, 0)
	b.limit(budget.User, "asker", first+second-1, budget.Month, budget.LimitPolicy{})
	r = b.ask()
	require.Nil(t, r.Blocked)
	require.Nil(t, r.Fallback)
	require.Equal(t, first, r.Holds[0].Amount)
	b.writer.script = []func(Brief) (Draft, error){down, down, down, down, down}
	_ = b.work()
	require.Equal(t, approval.Failed, b.request(r.ID).State, "as without a fallback")
}

func TestProveModelsAFallbackCostsNoMoreThanIsAllowed(t *testing.T) {
	t.Parallel()
	// A call of m2 as it is costs at most $0.0018, and any at most $0.0108.
	b := falls(t, 2*budget.Cent/10)
	dear := breaks(&WriterError{Err: errCrash, Words: "cut off", Repair: "shorter", Usage: budget.Usage{Model: "m2", Input: 9_000, Output: 4_000}})
	b.writer.script = []func(Brief) (Draft, error){down, down, dear}
	r := b.ask()
	box, err := b.inspectCost(b.store.now())
	require.NoError(t, err)
	require.Equal(t, 2*budget.Cent/10+box, r.Fallback.Most)
	_ = b.work()
	r = b.request(r.ID)
	require.Equal(t, approval.Failed, r.State)
	require.Equal(t, "m2 stepped in for a model that cannot be reached. Another call of it could cost more than the $0.002 that it may cost a question.", reasons.Words(r.Reason))
	require.Len(t, b.writer.briefs, 3)
	proof.Check(t, !t.Failed(), "a fallback costs a question no more than is allowed", "%s of %s, and no further call", r.Fallback.Spent, r.Fallback.Cap)

	b = falls(t, budget.Cent/10) // one answer fits, this prompt does not
	b.writer.script = []func(Brief) (Draft, error){down, down, down, down, down}
	r = b.ask()
	_ = b.work()
	require.False(t, b.request(r.ID).FellBack())
}

func TestAFallbackThatIsNotAllowedAnyMoreIsNotCalled(t *testing.T) {
	t.Parallel()
	b := falls(t, 0)
	b.writer.script = []func(Brief) (Draft, error){down, down, down}
	r := b.ask()
	for range 2 {
		_ = b.Draft(t.Context(), r.ID)
	}
	r = b.request(r.ID)
	require.Equal(t, "m2", r.Model)
	b.choose("C1", review.Models{})
	require.NoError(t, b.Draft(t.Context(), r.ID))
	r = b.request(r.ID)
	require.Equal(t, approval.Failed, r.State)
	require.Contains(t, reasons.Words(r.Reason), "m2 belongs to another provider than m1")
	require.Len(t, b.writer.briefs, 2)

	b = falls(t, 0)
	b.limit(budget.Team, "T1", budget.Dollar, budget.Month, budget.LimitPolicy{Soft: 1, Without: []budget.Ability{budget.WithoutModel("m2")}})
	r = b.ask()
	require.NotNil(t, r.Fallback, "the budget is not past its soft limit")
}

// What has stepped in and is not wanted any more keeps neither its name on the card nor its bound
// on another model's calls, and what it has spent counts when its asker comes back to it.
func TestAnotherModelThanTheFallbackIsNoFallback(t *testing.T) {
	t.Parallel()
	b := falls(t, 3*budget.Cent/10)
	b.choose("C1", review.Models{Fallback: "m2", Most: 3 * budget.Cent / 10, StepsIn: []string{"One", "Two"}})
	again := breaks(&WriterError{Err: errCrash, Words: "cut off", Repair: "shorter", Usage: budget.Usage{Model: "m2", Input: 4_000, Output: 1_000}})
	b.writer.script = []func(Brief) (Draft, error){down, down, again}
	r := b.ask()
	for range 3 {
		_ = b.Draft(t.Context(), r.ID)
	}
	r = b.request(r.ID)
	require.True(t, r.FellBack())
	spent := r.Fallback.Spent
	require.Positive(t, spent)
	choose := func(model string) *approval.Request {
		_, err := b.store.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
			return r.Money().Block(budget.ForDraft, &budget.ExceededError{Needed: budget.Cent}, approval.System, b.Policy, now)
		})
		require.NoError(t, err)
		r, err := b.Continue(t.Context(), r.ID, model, asksHimself)
		require.NoError(t, err)
		return r
	}
	r = choose("m1")
	require.False(t, r.FellBack())
	require.Equal(t, "m1", r.First())
	require.Equal(t, spent, r.Fallback.Spent)
	r = choose("m2")
	require.True(t, r.FellBack())
	require.Equal(t, spent, r.Fallback.Spent, "the cap does not begin anew")
	r = choose("m1")
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Pending, r.State, r.Reason)
	require.Equal(t, "m1", r.Revision.Author)
	require.Equal(t, spent, r.Fallback.Spent, "the other model's calls are none of the fallback's")
}
