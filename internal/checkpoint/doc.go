// Package checkpoint is the arithmetic of one log over all events: the tree of hashes
// that RFC 6962 describes, the checkpoints that are signed of it, and the proofs that a
// later checkpoint continues an earlier one.
//
// A leaf is the 32 bytes of an event's hash. A checkpoint says how many events there
// were and what hash the tree over them had. Whoever keeps one outside of the database
// can tell later that nothing before it has changed: an event that is altered, left out
// or slipped in gives another hash.
//
// The tree is transparency-dev/merkle's, the signature that of golang.org/x/mod/sumdb/note.
// This package needs no database and no network, because countersign-verify has neither.
package checkpoint
