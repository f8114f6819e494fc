// Package storage keeps everything in Postgres: it is the approval.Store, and
// the queue that calls the steps.
//
// Its one idea: one call is one transaction. Update locks the request's row,
// runs the caller's closure on the whole aggregate, and writes what the closure
// has noted in Changes: the code, the decision, the run, the money, the audit
// trail, the messages and the jobs, all of it or none. The database's clock is the
// only clock.
//
// Its one rule: nothing in here waits for the network while it holds a lock, and
// locks are taken in one order: the request, the scopes of its budgets in the
// order of budget.Scope.Less, the stream of the audit trail. So transactions wait
// for one another, but never in a circle; should Postgres cut one off all the
// same, it is run again from the start, on freshly loaded state. While the database
// is away, whoever has time waits for it.
//
// What was spent and what is held is kept added up by the schema, in the
// transaction that spends or holds, so that a budget costs the same to read
// however long its ledger is (standing.go); TestProveMoney holds the sums against
// the ledger.
//
// What people write and data say (questions, code, reasons, results, files) stands in
// one table, contents, under its salted hash; other tables and events name it by that
// (contents.go). So it can be forgotten, and the audit trail holds (event.go;
// docs/events.md has the format).
//
// Exported methods begin, call functions that take the transaction, and commit.
// SQL stands beside the method that runs it. What must be impossible is refused
// by the schema (package migrations); faults.go turns such a refusal into the
// typed error that the verbs would have given.
package storage
