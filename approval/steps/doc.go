// Package steps is what people and jobs do to requests: a use case in a file, each a small
// type with the few ports that it calls. Each may be called again by any replica after any
// crash. Steps puts them together for whoever wires the program.
//
//	ask.go      a question comes in                  decide.go   a verdict, or a request taken back
//	find.go     what it is about, and its files      edit.go     a reviewer's own version
//	read.go     each file is read in a box           run_box.go  what is checked before a run, and its box
//	inputs.go   what files hold, and on the way in   seals.go    a seal that broke, and an approval disowned
//	look.go     what a model is let see of them      run.go      the one run
//	answers.go  what the asker says when asked       show.go     Slack is made to look like the row
//	draft.go    a model writes                       refused.go  what Slack does not take
//	inspect.go  what was written is inspected        tell.go     notices, receipts, the log's channel
//	ends.go     a call is paid; how a request ends   remind.go   whose turn it is
//	away.go     what a request rests on is gone      sweep.go    what was missed is caught up with
//	pay.go      a budget has refused: the ways on    people.go   who may decide, and SSH keys
//	topup.go    money on top of a budget             appoint.go  roles, rules, delegations, notes
//	cost.go     what steps cost at most              models.go   which models may be asked where
//	budgets.go  setting budgets and seeing them      lists.go    what people choose from
//	sandbox.go  whether there is one, and its line   steps.go    all of them, put together
//	recap.go    what a model is told of the thread   store.go    what they need of the database
//	ports.go    what they need of the world
//
// # How a step is built
//
// A person's deed loads a Case in one go, asks Slack what it has to, and writes with Act: where
// people or rules have changed since the Case was read, that is ErrOutdated, and current begins
// anew. A job's step loads the row and looks whether there is anything left to do: another
// replica may have done it. Before it calls a model or a box it notes in the row what that may
// cost (Call, Inspect, Read), and afterwards it books what it did cost (Ends.book). A replica
// that dies between the two leaves a hold that is called and not settled, and whoever comes
// next, or a sweep, takes it for spent.
//
// # One /analyze, hop by hop
//
//	bot reads the envelope ─▶ Ask ─▶ Counter, Ask of the store (commit) ─▶ bot acks
//	job find:    Slack.Person, Place, Within, Find ─▶ Update(Found or TurnBack)
//	job read:    for each file that nobody has read: Update(Boxes.Read), Sandbox.ReadFile, book ─▶ Update(Read or AskBack)
//	job draft:   Update(Call), Writer.Write ─▶ book(Keep): kept and paid for
//	job inspect: Update(Boxes.Inspect), Sandbox.Inspect ─▶ book(Drafted)
//	job show:    Slack.Publish draws thread and card from View
//	click:       bot ─▶ Decide ─▶ Case, Act(Decide) (commit) ─▶ bot acks
//	job run:     Sandbox.Create, Fill, Act(Start), Result (says: not started), Start, Update(Begin), Result, Update(Finish), Kill
//	job show:    the answer and its bill appear in the thread
package steps
