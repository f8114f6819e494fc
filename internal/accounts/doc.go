// Package accounts is what somebody files, checks or hands on who answers for the money:
// the ledger as a table, one page for a month, and what providers say that was used, held
// against the ledger. It knows no database and no Slack: what it prints it is handed, and
// what providers say it reads from a file or asks them (ask.go).
//
//	ledger.go   each charge as CSV and JSON
//	month.go    the page of a month, for whoever keeps the books
//	usage.go    what providers say, in their own formats
//	compare.go  that against the ledger, by day and model
package accounts
