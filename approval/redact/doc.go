// Package redact finds what should not leave a conversation: secrets, e-mail addresses,
// telephone numbers, IBANs, and what administrators add.
//
// Its one idea: one list of rules for every way out. Logs, traces, packs, exports, prompts
// and shared answers ask it; code, names and digests on cards and in modals never do,
// because reviewers approve what they see, byte for byte.
//
// Three things are done with what is found. Mask puts words in its place, for good. A Veil
// puts a numbered place-holder there, so that a model can write a program about a value that
// it never sees; the value is put back when the program comes, before anybody reviews it. In
// code itself nothing is replaced: a secret sends the code back to the model, and a personal
// value is a finding with its line (InCode).
//
// The rules know forms and checksums, not meaning: a name, an address or a number without
// its country is found only where administrators have added it.
package redact
