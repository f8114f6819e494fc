package storage

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/budget"
	"countersign/internal/proof"
)

func TestProveReviewMoneyOnTopThatIsForgedWithItsEventsIsNotThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	event := func(kind, actor, data string) string {
		return forged(testKey.Name(), "'"+noSignature+"'", "'request:"+r.ID+"'", actor, kind, data)
	}
	sql := event("asked for a top-up", asker, `'{"amount":9000000000000,"topup":"top"}'`) + `
		INSERT INTO topups (id, request_id, team, asked_by, session_id, project, kind, amount, reason, at)
			SELECT 'top', id, team, asker, session_id, project, 'user', 9000000000000, question, ` + forgedAt + ` FROM requests;
		` + event("granted a top-up", "ADMIN", `'{"amount":9000000000000,"topup":"top","until":"2031-01-01T00:00:00Z"}'`) + `
		UPDATE topups SET decided_by = 'ADMIN', decided_at = ` + forgedAt + `, granted = true, expires_at = '2031-01-01 00:00:00+00'`
	require.NoError(t, b.attack(t, sql))
	list, err := b.Standings(t.Context(), []budget.Scope{{Team: team, Kind: budget.User, ID: asker}})
	require.NoError(t, err)
	require.Len(t, list, 1)
	proof.Check(t, list[0].Limit.Extra == 0, "money on top that is forged with its events is not there", "%s", fmt.Sprint(list[0].Limit.Extra))
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	proof.Check(t, err != nil && strings.Contains(err.Error(), "it is not signed by this installation"), "and the audit names it", "%v", err)
}
