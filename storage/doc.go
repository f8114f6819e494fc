// Package storage keeps everything in Postgres: it is the steps.Store, and the queue
// that calls the steps.
//
// Its one idea: one call is one transaction, and it makes few trips. Update loads
// the whole aggregate in one batch without a lock, runs the caller's closure on it, and
// writes what the closure has noted in Changes: the code, the decision, the run, the
// money, the audit trail, the messages and the jobs, all of it or none. The write locks
// the row and holds its version against what was loaded; where somebody else has been
// faster, everything begins anew. The database's clock is the only clock,
// of the queue's jobs as well (package pulse).
//
// A person waits for each round trip, so what they wait for is sent in batches, begin
// and commit included (batched.go), and counted (trips.go; a table in cmd/countersign
// asserts the counts).
//
// Its one rule: nothing in here waits for the network while it holds a lock, and
// locks are taken in one order: the request, the scopes of its budgets in the
// order of budget.Scope.Less, the roles of its workspace, the streams of the audit
// trail (but whoever changes the roles has locked the stream of people before them).
// So transactions wait for one another, but never in a circle; should Postgres cut one off all the
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
// A function called queue... adds statements to a batch, and what they read is there once
// that was sent. SQL stands beside the method that runs it. What must be impossible is refused
// by the schema (package migrations); faults.go turns such a refusal into the
// typed error that the verbs would have given.
package storage
