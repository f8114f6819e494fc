// Package steps is what people and jobs do to requests: a use case in a file, each a small
// type with the few ports that it calls. Each may be called again by any replica after any
// crash. Steps puts them together for whoever wires the program.
//
//	ask.go      a question comes in                  decide.go   a verdict, or a request taken back
//	find.go     what it is about, and its files      edit.go     a reviewer's own version
//	draft.go    a model writes                       start.go    what is checked before a run, the seal
//	inspect.go  what was written is inspected        run.go      the one run
//	show.go     Slack is made to look like the row   pay.go      a budget has refused: the ways on
//	refused.go  what Slack does not take             topup.go    money on top of a budget
//	tell.go     notices                              budgets.go  setting budgets and seeing them
//	away.go     what a request rests on is gone      cost.go     what steps cost at most
//	recap.go    what a model is told of the thread   lists.go    what people choose from
//	sweep.go    what was missed, and whose turn it is  people.go, appoint.go  who may do what
//	sandbox.go  whether there is one, and its line   words.go    what ends a request, in which words
//	ports.go    what they need of the world          store.go    what they need of the database
//
// # One /analyze, hop by hop
//
//	bot reads the envelope ─▶ Ask ─▶ Counter, Ask of the store (commit) ─▶ bot acks
//	job find:    Slack.Person, Place, Find ─▶ Update(Found or TurnBack)
//	job draft:   Writer.Write ─▶ Update(Keep): kept and paid for
//	job inspect: Sandbox.Inspect ─▶ Update(Drafted)
//	job show:    Slack.Publish draws thread and card from View
//	click:       bot ─▶ Decide ─▶ Case, Act(Decide) (commit) ─▶ bot acks
//	job run:     Sandbox.Create, Update(Start), Sandbox.Start, Update(Begin), Result, Update(Finish), Kill
//	job show:    the answer and its bill appear in the thread
package steps
