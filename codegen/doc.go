// Package codegen writes programs: the question, what was said before it and the
// shapes of the files become a prompt; what a model answers becomes a Draft with
// its Usage, or a WriterError that says in plain words why not.
//
// Its one rule: nothing that comes in is trusted, and nothing that goes out is
// more than was agreed. File names, headings and cells are hostile text, so they
// reach the prompt as JSON strings only, and no row reaches it unless an
// administrator lets sample rows be shared. The prompt never exceeds the bound
// for which money was held. An answer counts as a program only when it holds
// exactly one whole fenced block; whatever else comes is said to be what it is.
// What a call has cost is what its answer says, and nothing only where the provider
// documents that it refused before a model worked; otherwise it is uncertain.
//
// Reading files:
//
//	Reader, Tables      what is in a file, as pandas would see it
//	text.go             bytes to text: UTF-8, UTF-16, UTF-32, Windows-1252
//	delimited.go        CSV, TSV and their cousins
//	json.go, xlsx.go    the other two
//	shape.go            values to columns with types, and the limits
//
// Writing:
//
//	prompt.go, system.txt   the messages and how they are cut to size
//	history.go              which messages of the session fit
//	extract.go              an answer to code and prose
//	door.go                 the one way out to a provider, for all of them
//	mistral.go, mistraldoor.go  Mistral, and how its library is led through the door
//	failure.go, catalogue.go    what its failures mean and cost; which models it has and has ended
//	sample.go, plan.go, python.go   the demo's stand-in, which is no model
//
// The subpackage samples holds the demo's data; mistraltest is a Mistral server
// on loopback for tests, strict about what it is asked, faulty on demand.
package codegen
