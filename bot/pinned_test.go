package bot

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/pins"
	"countersign/bot/draw"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	slackperson "countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// ordinary is a shelf for somebody who is no administrator.
type ordinary struct{ Pins }

func (ordinary) MayPin(context.Context, approval.Click) (bool, error) { return false, nil }

// A press can be forged: the form lists a channel's files, so it opens for administrators alone.
func TestThePinFormOpensForAdministratorsAlone(t *testing.T) {
	t.Parallel()
	cb := slack.InteractionCallback{User: slack.User{ID: "U1"}, View: slack.View{PrivateMetadata: draw.Origin{Channel: "C1"}.String()}}
	_, err := (&pinned{service: ordinary{}}).clickPin(t.Context(), cb, &slack.BlockAction{Value: "C2"})
	no := new(approval.NotAllowedError)
	require.ErrorAs(t, err, &no)
	require.Equal(t, approval.Reason{Code: approval.WhyAdminsOnly, Name: "pin data"}, no.Why)
}

// pinning is a shelf for an administrator.
type pinning struct {
	Pins
	mu    sync.Mutex
	held  []pins.Pin
	asked chan struct{} // closed when newer uploads are looked for
	tell  chan struct{} // closed when they may be told
}

func (p *pinning) MayPin(context.Context, approval.Click) (bool, error) { return true, nil }

func (p *pinning) Pinned(context.Context, string, string, string) ([]pins.Pin, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.held), nil
}

func (p *pinning) Pin(_ context.Context, _ approval.Click, project, id string, _ []string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = append(p.held, pins.Pin{Project: project, File: approval.File{ID: id, Name: "kept.csv"}})
	return nil
}

func (p *pinning) Unpin(context.Context, approval.Click, string, string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = nil
	return nil
}

// Newer knows of a newer upload of everything that is pinned. The first look at it takes its time.
func (p *pinning) Newer(context.Context, approval.Click, string) (found []pins.Offer, err error) {
	p.mu.Lock()
	for _, pin := range p.held {
		found = append(found, pins.Offer{Pin: pin, Upload: pins.Upload{File: approval.File{ID: "F0NEW", Name: pin.File.Name}}})
	}
	slow := p.asked
	p.asked = nil
	p.mu.Unlock()
	if slow != nil {
		close(slow)
		<-p.tell
	}
	return found, nil
}

// sees waits until somebody's modal holds the words.
func (b *bundle) sees(who *slackperson.Person, modal, words string) workspace.View {
	b.t.Helper()
	v, err := who.WaitView(b.ctx, func(v workspace.View) bool { return v.CallbackID == modal && strings.Contains(v.Words(), words) })
	require.NoError(b.t, err)
	return v
}

// outdated waits until Slack has refused to draw in a modal that shows something else by now.
func (b *bundle) outdated() {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		return slices.ContainsFunc(b.sim.Calls("views.update"), func(e workspace.Entry) bool { return e.Error == "hash_conflict" })
	}, waitAtMost, tick)
}

// Whoever sends the form off before the channel's files are in it reads what has come of it: the files do
// not take its place.
func TestAFormThatIsSentOffIsNotDrawnAgain(t *testing.T) {
	t.Parallel()
	shelf := &pinning{}
	b := setup(t, func(_ *slacksim.Options, o *Options) { o.Services.Pins = shelf })
	b.share(slacksim.SalesData, "sales.csv", "a\n1\n")
	carla := b.as(slacksim.Admin)
	require.NoError(t, carla.Command(slacksim.SalesData, "/analyze data"))
	listed := make(chan struct{})
	t.Cleanup(func() { close(listed) })
	b.sim.Fail(fault.Method{Method: "files.list", Do: func() { <-listed }})
	require.NoError(t, carla.ClickView(b.sees(carla, "pins", "Nothing is pinned here"), "open_pin"))
	b.sees(carla, "pin", "Or the link")
	wrong, err := carla.Submit(slackperson.Fill("link", "https://acme.slack.com/files/U1/F0SALARIES/salaries.csv"))
	require.NoError(t, err)
	require.Empty(t, wrong)
	b.sees(carla, "pinned", "It is pinned.")
	listed <- struct{}{}
	b.outdated()
	b.sees(carla, "pinned", "It is pinned.")
}

// Nor does a newer upload bring back the list as it was before somebody pressed in it.
func TestAListThatWasDrawnAgainKeepsWhatItSays(t *testing.T) {
	t.Parallel()
	shelf := &pinning{held: []pins.Pin{{Project: slacksim.SalesData, File: approval.File{ID: "F0OLD", Name: "kept.csv"}}}, asked: make(chan struct{}), tell: make(chan struct{})}
	b := setup(t, func(_ *slacksim.Options, o *Options) { o.Services.Pins = shelf })
	carla, asked := b.as(slacksim.Admin), shelf.asked
	require.NoError(t, carla.Command(slacksim.SalesData, "/analyze data"))
	list := b.sees(carla, "pins", "kept.csv")
	<-asked
	require.NoError(t, carla.ClickView(list, "Remove"))
	b.sees(carla, "pins", "Nothing is pinned here")
	close(shelf.tell)
	b.outdated()
	b.sees(carla, "pins", "Nothing is pinned here")
}
