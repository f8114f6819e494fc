// Package blockkit reads Slack's blocks as the JSON that they are: which elements a
// person can act on, what a person can read, and what a form answers. It is pure and
// keeps no state.
package blockkit
