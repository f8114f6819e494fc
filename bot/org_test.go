package bot

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/internal/slacksim"
)

func TestAnInstallationForAWholeOrganisationIsRefused(t *testing.T) {
	t.Parallel()
	b := idle(t, func(o *slacksim.Options, _ *Options) { o.Enterprise, o.OrgWide = "E0HARBOR", true })
	_, err := b.bot.CheckBot(b.ctx)
	require.ErrorIs(t, err, ErrOrgWide)
	require.ErrorIs(t, b.bot.Run(b.ctx), ErrOrgWide, "at once, with words")
	require.Zero(t, b.sim.Counts().Connections)
	for answer, want := range map[string]error{
		`{"ok":true,"team_id":"E1","enterprise_id":"E1","is_enterprise_install":true}`:  ErrOrgWide,
		`{"ok":true,"team_id":"T1","enterprise_id":"E1","is_enterprise_install":true}`:  ErrOrgWide,
		`{"ok":true,"team_id":"T1","enterprise_id":"E1","is_enterprise_install":false}`: nil,
		`{"ok":true,"team_id":"T1"}`: nil,
	} {
		_, err := answering(t, "auth.test", answer, nil).CheckBot(t.Context())
		require.Equal(t, want, err, answer)
	}
	// A workspace of an organisation is a workspace.
	b = idle(t, func(o *slacksim.Options, _ *Options) { o.Enterprise = "E0HARBOR" })
	who, err := b.bot.CheckBot(b.ctx)
	require.NoError(t, err)
	require.Equal(t, slacksim.DefaultTeam.ID, who.TeamID)
	calls := 0
	b = idle(t, func(o *slacksim.Options, p *Options) {
		o.Enterprise = "E0HARBOR"
		p.HTTPClient = &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
			if calls++; calls == 2 {
				return nil, errors.New("cut off")
			}
			return http.DefaultTransport.RoundTrip(r)
		})}
	})
	_, err = b.bot.CheckBot(b.ctx)
	require.ErrorContains(t, err, "cut off", "who does not know asks again")
}

func TestAFileHiddenByTheFreePlanIsSaidToBe(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := b.share(slacksim.SalesData, "sales.csv", "a\n1\n")
	b.sim.HideFile(m.Files[0].ID, true)
	file := approval.File{ID: m.Files[0].ID, Name: "sales.csv"}
	_, err := b.bot.info(b.ctx, file)
	var cause *approval.CauseError
	require.ErrorAs(t, err, &cause)
	require.Equal(t, approval.FileHidden, cause.Cause.Code)
	b.sim.HideFile(m.Files[0].ID, false)
	_, err = b.bot.info(b.ctx, file)
	require.NoError(t, err)
}
