// Package codegen writes programs: the question, what was said before it and the
// readings of the files become a prompt; what a model answers becomes a Draft with
// its Usage, or a WriterError that says in plain words why not.
//
// Its one rule: nothing that comes in is trusted, and nothing that goes out is
// more than was agreed. File names, headings and cells are hostile text, so they
// reach the prompt as string literals only, and no row reaches it unless an
// administrator lets sample rows be shared. The prompt never exceeds the bound
// for which money was held. An answer counts as a program only when it holds
// exactly one; whatever else comes is said to be what it is. The cost of a call is
// what its answer says; it is nothing only where the provider documents that it
// refused before a model worked; otherwise it is uncertain.
//
//	prompt.go, describe.go, system.txt   the messages, and how they are cut to size
//	history.go                           which messages of the session fit
//	recap.go, recap.txt                  a call that sums the earliest of them up
//	port.go                              Provider: what is asked of those who have models
//	known.go                             what is published of models beside their prices
//	writer.go                            one call: prompt, provider, draft
//	answer.go, extract.go, bare.go       an answer to code and prose
//	veil.go                              hides secrets and personal values in a prompt, and puts values back
//
// The rooms below it:
//
//	door         the one way out to a provider, and what failures on it mean and cost
//	mistral      the models of Mistral
//	claude       the models of Anthropic
//	gpt          the models of OpenAI, and any server that speaks chat completions
//	conformance  what all of them promise, tried on servers on loopback
//	standin      the demo's stand-in, which is no model
//	pandas       Python about tables: literals, and the call that reads a table
//	samples      the demo's data
//	mistraltest  a Mistral on loopback for tests, strict about what it is asked, faulty on demand
package codegen
