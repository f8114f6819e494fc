package witness

import "golang.org/x/sys/unix"

// opening are the calls that open files by a name.
var opening = []string{"openat"}

// resolved are the calls of which the sentry tells the path behind the descriptor. Close and dup are
// among them so that a file is named that was opened and never read.
var resolved = []string{"read", "pread64", "readv", "preadv", "preadv2", "write", "pwrite64", "writev", "pwritev", "pwritev2", "mmap", "close", "dup3"}

// bare are the calls that are reported as numbers, which nothing can hide, with the deed or the
// gap that each is. The codes of gaps are approval's (observed_witness.go), which has words for each.
//
// What makes a call a gap is one of three things: a path means something else afterwards (rename,
// link, symlink, mount), data moves without a call that shows a path (copy, io_submit, truncate,
// memory), or a file is reached without an open that is reported (openat2, open_by_handle_at,
// descriptor). A call that is in no list here does none of them, or gVisor does not have it.
var bare = map[int]string{
	unix.SYS_OPENAT: "open",
	unix.SYS_EXECVE: "exec", unix.SYS_EXECVEAT: "exec",
	unix.SYS_OPENAT2:           "openat2",
	unix.SYS_OPEN_BY_HANDLE_AT: "open_by_handle_at",
	unix.SYS_RENAMEAT:          "rename", unix.SYS_RENAMEAT2: "rename",
	unix.SYS_LINKAT:    "link",
	unix.SYS_SYMLINKAT: "symlink",
	unix.SYS_MOUNT:     "mount", unix.SYS_UMOUNT2: "mount", unix.SYS_PIVOT_ROOT: "mount", unix.SYS_CHROOT: "mount", unix.SYS_MOVE_MOUNT: "mount", unix.SYS_OPEN_TREE: "mount", unix.SYS_UNSHARE: "mount", unix.SYS_SETNS: "mount",
	unix.SYS_UNLINKAT: "delete",
	unix.SYS_TRUNCATE: "truncate",
	unix.SYS_SENDFILE: "copy", unix.SYS_COPY_FILE_RANGE: "copy", unix.SYS_SPLICE: "copy",
	unix.SYS_IO_SUBMIT: "io_submit", unix.SYS_IO_URING_ENTER: "io_submit",
	unix.SYS_PROCESS_VM_READV: "memory", unix.SYS_PROCESS_VM_WRITEV: "memory", unix.SYS_PTRACE: "memory",
	unix.SYS_PIDFD_GETFD: "descriptor",
}
