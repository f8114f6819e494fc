package storage

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

// clarifying has the model of a request ask its asker.
func (b *bundle) clarifying(r *approval.Request, now time.Time) error {
	if err := r.Money().Call(10*budget.Cent, 10*budget.Cent, approval.Addressee{}, b.policy, now); err != nil {
		return err
	}
	hold, _ := r.Money().CalledHold()
	r.Money().Settle(budget.Settlement{HoldID: hold.ID, At: now})
	return approval.Talk{Request: r}.Ask(approval.Clarification{Question: "Which year?", Choices: []string{"2023", "2024"}}, "small-1", b.policy, now)
}

func TestWhatAModelAsksIsKeptAndAudited(t *testing.T) {
	t.Parallel()
	b := setup(t)
	thread := approval.Session{Team: team, Channel: channel, ThreadTS: "7.7"}
	r, _, err := b.Ask(t.Context(), b.question("1"), thread)
	require.NoError(t, err)
	b.update(t, r.ID, found)
	b.update(t, r.ID, b.clarifying)
	r, err = b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	open := approval.Talk{Request: r}.Open()
	require.NotNil(t, open)
	require.Equal(t, []string{"2023", "2024"}, open.Choices)

	counter := func(who, trigger string) (string, bool) {
		c, err := b.Counter(t.Context(), approval.Question{Team: team, Project: channel, Asker: who, ThreadTS: "7.7", Spoken: true, Trigger: trigger})
		require.NoError(t, err)
		return c.Clarifies, c.Taken
	}
	id, taken := counter(asker, "message 1")
	require.Equal(t, r.ID, id)
	require.False(t, taken)
	id, _ = counter("SOMEBODY", "message 1")
	require.Empty(t, id)
	id, _ = counter(asker, "1")
	require.Empty(t, id, "a question that Slack delivers again does not answer what it has led to")

	b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return approval.Talk{Request: r}.Answer(open.Key(), "2024", "message 1", 10*budget.Cent, b.policy, now)
	})
	id, taken = counter(asker, "message 1")
	require.Equal(t, r.ID, id)
	require.True(t, taken, "Slack may deliver it again")
	id, _ = counter(asker, "message 2")
	require.Empty(t, id)

	b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		if err := r.Money().Call(10*budget.Cent, 10*budget.Cent, approval.Addressee{}, b.policy, now); err != nil {
			return err
		}
		hold, _ := r.Money().CalledHold()
		r.Money().Settle(budget.Settlement{HoldID: hold.ID, At: now})
		return r.Drafted(approval.Revision{Code: "print(1)\n", Author: "small-1", PromptVersion: "p1", Next: []string{"Per region?", "Per month?"},
			Manifest: approval.Manifest{Version: 1, Sandbox: "local", Template: "python", Limits: b.policy.Limits, CostCap: budget.Cent, Network: []string{},
				Inputs: []approval.Input{{Name: "sales.csv", SHA256: strings.Repeat("a", 64)}}}}, b.policy, now)
	})
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, []string{"Per region?", "Per month?"}, v.Next)
	require.Equal(t, "2024", v.Request.Clarified[0].Said)
	require.False(t, v.Request.Clarified[0].SaidAt.IsZero())
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.NoError(t, err)

	next, _, err := b.Ask(t.Context(), b.question("2"), thread)
	require.NoError(t, err)
	history, err := b.History(t.Context(), next.ID)
	require.NoError(t, err)
	var roles []approval.Role
	for _, m := range history.Said {
		roles = append(roles, m.Role)
	}
	require.Equal(t, []approval.Role{approval.RoleQuestion, approval.RoleClarify, approval.RoleClarified, approval.RoleCode}, roles)

	// What was said can be forgotten, and no message is without its event.
	require.ErrorContains(t, b.exec(t, `INSERT INTO messages (session_id, request_id, role, text, at) SELECT session_id, request_id, 'clarified', text, now() FROM messages WHERE role = 'clarified'`), "no event tells of this change of messages")
}
