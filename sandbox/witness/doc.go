// Package witness says what a program did in a gVisor box, by the word of the box's
// kernel, which the program can neither reach nor switch off.
//
// Its one rule: what cannot be told for certain is called so. A fact is something that
// the sentry has looked up itself; whatever could hide one is a gap, and with a gap the
// account is not complete.
//
// The sentry sends a packet for each of the points that Config names, over a socket that
// runsc connects before the box starts. Follow reads them, an Account keeps what matters.
//
// # What is a fact
//
//	programs     sentry/execve: the binary that was loaded, with its arguments. A process
//	             that loads none is a copy of the one that made it.
//	the network  socket, by its kind. The address of a connect or a bind is copied from the
//	             program's memory, so it is as good as what the program showed there.
//	files        the path behind a descriptor (fd_path) of read, write, mmap and close.
//	             The sentry resolves it from the open file.
//
// The name in open is copied from memory apart from the call's own copy, and a second thread
// can change it in between: it is a hint. A descriptor can be changed under a read in the same
// way. So every open that succeeds has to be resolved later, by a call that shows the path of
// its descriptor; one that never is leaves the gap Unresolved.
//
// What moves names about (rename, link, symlink, mount) or reaches files by another way
// (openat2, io_submit ...) comes as a number without names. It happened, so it is a gap with
// its own code: from there on a path may not mean what it says.
//
// # Where the program begins and ends
//
// Thousands of packets belong to the boot. The runner opens a path that is a secret of the box
// as the last thing before the program; packets keep their order, so the account begins there.
// It is complete when every process but the supervisor has ended and no packet was dropped.
//
// The messages are decoded by hand with protowire, since the program has protobuf already and
// needs twenty fields of nine messages. gVisor's generated package would put the whole of
// gVisor into go.mod, where only tools/go.mod has it. Field numbers never change; the tests of
// sandbox/local hold them against the pinned runsc.
package witness
