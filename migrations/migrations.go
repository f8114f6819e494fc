// Package migrations is the shape of the database: goose files, embedded, in
// order.
//
// Its one idea: what must not happen cannot be stored. A second decision of one
// person, a run that nobody approved, a hold that is settled twice, a line of the
// audit trail that changes: each is refused by Postgres itself, whoever writes
// and with whatever program. Above every constraint stands the promise that it
// keeps, and a test in storage breaks each of them by hand.
//
// Its one rule: a file that has been released never changes; what comes later
// is a new file. The queue's tables are River's own and come with its module.
//
// Amounts of money are whole billionths of a dollar. Times are timestamptz, whose
// microseconds are what the programs reckon with.
package migrations

import "embed"

// Files are the migrations, in the root of the file system.
//
//go:embed *.sql
var Files embed.FS
