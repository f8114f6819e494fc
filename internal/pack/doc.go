// Package pack is what a stranger gets: a zip file that shows who asked what, what code
// was written, who approved it, what ran and what it cost, and that can be checked
// without a database, without a network, and without asking us.
//
// Make writes one from a Source, Verify reads one. Verify believes nothing that the pack
// says of itself: not its counts, which stand in the log, and no key, which the reader has
// to bring. docs/proof.md has the format.
package pack
