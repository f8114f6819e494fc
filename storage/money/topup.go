package money

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/budget"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

// topUpRow is a top-up as it is stored. Whose it is follows from its request.
type topUpRow struct {
	ID        string
	RequestID string
	Team      string
	Kind      budget.ScopeKind
	ScopeID   string
	AskedBy   string
	Amount    budget.USD
	Reason    string
	At        time.Time
	DecidedBy *string
	DecidedAt *time.Time
	Granted   bool
	Answer    string
	ExpiresAt *time.Time
}

// topUp is the row as the core knows it.
func (t topUpRow) topUp() approval.TopUp {
	return approval.TopUp{ID: t.ID, RequestID: t.RequestID, Scope: budget.Scope{Team: t.Team, Kind: t.Kind, ID: t.ScopeID},
		AskedBy: t.AskedBy, Amount: t.Amount, Reason: t.Reason, At: t.At, DecidedBy: pg.OrZero(t.DecidedBy), DecidedAt: pg.OrZero(t.DecidedAt),
		Granted: t.Granted, Answer: t.Answer, ExpiresAt: pg.OrZero(t.ExpiresAt)}
}

// said() gives back the words of a hash; where they were forgotten, nothing.
const topUpColumns = `id, request_id, team, kind, scope_id, asked_by, amount, said(reason) AS reason, at, decided_by, decided_at, granted, said(answer) AS answer, expires_at`

// TopUp loads a top-up.
func (l *Ledger) TopUp(ctx context.Context, id string) (t *approval.TopUp, err error) {
	err = l.pool.Read(ctx, func(tx pgx.Tx) error {
		row, err := pg.One[topUpRow](ctx, tx, `SELECT `+topUpColumns+` FROM topups WHERE id = $1`, id)
		found := row.topUp()
		t = &found
		return err
	})
	return t, pg.While(err, "top-up %s", id)
}

// StoreTopUp writes what was asked for or decided. A grant changes a limit, so it
// is in the audit trail of the limits as well, with what it was before.
func (till *Till) StoreTopUp(t *pg.Tx, r *approval.Request, k *reckoning, words *trail.Contents) error {
	up := r.Changes.TopUp
	if up == nil {
		return nil
	}
	// Whether it may be asked for, and granted, the verb and the schema have said.
	if up.Open() {
		t.Queue(`
			INSERT INTO topups (id, request_id, team, asked_by, session_id, project, kind, amount, reason, at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			up.ID, r.ID, r.Team, up.AskedBy, r.SessionID, r.Project, up.Scope.Kind, up.Amount, words.Text(up.Reason), pg.Micro(up.At))
		return nil
	}
	t.Queue(`
		UPDATE topups SET decided_by = $2, decided_at = $3, granted = $4, answer = $5, expires_at = $6 WHERE id = $1`,
		up.ID, up.DecidedBy, pg.Micro(up.DecidedAt), up.Granted, words.Text(up.Answer), pg.Moment(up.ExpiresAt))
	// By the limits that were read under the locks: what is told as "before" is what the grant comes on top of.
	had, limited := till.applying(r.Scopes(), k.limits)[up.Scope]
	if !up.Granted || !limited {
		return nil
	}
	after := had
	after.Extra += up.Amount
	data := told(after)
	data["scope"], data["before"], data["until"], data["request"] = up.Scope, told(had), up.ExpiresAt, r.ID
	_, err := till.notary.AppendEvents(t.Ctx, t.Tx, trail.BudgetStream, []approval.Event{{At: k.Now, Actor: up.DecidedBy, Kind: approval.EventGrantedOnTop, Data: data}})
	return err
}

// AddTopUps reads what was asked for on top for a request, the oldest first.
func AddTopUps(b *pgx.Batch, requestID string, take func(approval.TopUp)) {
	pg.Ask(b, func(rows []topUpRow) error {
		for _, row := range rows {
			take(row.topUp())
		}
		return nil
	}, `SELECT `+topUpColumns+` FROM topups WHERE request_id = $1 ORDER BY at, id`, requestID)
}
