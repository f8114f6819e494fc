// Package e2b runs approved code in E2B's cloud: one microVM per run, created for it and
// killed after it, over plain HTTP.
//
// Its one idea: everything that matters is recorded in the box. Its metadata names the
// request, the seal and the time limit; a folder that can be made only once says that
// the code was started; the results are files. So any replica may repeat any call after
// any crash, and this package keeps nothing that it could not look up again.
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
// The last line that a program has printed is a file as well (box/line, 512 bytes, written once a
// second at most), and not the stream of the process that was started: any replica can read it
// while the code runs, and it costs the same however much is printed. It is data of whoever asked,
// shown to them alone, and nothing rests on it.
//
// The code interpreter on port 49999 is not used: its results come over a stream, and a
// stream ends with the replica that reads it.
//
// The client is our own: every call has to know what a lost answer may have done, which
// a general client hides. Waits come from cenkalti/backoff. What is worth another attempt
// is decided here (worthwhile), because a new box, a busy box and a server that names a
// time need different patience.
//
// # The witness in the box
//
// A run is started as root of the box, and the first thing that it does is to close the machine
// (runner/guard.py). What else takes connections is ended, but for envd; a service of systemd's is
// stopped, so that it does not come back. The code gets a user of its own, without any right, and a
// network of its own with nothing in it. It can write to its own folders and to nothing else: E2B
// gives everybody the right to write to /usr/local, where Python's libraries are, which root uses as
// well. A filter of the kernel's (runner/calls.py) leaves it no
// sockets, no programs that are in no file, no namespaces, no mounts, no io_uring, and no second names
// for files or cuts of them by name, of which the witness would not hear: kernel settings
// alone would not do, because E2B's kernel of 2026 (6.1) has no vm.memfd_noexec, and vsock, which
// it has, knows no networks. Then all that must not be possible is tried as the code's user.
//
// The process that was started stays as the witness (runner/seen.py): it marks every filesystem with
// fanotify and writes what the code's user opens, writes, starts, renames and deletes into box/seen.
// The host reads that file while the code runs, so that what was seen has left the box whatever
// becomes of it. Arguments are not watched, and connections only where there can be any. Where one of
// these steps fails there is no witness, which the answer says.
//
// # A box with allowed hosts
//
// E2B's list of allowed names opens its name server as well, through which anything can be sent
// anywhere. So the code does not get the box's network here either. Root asks for the addresses of
// the hosts before the code begins, puts addresses of the loopback into the box's hosts file in their
// place, listens there on the ports 80 and 443 in the code's network, and passes on what comes to the
// real ones (runner/door.py). Only addresses of the internet count, never the box's own or what is
// beside it. The code has no UDP, no name server and no other way; whom it reached is
// known from outside. A box that cannot be closed in this way runs nothing: the card has said that
// the code reaches these hosts, and nobody has approved more.
//
// All of this runs for real in tests, where root makes something like a machine out of namespaces
// (e2btest, Settings.Machines), on Linux 6.18. It has never run in a box of E2B itself: its kernel
// (its configuration of 2026 was read: fanotify, seccomp and namespaces are in it), its services and
// its template may do otherwise. Tests have no systemd, no vsock of a host and no kernel of E2B's.
//
// # Two versions of the calls
//
// Making a box and connecting to one have two versions. The second is spoken where
// the server has it; a self-hosted one that has only the first is found out by
// what it answers and remembered for an hour. Looked up on 2026-11-26, with the
// date of each source:
//
//   - POST /v2/sandboxes and POST /v2/sandboxes/{id}/connect: types of the npm package
//     e2b 2.51.0 (2026-09-21), whose own calls they are, and which marks the calls
//     without /v2 as deprecated. The order has no field "secure": every box is
//     secured, and envdAccessToken is still optional in the answer's type, so both
//     tokens are checked as ever. network.allowPublicTraffic is still true by
//     default. The time-out is 300 s by default instead of 15; connect's body is
//     optional, it only ever extends the life of a running box, and answers 201
//     where it has resumed a paused one. 429, 503, 504 and for connect 409 are declared.
//   - What came later: npm serves nothing newer than 2.51.0. A list of PyPI of 2026-11
//     names e2b 2.63.0 for Python, which could not be looked into. No issue, pull
//     request or page was found that tells of a change to these two calls after it.
//   - Servers without the second version: E2B's own of 2026-08-21 (e2b-dev/infra
//     78ab8bb55), its specification behind its validator (oapi-codegen/gin-middleware
//     1.0.2), was run: 404 "method not allowed" for POST /v2/sandboxes, which it can
//     only list, and 404 "no matching operation was found" for connect, both before
//     the key is looked at. Others say 405, with no body (kvcache-ai/AgentENV#305,
//     TencentCloud/CubeSandbox#1784, both 2026-09-20).
//   - A 404 in E2B's own sentence for a box ("doesn't exist") or a template ("not
//     found") is about that. One that nobody knows is asked about: whether the box
//     can be looked at, or whether an order that is no JSON is called malformed.
package e2b
