package storage

import (
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"countersign/approval"
)

// refusals are the constraints that a person or a second replica can run into,
// and the error that the verb would have given, had it seen what the schema saw.
var refusals = map[string]func(r *approval.Request) error{
	// The verb has looked at a request as it was loaded. These are met where somebody else has written since: a second click,
	// another replica, a role or a rule that has changed.
	"decisions_pkey":    cannot("decide on", approval.WhyDecided),
	"decisions_in_time": cannot("decide on", approval.WhyNotOpen),
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
	// Of those below only the constraint is known, and not whom it is about: Who stays empty.
	"decisions_not_by_wisher": notAllowed(approval.WhyOwnWish),
	"decisions_not_by_editor": notAllowed(approval.WhyOwnPart),
	"decisions_one_voice":     cannot("decide on", approval.WhyOneSay),
	"decisions_one_seat":      cannot("decide on", approval.WhyOneSeat),
	"decisions_signed":        notAllowed(approval.WhyNotSigned),
	"decisions_one_nonce":     notAllowed(approval.WhyOldNonce),
	"decisions_read":          input(approval.WhyNotOpened),
	"decisions_hourly":        notAllowed(approval.WhyManyApprovals),
	"decisions_delegated":     notAllowed(approval.WhyNotDelegated),
	"broken_glass_role":       notAllowed(approval.WhyGlassRole),
	"broken_glass_seen":       notAllowed(approval.WhyGlassUnseen),
	"broken_glass_one":        notAllowed(approval.WhyGlassUnseen),
	"broken_glass_others":     notAllowed(approval.WhyGlassAlone),
	"broken_glass_inspected":  notAllowed(approval.WhyGlassDanger),
	"broken_glass_network":    notAllowed(approval.WhyGlassNetwork),
	"broken_glass_read":       input(approval.WhyNotOpened),
	"broken_glass_reason":     input(approval.WhyGlassReason),
	"broken_glass_in_time":    cannot("break the glass for", approval.WhyNotOpen),
	"broken_glass_pkey":       cannot("break the glass for", approval.WhyNotOpen),
	"glass_looks_by_others":   notAllowed(approval.WhyGlassOwn),
	"requests_sealed_quorum":  cannot("approve", approval.WhyTooFewApproved),
	// A replica that is second to start a run. It must learn that, and not try the box that it holds.
	"runs_pkey":       cannot("start", approval.WhyStartedBefore),
	"runs_box_id_key": cannot("start", approval.WhyBoxUsed),
	"runs_approved":   cannot("start", approval.WhyUnapproved),
	"runs_quiet":      cannot("start", approval.WhyQuiet),
	"runs_end_once":   cannot("finish", approval.WhyRunEnded),
	"requests_quorum": cannot("approve", approval.WhyTooFewApproved),
	// What the row did meanwhile is not known here. Callers who want to know load it again.
	"requests_move":          cannot("change", approval.WhyMovedOn),
	"requests_repeats_once":  input(approval.WhyRepeatsNow),
	"settlements_pkey":       cannot("settle", approval.WhyPaidBefore),
	"events_not_by_auditors": notAllowed(approval.WhyAuditor),
	"handovers_one_open": func(*approval.Request) error {
		return &approval.InputError{Why: approval.Because(approval.WhyHandOffered)}
	},
	"handovers_once":    cannot("answer the offer of", approval.WhyHandEnded),
	"handovers_in_time": cannot("answer the offer of", approval.WhyHandEnded),
	// Somebody has written below the offer before they accepted it, which is a thread by now.
	"sessions_one_per_thread": func(*approval.Request) error {
		return &approval.InputError{Why: approval.Because(approval.WhyHandThread)}
	},
}

// cannot is the error of a verb for which a request is not, or no longer, in the right state.
func cannot(verb string, why approval.ReasonCode) func(r *approval.Request) error {
	return func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: verb, Why: approval.Because(why)}
	}
}

// notAllowed is the error for somebody who may not decide.
func notAllowed(why approval.ReasonCode) func(r *approval.Request) error {
	return func(*approval.Request) error { return &approval.NotAllowedError{Why: approval.Because(why)} }
}

// input is the error of something that its sender can mend, or wait for.
func input(why approval.ReasonCode) func(r *approval.Request) error {
	return func(*approval.Request) error { return &approval.InputError{Why: approval.Because(why)} }
}

// refusal names the constraint that an error is about, when people can run into it.
func refusal(err error) (func(r *approval.Request) error, bool) {
	// Triggers raise with the name of the promise (CONSTRAINT = …), so they are told apart as constraints are. An error that
	// is not in the list is a fault of ours, and reaches nobody in words.
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return nil, false
	}
	words, ok := refusals[pg.ConstraintName]
	return words, ok
}

// refusedBy tells whether one of these promises of the schema has refused it.
func refusedBy(err error, promises ...string) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && slices.Contains(promises, pg.ConstraintName)
}
