// Package approval is the heart of Countersign: what a request is and how it moves. It is
// pure. Package review says who may decide, package steps what is done when, and what of
// the world that needs.
//
// # The promises
//
// Nothing runs unseen: what the reviewer saw, byte for byte, is what runs, once. Nothing
// costs more than agreed: every cent is held before it is spent. Everything can be proven:
// every move leaves an event (event.go), but for a new place in the line for a box.
//
// # One request
//
//	Ask ──▶ drafting ──Drafted──▶ pending ──Approve──▶ approved ──Start──▶ running ──Finish──▶ done
//	           ▲                    │  ▲                   │ │                │ │
//	           └─RequestChanges,────┘  └──BreakSeal,───────┘ │                │ └─Lose──▶ lost
//	             Edit, Insist             Disown, Unstart ◀──┼────────────────┘
//	                                                         └─Fail, Expire, Withdraw (from each state before running)
//
// What may follow on what is a table: moves.go. The verbs are methods of Request, and of
// its Money. They are pure: each asks the table, makes the move, and notes in
// Request.Changes what is stored with it, all of it or none. Whoever keeps requests loads
// one, runs a closure that calls verbs, and writes what they noted in one transaction,
// which locks the row and begins anew where somebody else has written since. There is no
// other writer.
//
// Whatever comes back before the reviewers is a new Revision, with the next number and no
// approvals. No way leads back to a number. Only an edit that its inspection refuses
// (PutBack) leaves the revision, and what was decided on it, as they were.
//
// # Two sentences
//
// Commit, then ack: a click is answered to Slack only after it has committed.
//
// One request, one box; one box, one start: the row names the box before anything starts
// in it, and in the box the code starts behind a directory that can be made only once.
// That it has begun stands in the row as well (Begin), because code may remove what stands
// in its box. A box that has gone took its run with it: the request is lost, and says so.
//
// Everything else may be repeated. A job is only a wake-up call: the row decides what there
// is to do.
//
// # The money
//
// Each paid step is weighed by all budgets that apply, and held in each of them before it
// begins. What one of them refuses is not lost: the request waits with a Block, holds
// nothing, and its asker chooses a way on (block.go, topup.go). What a model has written is
// kept and paid for in the transaction after its call (Keep), so that its inspection can be
// repeated and the model is not paid again. What a call has cost that nobody knows stays
// held, uncertain, and is charged in full after two days (money.go).
//
// # The seal
//
// A reviewer approves a Digest: the sha256 of the canonical Manifest (manifest.go). The
// button carries request, revision and digest; a decision on anything else is a StaleError.
// Start computes the digest anew, and what differs by then is not run: BreakSeal says what
// it is, and people decide anew. Code is canonical before anyone sees it (canonical.go):
// what a reviewer sees is what Python sees.
//
// # What Slack knows
//
// A question is stored as it came. Its channel, its asker and its files are found by the
// next step: until Found, nothing of it is seen. What a request rests on may go while it
// waits: what may come back is waited for (GoAway, ComeBack), what is gone for good ends it
// with a Cause (FailOver).
package approval
