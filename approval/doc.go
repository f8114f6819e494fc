// Package approval is the heart of Countersign: what a request is, and how it moves from
// one state to the next. It does no I/O. Who may approve is decided in package review
// (who_may_decide.go); what follows from the request alone the verbs hold as well (see below). Package steps holds the use cases, with the
// ports to Slack, models, sandbox and store.
//
// # The promises
//
// Nothing runs unseen: what the reviewer saw, byte for byte, is what runs, once.
//
// Nothing costs more than agreed: before paid work starts its highest possible cost is held, and
// no budget is charged more than that. What a provider bills beyond it is our loss (Money.Settle).
//
// Everything can be proven: every move leaves an event (event.go), but for a new place in the
// line for a box, and a stranger can check that no event was changed later. Whether what an
// event says is true, nothing proves: see docs/proof.md.
//
// # One request
//
//	          asking (its asker: about a file, or what the model asks)
//	           ▲  │
//	AskBack,   │  │ Answer,
//	    Clarify│  ▼ Clarified
//	Ask ──▶ drafting ──Drafted──▶ pending ──Approve──▶ approved ──Start──▶ running ──Finish──▶ done
//	           ▲                    │  ▲                   │ │                │ │
//	           └─RequestChanges,────┘  └──BreakSeal,───────┘ │                │ └─Lose──▶ lost
//	             Edit, Insist             Disown, Unstart ◀──┼────────────────┘
//	                                                         └─Fail, Expire, Withdraw (from each state before running)
//
// Not drawn: Reject (pending to rejected), BreakGlass (pending to approved), Void (running to
// failed), Correct and Reseal (a file is read in another way), PutBack (an edit is refused), and
// what is noted while a request stays where it is. The table in state_machine.go has every move.
//
// A run that somebody cancels (Stopping, stop.go) stays running until its box has been ended, and is done then.
//
// The verbs are methods of Request, and of what wraps it for one subject each: Money, Boxes, Turn,
// Talk, Stopping. They are pure: each asks the table,
// makes the move, and notes in Request.Changes what is stored with it, all of it or none.
// Whoever keeps requests loads one, runs a closure that calls verbs, and writes what they
// noted in one transaction, which locks the row and begins anew where somebody else has
// written since. There is no other writer.
//
// Whenever code comes back for review it becomes a new Revision, with the next number and
// no approvals; a number is never used again. The one exception: when its inspection
// refuses an edit (PutBack), the revision and its decisions stay as they were.
//
// # Who may decide
//
// Package review puts the whole rule together (who_may_decide.go). What follows from the request
// itself the verbs hold as well, whoever calls them: nobody approves their own question or code
// (TheirOwn), decides twice (Spoken), or approves what they wanted changed or wrote before (TheirWish); MayDecide
// (decide.go) and MayEdit (edit.go) hold a click against all of it. What follows from roles and
// rules is package review's alone: who is a reviewer, who decides in whose place, and how many
// approvals a tier takes.
//
// There is one exception. In an emergency somebody breaks the glass (BreakGlass, decide.go): the
// version that stands runs, and nobody has approved it. That takes the place of the quorum, and
// of nothing else. Who may is package review's; package glass has the use cases.
//
// # What a model may see
//
// Of the data a model sees names, types and patterns, unless administrators have let it see
// more in a channel: Sight (manifest.go) has the three steps, ShownTo and Result.Text hold what
// was said in the thread to it, and the manifest seals what the model was let see.
//
// # Two sentences
//
// Commit, then ack: a click is answered to Slack only after it has committed.
//
// One request, one box; one box, one start: the row names the box before anything starts
// in it, and in the box a directory that can be made only once guards the start. The row
// also records that the code has begun (Begin), because code can delete the directory. When
// a box disappears, its run is lost with it, and the request says so. Where somebody takes the
// row of a run away, the trail still says that this version was started, and it is not started again.
//
// Everything else may be repeated. A job is only a wake-up call: the row decides what there
// is to do.
//
// # The money
//
// Before a paid step begins, its highest possible cost is held in every budget that
// applies. When a budget refuses, the request waits with a Block and without a hold, and
// its asker chooses how to continue (block.go, topup.go). A model's answer is stored and
// paid for in the transaction after its call (Keep), so its inspection can be repeated
// without paying the model again. When the cost of a call is unknown, its hold stays open
// as uncertain, and is charged by the provider's usage where that shows it, else in full after two days (money.go, and
// budget/hold.go).
//
// # The seal
//
// A reviewer approves a Digest: the sha256 of the canonical Manifest (manifest.go). The
// button carries request, revision and digest; a decision on anything else is a StaleError.
// Start computes the digest again. If anything differs, nothing runs: BreakSeal records the
// difference, and people decide again. Code is canonical before anyone sees it (canonical.go):
// what a reviewer sees is what Python sees.
//
// # What Slack knows
//
// A question is stored as it came. The next step looks up its channel, its asker and its
// files; until Found, nothing is posted about it. While a request waits, something it
// depends on may disappear. If that may come back, the request waits for it (GoAway,
// ComeBack); if not, the request ends with a Cause (FailOver).
package approval
