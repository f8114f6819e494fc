package storage

import (
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"countersign/approval"
)

// isNetwork tells of an error of the connection rather than of the statement.
func isNetwork(err error) bool {
	var network net.Error
	return pgconn.SafeToRetry(err) || errors.As(err, &network) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// refusals are the constraints that a person or a second replica can run into,
// and the error that the verb would have given, had it seen what the schema saw.
var refusals = map[string]func(r *approval.Request) error{
	"decisions_pkey": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "decide on", Why: "You have already decided on this version."}
	},
	"decisions_in_time": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "decide on", Why: "It does not wait for a decision on this version any more."}
	},
	"decisions_revision_fkey": func(r *approval.Request) error {
		return &approval.StaleError{Request: r}
	},
	"decisions_not_by_asker": func(r *approval.Request) error {
		return &approval.NotAllowedError{Who: r.Asker, Why: "You asked this question, so somebody else has to review the code."}
	},
	"decisions_not_by_author": func(r *approval.Request) error {
		e := &approval.NotAllowedError{Why: "You wrote this version of the code, so somebody else has to review it."}
		if r.Revision != nil {
			e.Who = r.Revision.Author
		}
		return e
	},
	"decisions_one_voice": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "decide on", Why: "Somebody has already decided on this version in the same person's place. One person has one say."}
	},
	"decisions_delegated": func(*approval.Request) error {
		return &approval.NotAllowedError{Why: "The person in whose place you decide has named nobody, or somebody else, or their absence has ended."}
	},
	"requests_sealed_quorum": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "approve", Why: "Not enough people have approved it."}
	},
	"runs_pkey": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "start", Why: "It has already been started."}
	},
	"runs_box_id_key": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "start", Why: "Its box has already been used."}
	},
	"runs_approved": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "start", Why: "It has not been approved by enough people."}
	},
	"runs_end_once": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "finish", Why: "Its run has already ended."}
	},
	"requests_quorum": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "approve", Why: "Not enough people have approved it."}
	},
	"requests_move": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "change", Why: "It has moved on in the meantime."}
	},
	"settlements_pkey": func(r *approval.Request) error {
		return &approval.MoveError{Request: r, Verb: "settle", Why: "This has already been paid for."}
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
