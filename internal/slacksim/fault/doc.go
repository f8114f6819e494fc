// Package fault is everything that goes wrong with the local Slack on purpose: a method
// that refuses, hangs or loses its answer, acknowledgements that get lost, envelopes that
// come twice. A test asks for each one, or Trouble draws them at random.
package fault
