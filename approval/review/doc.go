// Package review says who may decide on a revision, and by which rules. It is pure.
//
// Administrators set Rules for a workspace or a channel, and name people (Grant); both are
// kept as versions and facts that never change. TierOf grades a program by its findings,
// its cost and the data, and the rules say what that tier needs. What was needed is sealed
// (Grade); rules that are stricter since hold as well, all but the number (Terms). MayDecide says
// whether somebody may decide, in their own right or in the place of somebody who is away.
// In a Freeze people decide, and nothing starts before it ends.
//
// Nobody reads the rules of a channel directly: a Book has what bears on one request, read
// at one moment, and everything else follows from it.
//
//	who_may_decide.go  the whole rule, and who is waited for      freeze.go  when nothing starts
//	book.go     the Book: rules, terms, roster                      models.go  which models may be asked, and where
//	rules.go    what administrators set, and its versions           notes.go   what every program of a channel should know
//	tier.go     how much attention a program asks for               people.go  roles, delegations, who is barred
//	class.go    stricter rules that files bring along               key.go     SSH keys that sign at a terminal
//	privacy.go  what is hidden, and for how long it is kept         glass.go   who has code run that nobody approved
//	pace.go     how fast somebody approves
package review
