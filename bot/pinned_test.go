package bot

import (
	"context"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw"
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
