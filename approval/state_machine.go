package approval

import "slices"

// State is where a request is in its life. doc.go draws the main path; Moves lists what may
// follow on each.
type State string

// The states.
const (
	Drafting  State = "drafting"  // a model writes the code
	Asking    State = "asking"    // waits for the asker, and holds nothing
	Pending   State = "pending"   // waits for reviewers
	Approved  State = "approved"  // may run once, has not started
	Running   State = "running"   // a box has been named; the code may have started
	Done      State = "done"      // it ran to an end; a traceback is an end, too
	Failed    State = "failed"    // ended before anything ran
	Rejected  State = "rejected"  // a reviewer said no
	Expired   State = "expired"   // a wait ran out: nobody decided, answered, paid or started it; not a no
	Withdrawn State = "withdrawn" // its asker or an administrator cancelled it
	Lost      State = "lost"      // it was started, nobody knows how it ended, it will not be run again
)

// States lists them in the order of a life.
func States() []State {
	return []State{Drafting, Asking, Pending, Approved, Running, Done, Failed, Rejected, Expired, Withdrawn, Lost}
}

// Final tells whether a request in this state never moves again.
func (s State) Final() bool {
	return !slices.ContainsFunc(Moves, func(m Move) bool { return m.From == s })
}

// Move is a row of the table of legal moves: in From the verb is legal and leads to To.
type Move struct {
	From State // empty: it comes into the world
	Verb string
	To   State
}

// Moves is the table. A verb asks it before it does anything, the schema holds the
// same rows (table moves), and a test holds both against each other. What only ends
// holds (Settle, Conclude, Unused) is legal in every state, because whatever was
// spent is paid for.
var Moves = slices.Concat([]Move{
	{"", "Ask", Drafting},
	{Drafting, "Drafted", Pending},
	{Drafting, "PutBack", Pending}, // an edit that its inspection refuses
	{Drafting, "AskBack", Asking},  // about a file
	{Asking, "Answer", Drafting},
	{Asking, "Correct", Drafting},
	{Pending, "Correct", Drafting},
	{Drafting, "Reseal", Pending}, // files are read otherwise, and have the same columns
	{Drafting, "Clarify", Asking}, // the model asks
	{Asking, "Clarified", Drafting},
	// One verb, two ends: which one it is, the quorum says when the decision is taken.
	{Pending, "Approve", Pending}, // it takes more approvals
	{Pending, "Approve", Approved},
	{Pending, "BreakGlass", Approved}, // nobody approves it: the one exception
	{Pending, "Reject", Rejected},
	{Pending, "RequestChanges", Drafting},
	{Pending, "Edit", Drafting},
	// Whoever declines a model has the code written anew, also while it is being written.
	{Drafting, "Insist", Drafting},
	{Pending, "Insist", Drafting},
	// The same code under a new number: approvals belong to a revision, so this one has none.
	{Pending, "Disown", Pending},
	{Approved, "Disown", Pending},
	{Approved, "BreakSeal", Pending},
	{Pending, "BreakSeal", Pending}, // nobody has the sandbox any more for which it was sealed
	{Approved, "Start", Running},
	{Running, "Unstart", Pending},
	{Running, "Void", Failed},
	{Running, "Finish", Done},
	{Running, "Lose", Lost},
},
	from("Fail", Failed, Drafting, Asking, Pending, Approved),
	from("Expire", Expired, Drafting, Asking, Pending, Approved),
	from("Withdraw", Withdrawn, Drafting, Asking, Pending, Approved),

	// What is noted while it stays where it is.
	stay("Found", Drafting),
	stay("Read", Drafting),
	stay("Compare", Asking),
	stay("Call", Drafting),
	stay("Keep", Drafting),
	stay("Inspect", Drafting),
	stay("Refuse", Drafting),
	stay("Again", Drafting),
	stay("Block", Drafting, Pending),
	stay("Wait", Drafting, Pending),
	stay("GoOn", Drafting, Pending),
	stay("AskTopUp", Drafting, Pending),
	stay("DecideTopUp", Drafting, Pending),
	stay("GoAway", Drafting, Pending, Approved),
	stay("ComeBack", Drafting, Pending, Approved),
	stay("StandInLine", Drafting, Approved), // it changes all the time, and leaves no event
	stay("Unpaid", Pending),
	stay("Remind", Pending),
	stay("Escalate", Pending),
	stay("Assign", Pending),
	stay("KeepReady", Pending),
	stay("AskOpinion", Pending),
	stay("AwaitBox", Approved),
	stay("Freeze", Approved),
	stay("Begin", Running),
	stay("Stop", Running), // and whoever watches it ends it
)

// from are moves of one verb to one end, from each of these states.
func from(verb string, to State, states ...State) (moves []Move) {
	for _, state := range states {
		moves = append(moves, Move{state, verb, to})
	}
	return moves
}

// stay are moves that lead nowhere else. They stand in the table because Can asks nothing else. The schema has the same rows,
// and looks only at those that change the state (requests_guards, requests_told).
func stay(verb string, states ...State) (moves []Move) {
	for _, state := range states {
		moves = append(moves, Move{state, verb, state})
	}
	return moves
}

// Can tells whether the table allows this verb now.
func (r *Request) Can(verb string) bool {
	return slices.ContainsFunc(Moves, func(m Move) bool { return m.From == r.State && m.Verb == verb })
}
