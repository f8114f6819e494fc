package storage

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"countersign/approval"
)

// refusals are the constraints that a person or a second replica can run into,
// and the error that the verb would have given, had it seen what the schema saw.
var refusals = map[string]func(r *approval.Request) error{
	"decisions_pkey": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "decide on", Why: approval.Because(approval.WhyDecided)}
	},
	"decisions_in_time": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "decide on", Why: approval.Because(approval.WhyNotOpen)}
	},
	"decisions_revision_fkey": func(r *approval.Request) error {
		return &approval.StaleError{Request: r}
	},
	"decisions_not_by_asker": func(r *approval.Request) error {
		return &approval.NotAllowedError{Who: r.Asker, Why: approval.Because(approval.WhyOwnQuestion)}
	},
	"decisions_not_by_author": func(r *approval.Request) error {
		e := &approval.NotAllowedError{Why: approval.Because(approval.WhyOwnCode)}
		if r.Revision != nil {
			e.Who = r.Revision.Author
		}
		return e
	},
	"decisions_not_by_wisher": func(*approval.Request) error {
		return &approval.NotAllowedError{Why: approval.Because(approval.WhyOwnWish)}
	},
	"decisions_one_voice": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "decide on", Why: approval.Because(approval.WhyOneSay)}
	},
	"decisions_one_seat": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "decide on", Why: approval.Because(approval.WhyOneSeat)}
	},
	"decisions_signed": func(*approval.Request) error {
		return &approval.NotAllowedError{Why: approval.Because(approval.WhyNotSigned)}
	},
	"decisions_one_nonce": func(*approval.Request) error {
		return &approval.NotAllowedError{Why: approval.Because(approval.WhyOldNonce)}
	},
	"decisions_delegated": func(*approval.Request) error {
		return &approval.NotAllowedError{Why: approval.Because(approval.WhyNotDelegated)}
	},
	"requests_sealed_quorum": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "approve", Why: approval.Because(approval.WhyTooFewApproved)}
	},
	"runs_pkey": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "start", Why: approval.Because(approval.WhyStartedBefore)}
	},
	"runs_box_id_key": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "start", Why: approval.Because(approval.WhyBoxUsed)}
	},
	"runs_approved": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "start", Why: approval.Because(approval.WhyUnapproved)}
	},
	"runs_quiet": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "start", Why: approval.Because(approval.WhyQuiet)}
	},
	"runs_end_once": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "finish", Why: approval.Because(approval.WhyRunEnded)}
	},
	"requests_quorum": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "approve", Why: approval.Because(approval.WhyTooFewApproved)}
	},
	"requests_move": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "change", Why: approval.Because(approval.WhyMovedOn)}
	},
	"requests_repeats_once": func(*approval.Request) error {
		return &approval.InputError{Why: approval.Because(approval.WhyRepeatsNow)}
	},
	"settlements_pkey": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "settle", Why: approval.Because(approval.WhyPaidBefore)}
	},
}

// refusal names the constraint that an error is about, when people can run into it.
func refusal(err error) (func(r *approval.Request) error, bool) {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return nil, false
	}
	words, ok := refusals[pg.ConstraintName]
	return words, ok
}
