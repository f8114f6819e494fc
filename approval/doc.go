// Package approval is the heart of Countersign: what a request is, how it moves,
// who may move it, and the steps of its life. It does no I/O of its own. If you
// read one file of this program, read this one.
//
// # The promises
//
// Nothing runs unseen: what the reviewer saw, byte for byte, is what runs, once,
// with the inputs and the limits that were shown. Nothing costs more than
// agreed: every cent is held before it is spent. Everything can be proven: every
// move leaves an event.
//
// # One request
//
//	Ask ──▶ drafting ──Drafted──▶ pending ──Approve──▶ approved ──Start──▶ running ──Finish──▶ done
//	           │  ▲                 │ │  ▲                │ │                │
//	           │  └─RequestChanges,─┘ │  └───BreakSeal,───┘ │                └─Lose──▶ lost
//	           │    TakeEdit          │      Disown         │
//	           ├─Fail──▶ failed       ├─Reject─▶ rejected   ├─Fail──▶ failed   Of a run that never started, its box being
//	           ├─Expire▶ expired      ├─Expire─▶ expired    ├─Expire▶ expired  no more: Void ends it in failed, Unstart
//	           └─Withdraw▶ withdrawn  ├─Withdraw▶ …         └─Withdraw▶ …      takes it back to pending
//	                                  └─FailOver▶ failed: a file or the asker is gone for good
//
// Whatever comes back before the reviewers is a new Revision, with the next number
// and no approvals: rewritten by the model as a reviewer wished, edited by a
// person, or the same code sealed anew, because what was approved is not what
// would run (BreakSeal, or Unstart once a box is named) or because the one who approved says that it was not them
// (Disown). No way leads back to a number, so old approvals are of no use to
// anybody. Only an edit that its inspection refuses (PutBack) leaves the revision,
// and what was decided on it, as they were. Rounds are bounded and paid for.
//
// The verbs are methods of Request (verbs.go). They are pure: each checks that
// the move is legal, makes it, and notes in Request.Changes whatever has to be
// stored with it: revision, decision, run, messages, events, holds, settlements,
// top-ups, notices, jobs. Store.Update loads the request, runs a closure that calls
// verbs, and writes all of it in one transaction, which locks the row and begins anew
// where somebody else has written since. There is no other writer.
//
// # Two sentences
//
// Commit, then ack: a click is answered to Slack only after it has committed. So
// an answer that somebody has seen is never lost, and a click that was lost said so.
//
// One request, one box; one box, one start: the row names the box before anything
// starts in it (runs.request_id is a primary key), and in the box the code starts
// behind a directory that can be made only once. So whoever repeats the step,
// after whatever crash, finds the same box, and the code in it has started at
// most once. That it has started stands in the row as well (Begin), because code that
// runs in a box may remove what stands in the box. A box that has gone took its run
// with it: the request is lost, and says so, and is not run again.
//
// Everything else may be repeated. A job is only a wake-up call (Wake): the row
// decides what there is to do, and doing it again changes nothing. A post in
// Slack is a view of the row, remembered in a row of its own.
//
// # What Slack knows
//
// A question is stored as it came: nothing is asked of Slack before its ack. Its
// channel, its asker and its files are found by the next step: until Found nothing of
// it is seen, and what it lacks ends it (TurnBack), with a private word and a button that
// asks again. At a click users.info runs beside the load and may be a minute old; the
// start asks again. What a request rests on may go while it waits: what may come back
// is waited for with the request as it is (GoAway, ComeBack), what is gone for good ends
// it with a Cause (FailOver).
//
// # The money
//
// Every paid step is weighed by all budgets that apply, and held in each of them
// before it begins. What one of them refuses is not lost: the request stays where
// it is with a Block (drafting, or pending with the approval not taken), holds
// nothing, and its asker chooses a cheaper model, waits until the budget begins
// anew, or asks an administrator for a TopUp. GoOn ends the wait. Past its soft
// limit a budget's policy may have a cheaper model write (Downgrade), which the asker
// may decline and wait as if there were no money (Insist), shorten runs,
// or refuse files and models; who should know is told once (Alerts).
//
// What a call has cost that nobody knows (no answer, half of one, a crash between the
// call and its booking) is not guessed: the question's one hold stays open, uncertain,
// counts in every budget, and is charged in full after two days unless it becomes known.
// The next call is made under the same hold, and only if all of them together cannot
// cost more than it (call.go).
//
// # The seal
//
// A reviewer approves a Digest: the sha256 of the canonical Manifest, which names
// the code's hash, each input by name and hash, the kind of sandbox and what is
// installed in it, the network, the limits, the most that it may cost, and how much
// attention that asks for: its tier, how many people must approve, and by which
// version of the rules. The
// button carries request, revision and digest; a decision on anything else is a
// StaleError. Start computes the digest anew from what is stored, Service.Run
// fetches the inputs anew and holds them against their hashes, and the runner in
// the box hashes the code once more before it compiles it. What differs by then is
// not run: BreakSeal says what it is, and people decide anew. A box that had been
// named by then is killed first, and what never started in it makes room for another
// run. What the code did is held against what the inspection had found (Compare).
//
// Code is canonical before anyone sees it (Canonical): what a reviewer sees is
// what Python sees. What is not goes back to the model, not to a person.
//
// # Who decides
//
// Administrators set Rules for a workspace or a channel and name people (SetRules,
// SetRole); both are kept as versions and facts that never change. TierOf grades a
// program by its findings, its cost and the data, and the rules say what that tier
// needs: how many approvals, whose, typed or not, in Slack or only on the command
// line. What was needed is sealed; rules that are stricter since hold as well, all
// but the number (terms.go). Who may decide is looked up at the click and again at
// the start, and a delegate's voice is that of the one who is away, for as long as
// they let them. In a freeze of the channel or of the workspace people can decide, and
// nothing starts before it ends.
//
// # One /analyze, hop by hop
//
//	bot reads the envelope ─▶ Service.Ask ─▶ Store.Ask (commit) ─▶ bot acks
//	job find:  Service.Find  ─▶ Slack.Person, Place, Find ─▶ Update(Found or TurnBack)
//	job draft: Service.Draft ─▶ Writer.Write, Sandbox.Inspect ─▶ Update(Drafted)
//	job show:  Service.Show  ─▶ Slack.Publish draws thread and card from View
//	click:     bot ─▶ Service.Decide ─▶ Update(Decide) (commit) ─▶ bot acks
//	           or asks for changes ─▶ job draft once more; edits ─▶ job draft inspects, and asks no model
//	job run:   Service.Run ─▶ Sandbox.Create, Update(Start), Sandbox.Start, Result, Update(Finish), Kill
//	job show:  the answer and its bill appear in the thread
//
// # Where things are
//
//	request.go   the nouns            ask.go     Service.Ask
//	verbs.go     the moves            draft.go   Service.Draft
//	find.go      what a question is about; cause.go  of what Slack is the reason
//	away.go      what a request rests on; acquaintance.go  who was looked at a moment ago; recheck.go  after a wait in line
//	verbs_decide.go  those with which a wait for people ends
//	manifest.go  the seal             decide.go  Service.Decide, Withdraw
//	canonical.go what may be seen     run.go     Service.Run
//	round.go     changes and edits    seal.go    what breaks an approval
//	diff.go      what differs         remind.go  whose turn it is, and saying so again
//	observed.go  what it really did   word.go    what notices about a request say
//	policy.go    what settings say    service.go Show, Sweep and the small ones
//	rules.go, tier.go, freeze.go  what reviews need; terms.go what this one needs, and who may give it
//	people.go    who has which part   authority.go naming people, setting rules
//	call.go      calls of a model, and what they may have cost
//	block.go     no money for a step  money.go   the ways on from there
//	topup.go     money on top         limits.go  who sets budgets and sees them
//	notice.go    a word to people     alert.go, digest.go  which of them are about money
//	refused.go   what Slack does not take, and who hears of it
//	price.go     what nobody can price
//	box.go       no sandbox, a sandbox that is not ready yet, and the line for a box
//	quote.go     what a policy and a price make of a question, explain.go  how it was decided
//	insist.go    declining the cheaper model that a policy wants
//	ports.go     what it needs: Store with its Ledger (storage), Writer (codegen), Sandbox (sandbox/...), Slack (bot)
//	errors.go    what can be wrong, words.go what the asker is told
package approval
