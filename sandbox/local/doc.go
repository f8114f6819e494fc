// Package local runs approved code in gVisor on this machine: its own kernel in
// user space, no network, a read-only /usr, and nothing of the host to write to.
//
// Its one rule: a box or nothing. Where gVisor cannot run, nothing runs, and the
// error says what to do about it; there is no lesser way that it falls back to.
//
// A box is one `runsc run` process and what hangs below it. It is started while
// the reviewer reads (Prepare) and adopted by Create, so that approved code
// begins at once. It dies with this process (the kernel kills it: Pdeathsig),
// so its id names the instance that made it, and every other one answers
// steps.ErrBoxGone.
//
// Boxes boot in a line, which all processes of a user on this machine share: as many
// at once as there are cores, first those that a run waits for, then inspections, then
// those for later (line_linux.go). A boot is bounded by the processor time that it
// takes, and by standing still, never by the clock (clock.go): on a machine that has
// much else to do a box is late, and kept for its request. The wait is not billed.
//
// What a program did is told by gVisor's kernel, over a socket that is connected before the box
// starts (view_linux.go, and package witness). The supervisor in the box is root there with one
// right, to become the user that runs the code, who can neither signal it nor look into it.
//
// What bounds a box, with and without cgroups, as root and as a plain user:
//
//	booting    a minute of processor time, or two minutes without any
//	time       the supervisor in the box stops at the limit; a clock here kills a little later
//	memory     a meter here reads the size of the sandbox's memory file every 25 ms
//	processor  one core, by affinity
//	processes  RLIMIT_NPROC, counted by gVisor's kernel
//	disk       tmpfs mounts with a size, which count as memory, too; the supervisor counts the files
//	output     pipes and frames with caps on both ends
//
// The pinned runsc wants a flag that upstream has announced to remove: before
// raising the pin in tools/go.mod, read the comment at runscFlags.
package local
