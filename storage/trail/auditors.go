package trail

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"countersign/approval"
)

// auditing are the constraints about auditors, wherever a write meets them. The schema alone
// knows of every deed, because each leaves an event in the name of whoever did it. So no use case
// has to ask beforehand whether somebody is an auditor, and none can forget to.
var auditing = map[string]error{
	"events_not_by_auditors": &approval.NotAllowedError{Why: approval.Because(approval.WhyAuditor)},
	"people_one_part":        &approval.InputError{Why: approval.Because(approval.WhyAuditorApart)},
	"people_auditors_idle":   &approval.InputError{Why: approval.Because(approval.WhyAuditorOpen)},
}

// ByAuditor puts the word for people in the place of what the schema says of an auditor.
func ByAuditor(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && auditing[pg.ConstraintName] != nil {
		return fmt.Errorf("%s: %w", pg.Message, auditing[pg.ConstraintName])
	}
	return err
}
