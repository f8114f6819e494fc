// Package storage keeps everything in Postgres: it is the steps.Store. Each type that DB embeds
// (db.go lists them) implements a few of the ports; DB combines them.
//
// Its one idea: one call is one transaction, and it makes few trips. Update loads
// the whole aggregate in one batch without a lock (in two where it has what few requests have: rare.go), runs the caller's closure on it, and
// writes what the closure has noted in Changes: the code, the decision, the run, the
// money, the audit trail, the messages and the jobs, all of it or none. The write locks
// the row and holds its version against what was loaded; where somebody else has been
// faster, everything begins anew. The database's clock is the only clock,
// of the queue's jobs as well (package pulse).
//
// Its one rule: nothing in here waits for the network while it holds a lock, and
// locks are taken in one order: the request, who may do what (authorityKey), the request's stream of the audit trail,
// the scopes of its budgets in the order of budget.Scope.Less, the roles of its workspace, the other streams of the
// trail (but whoever changes the roles has locked the stream of people before them).
// So transactions wait for one another, but never in a circle; should Postgres cut one off all the
// same, it is run again from the start, on freshly loaded state. While the database
// is away, whoever has time waits for it.
//
// A function called add... adds statements to a batch, and what they read is there once
// that was sent (package queue is something else: River's jobs). SQL stands beside the method that runs it. What must be impossible is refused
// by the schema (package migrations); faults.go turns such a refusal into the
// typed error that the verbs would have given.
package storage
