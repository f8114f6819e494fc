// Package budget is money: exact amounts, dated prices, what a piece of work
// may cost at most, and whether every budget that applies can bear it.
//
// Its one idea: money is held before it is spent. A Hold is the worst case of
// one paid step (a draft by a model, a run in a box). It is taken from every
// scope that applies, all of them or none, and it ends in exactly one Settlement:
// the actual Charges, nothing, or, when the provider's bill stays unknown, the
// whole hold, marked as estimated.
//
// An unknown cost is never guessed. When a call's cost is unknown (no answer, half an
// answer, a gateway's error page), its hold stays open as "uncertain" and counts in
// every budget like any hold. It is settled when the provider's usage gives the cost;
// after UncertainFor it is charged in full. A call is free only when the provider
// documents its refusal as unbilled. The calls that draft a question,
// and the inspections of what they bring, share one hold. A summary and the run have their own, and
// as a rule so has a reading: see Hold.RestOf, and approval/money.go for the rule.
//
// Its one rule: nothing unknown counts as zero or as unlimited. A model without a
// current price is an error, and a person without a limit of their own gets the
// default limit.
//
// Money is written here rather than taken from a decimal library: amounts are whole
// billionths of a dollar, so adding and comparing need no library at all, and what a
// person types must be refused where a general parser would guess.
//
// The package does no I/O. Holds are made here (hold.go), when approval/money.go says so;
// storage/money/ledger.go locks the scopes in the order of Scope.Less, sums up the ledger, calls
// Check and writes the rows.
package budget
