// Package budget is money: exact amounts, dated prices, what a piece of work
// may cost at most, and whether every budget that applies can bear it.
//
// Its one idea: money is held before it is spent. A Hold is the worst case of
// one paid step (a draft by a model, a run in a box). It is taken from every
// scope that applies, all of them or none, and it ends in exactly one
// Settlement: the Charges that really came up, nothing, or, when nobody could
// find out what the provider bills, the whole hold, marked as estimated.
//
// What is not known is held, not guessed. A call whose cost nobody knows (no
// answer, half of one, a gateway's page) leaves its hold open, "uncertain", and it
// counts in every budget as all holds do. It ends when the provider's usage says
// what it was; after UncertainFor it is charged in full. Nothing is charged only for
// refusals that the provider documents as such. A question has one hold for all of
// its calls: Hold.RestOf, and approval's call.go, which has the rule.
//
// Its one rule: what is not known is refused. A model without a price, a price
// that has run out, a person without a limit: none of them is ever taken for
// zero or for infinity. An unknown price is an error, and who has no limit of
// their own gets the default one.
//
// The package does no I/O. The rows live in storage, which locks the scopes in
// the order of Scope.Less, adds up the ledger and asks Check.
package budget
