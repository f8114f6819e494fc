// Package e2b runs approved code in E2B's cloud: one microVM per run, made for
// it, killed after it, spoken to over plain HTTP.
//
// Its one idea: whatever happens to us, the box still knows. Which request a box
// belongs to, what was sealed and how long it may run stand in the box's
// metadata; that the code was started stands in the box as a folder that can be
// made once; what came out stands there as files. So every call may be repeated
// by any replica after any crash, and nothing is kept here that could not be
// asked for again.
//
// Its one rule: after a doubtful answer, look before acting. A create whose
// answer was lost may have made a box, so the next step lists the boxes of this
// request and adopts what it finds. A start whose answer was lost may have
// started the code, so the next one runs into the same folder and does nothing.
//
// There are two planes. The control plane (api.<domain>) makes, lists and kills
// boxes and knows the API key. The data plane is envd, the daemon in the box on
// port 49983, reached through an edge proxy with the box's own token: it takes
// and gives files and starts processes. The proxy answers for boxes that are no
// more, which is why a 502 has two meanings here: "not found" is the end of the
// box, "port is not open" is a moment to wait.
//
// The code interpreter on port 49999 is not used: its results live in a stream,
// and a stream does not outlive us.
package e2b
