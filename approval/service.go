package approval

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"countersign/budget"
)

// Service is what people and jobs can do to requests. Its methods are the steps
// of a request's life: Ask, Draft, Show, Decide, Run, and the ways out. Each may
// be called again by any replica after any crash.
type Service struct {
	Store   Store
	Writer  Writer
	Sandbox Sandbox // NoSandbox where nothing can run code safely
	Slack   Slack
	Read    func(name string, data []byte) ([]Table, error) // the shape of a data file; *UnreadableError
	Prices  budget.Prices
	Policy  Policy
	Log     *slog.Logger

	Location *time.Location                // on whose calendar budgets run; nil: UTC
	Due      func(now time.Time) time.Time // the latest moment at which a digest was due; nil: there is none

	known acquaintances // who was looked at a moment ago
}

// Do runs one step of one request: what a job calls. Only one replica at a time
// is at a step of a request.
func (s *Service) Do(ctx context.Context, wake Wake) error {
	work := map[Step]func(context.Context, string) error{StepFind: s.Find, StepLook: s.Look, StepDraft: s.Draft, StepRun: s.Run, StepShow: s.Show, StepTell: s.Tell}[wake.Step]
	if work == nil {
		s.Log.Error("a job for an unknown step", "step", wake.Step, "request", wake.RequestID)
		return nil
	}
	return s.Store.Alone(ctx, wake.RequestID, wake.Step, func(ctx context.Context) error {
		return work(ctx, wake.RequestID)
	})
}

// Recent lists what somebody has asked lately.
func (s *Service) Recent(ctx context.Context, team, user string) ([]*Request, error) {
	return s.Store.Recent(ctx, team, user, 10)
}

// Pending lists what waits for reviewers, oldest first.
func (s *Service) Pending(ctx context.Context, team string) ([]*Request, error) {
	return s.Store.Pending(ctx, team, 50)
}

// Models lists what an asker may choose from, the default first.
func (s *Service) Models() []string { return s.Writer.Models() }

// DraftCost is the most that one draft can cost, which is what it is charged when
// nobody knows what it has used.
func (s *Service) DraftCost(model string, now time.Time) (budget.USD, error) {
	return s.draftCost(model, now)
}

// Budgets shows the standings of a person, of the channel that they are in, if
// they are in one, and of the team: what pays for a question that they ask there.
func (s *Service) Budgets(ctx context.Context, team, user, channel string) ([]budget.Standing, error) {
	scopes := []budget.Scope{{Team: team, Kind: budget.User, ID: user}, {Team: team, Kind: budget.Team, ID: team}}
	if channel != "" {
		scopes = append(scopes, budget.Scope{Team: team, Kind: budget.Project, ID: channel})
	}
	return s.Store.Standings(ctx, scopes)
}

// barred says why somebody may decide nothing, whoever has named them; empty when they may.
func (p Person) barred() string {
	switch {
	case p.Gone:
		return "This account has been deactivated."
	case p.Bot:
		return "Only people decide, not apps."
	case p.External:
		return "Only members of this workspace decide."
	case p.Guest:
		return "Guests cannot decide."
	}
	return ""
}

// surfaces says which messages a request has in Slack at this moment, in the
// order in which they are drawn.
func surfaces(v *View) []Surface {
	r := v.Request
	if r.Seek != nil && r.State != Expired {
		return nil // it has not got to its channel, and what is missing is said in private
	}
	list := []Surface{SurfaceRoot}
	if r.Revision != nil {
		list = append(list, SurfaceCard) // before the progress, which says when nobody can see it
	}
	if v.Posts[SurfacePlain].TS != "" {
		list = append(list, SurfacePlain)
	}
	list = append(list, SurfaceProgress)
	if r.State == Done && len(v.Artifacts) > 0 {
		list = append(list, SurfaceFiles)
	}
	if r.State.Final() && (r.State != Withdrawn || len(v.Bill) > 0 || r.uncertain()) {
		list = append(list, SurfaceReply)
	}
	return list
}

// View reads everything that a request's messages are drawn from.
func (s *Service) View(ctx context.Context, id string) (*View, error) {
	v, err := s.Store.View(ctx, id)
	if err != nil {
		return nil, err
	}
	v.Policy = s.Policy
	if v.Terms, err = s.terms(ctx, v.Request); err != nil {
		return nil, err
	}
	if v.Request.State == Approved {
		rules, err := s.freezes(ctx, v.Request.Team, v.Request.Project)
		if err != nil {
			return nil, err
		}
		v.Frozen, v.FrozenBy = rules.Frozen(v.Now, s.Policy.Zone)
	}
	if v.Request.State == Pending {
		if v.Deciders, _, err = s.deciders(ctx, v.Request); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// Show makes Slack look like the row: what is missing is posted, what is
// outdated is rewritten. The posts are views; losing one loses nothing. A place
// that cannot be reached keeps no other from being drawn.
func (s *Service) Show(ctx context.Context, id string) error {
	v, err := s.View(ctx, id)
	if err != nil {
		return err
	}
	var faults []error
	failed := map[Surface]bool{}
	list := surfaces(v)
	for n := 0; n < len(list); n++ {
		surface := list[n]
		if failed[SurfaceRoot] || surface == SurfaceReply && failed[SurfaceFiles] {
			break // there is no thread yet; or the answer would speak of files that are not there
		}
		if surface == SurfaceFiles && v.Posts[surface].TS == "" {
			if v.Artifacts, err = s.Store.Artifacts(ctx, id); err != nil {
				return errors.Join(append(faults, err)...)
			}
		}
		post, err := s.Slack.Publish(ctx, v, surface)
		if err != nil {
			faults, failed[surface] = append(faults, err), hidden(err)
		}
		// Beside an error, too: it stands in Slack.
		if err := s.posted(ctx, v, post); err != nil {
			return errors.Join(append(faults, err)...) // what nobody remembers would be posted again: no more of it
		}
		faults = append(faults, s.reckon(ctx, v, surface, err))
		if surface != SurfaceCard && surface != SurfacePlain && errors.Is(err, ErrNoPlace) && v.Request.Away == nil && !v.Request.State.Final() {
			faults = append(faults, s.Store.Wake(ctx, Wake{Step: StepLook, RequestID: id})) // who cannot be answered there is told otherwise
		}
		if surface == SurfaceCard && plainable(err) && v.Request.State == Pending && v.Posts[SurfacePlain].TS == "" {
			list = slices.Insert(list, n+1, SurfacePlain)
		}
	}
	return s.again(v, faults)
}

// posted remembers a post that is new or has changed, and with the first of them
// where the thread is.
func (s *Service) posted(ctx context.Context, v *View, post Post) error {
	had, ok := v.Posts[post.Surface]
	if post.TS == "" || ok && had == post {
		return s.threaded(ctx, v)
	}
	if err := s.Store.Posted(ctx, post); err != nil {
		return err
	}
	v.Posts[post.Surface] = post
	return s.threaded(ctx, v)
}

func (s *Service) threaded(ctx context.Context, v *View) error {
	root := v.Posts[SurfaceRoot].TS
	if root == "" || v.Session.ThreadTS != "" {
		return nil
	}
	v.Session.ThreadTS = root
	return s.Store.Threaded(ctx, v.Session.ID, root)
}

// Sweep catches up with whatever was missed: what a schedule calls. Waits that
// have run out end, holds that nobody will settle are settled, and requests that
// nobody works on are woken.
func (s *Service) Sweep(ctx context.Context) error {
	wakes, err := s.Store.Stuck(ctx)
	if err != nil {
		return err
	}
	for _, w := range wakes {
		if err := s.catchUp(ctx, w); err != nil {
			s.Log.Error("sweep", "request", w.RequestID, "error", err)
		}
	}
	return errors.Join(s.settleStale(ctx), s.Store.SettleChecks(ctx), s.digests(ctx))
}

func (s *Service) catchUp(ctx context.Context, w Wake) error {
	switch w.Step {
	case StepTell, StepLook:
		return s.Store.Wake(ctx, w)
	case StepGoOn:
		return s.tryAgain(ctx, w.RequestID)
	}
	r, err := s.Store.Update(ctx, w.RequestID, (*Request).expireIfDue)
	if err != nil {
		return err
	}
	if r.State == Expired {
		s.Sandbox.Discard(r.ID)
	}
	if r.State == Pending {
		if err := s.remind(ctx, r.ID); err != nil {
			return err
		}
	}
	steps := map[State]Step{Drafting: r.next(), Approved: StepRun, Running: StepRun}
	if step, ok := steps[r.State]; ok {
		if err := s.Store.Wake(ctx, Wake{Step: step, RequestID: r.ID}); err != nil {
			return err
		}
	}
	return s.Store.Wake(ctx, Wake{Step: StepShow, RequestID: r.ID})
}

// settleStale sees to holds whose time is over, as Request.settleStale says.
func (s *Service) settleStale(ctx context.Context) error {
	holds, err := s.Store.StaleHolds(ctx)
	if err != nil {
		return err
	}
	requests := map[string]bool{}
	for _, h := range holds {
		requests[h.RequestID] = true
	}
	for id := range requests {
		_, err := s.Store.Update(ctx, id, (*Request).settleStale)
		if err != nil {
			s.Log.Error("settle stale holds", "request", id, "error", err)
		}
	}
	return nil
}

// has tells whether somebody's click has been taken before: Slack or a person
// has sent it twice, which is no error.
func (r *Request) has(d Decision) bool {
	return slices.ContainsFunc(r.Decisions, func(e Decision) bool {
		return e.Reviewer == d.Reviewer && e.Verdict == d.Verdict && e.Digest == d.Digest &&
			e.Click.ActionTS == d.Click.ActionTS && d.Click.ActionTS != ""
	})
}
