// Package review says who may decide on a revision, and by which rules. It is pure.
//
// Administrators set Rules for a workspace or a channel, and name people (Grant); both are
// kept as versions and facts that never change. TierOf grades a program by its findings,
// its cost and the data, and the rules say what that tier needs. What was needed is sealed
// (Grade); rules that are stricter since hold as well, all but the number (Terms). Right says
// whether somebody may decide, in their own right or in the place of somebody who is away.
// In a Freeze people decide, and nothing starts before it ends.
package review
