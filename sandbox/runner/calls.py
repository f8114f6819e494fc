"""Which system calls the code of a cloud box may make: a filter of the kernel's (seccomp) that nothing takes off again.

Loaded by guard.py. The list is short on purpose. It holds what leads round the witness or out of the box: sockets,
programs that are in no file, namespaces, mounts, rings that make calls nobody counts, looks into other processes, and what
changes files without opening them: second names for them, and cutting them by their name. Of Python, locks between processes
(multiprocessing) need a second name, and nothing that the inspection takes for harmless does.
"""

import ctypes
import errno
import platform
import struct

# By machine: how the kernel calls it, and the numbers of what is refused.
MACHINES = {
    "x86_64": (0xC000003E, {
        "socket": 41, "clone": 56, "truncate": 76, "link": 86, "linkat": 265, "ptrace": 101, "pivot_root": 155, "chroot": 161, "mount": 165, "umount2": 166, "add_key": 248,
        "request_key": 249, "keyctl": 250, "unshare": 272, "perf_event_open": 298, "open_by_handle_at": 304, "setns": 308,
        "process_vm_readv": 310, "process_vm_writev": 311, "memfd_create": 319, "bpf": 321, "userfaultfd": 323}),
    "aarch64": (0xC00000B7, {
        "socket": 198, "clone": 220, "truncate": 45, "linkat": 37, "ptrace": 117, "pivot_root": 41, "chroot": 51, "mount": 40, "umount2": 39, "add_key": 217,
        "request_key": 218, "keyctl": 219, "unshare": 97, "perf_event_open": 241, "open_by_handle_at": 265, "setns": 268,
        "process_vm_readv": 270, "process_vm_writev": 271, "memfd_create": 279, "bpf": 280, "userfaultfd": 282}),
}
# These have one number everywhere.
EVERYWHERE = {"io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429,
              "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "clone3": 435, "pidfd_getfd": 438, "mount_setattr": 442,
              "memfd_secret": 447}
OLD = 0x40000000         # from here on numbers mean calls of another form (x32)
NEW = 0x7E020000         # the flags of clone that make namespaces
INTERNET, STREAM, KIND = 2, 1, 0xF

LOAD, EQUAL, LEAST, SOME, RETURN, AND = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
NUMBER, ARCH, FIRST, SECOND = 0, 4, 16, 24  # where the kernel puts them; of an argument the lower half


def refuse(code):
    return (RETURN, 0, 0, REFUSE | code)


def program(machine, hosts):
    """The filter. With hosts it leaves sockets of one kind: TCP, of which only the box's own door takes any."""
    arch, numbers = MACHINES[machine]
    lines = [(LOAD, 0, 0, ARCH), (EQUAL, 1, 0, arch), refuse(errno.EPERM), (LOAD, 0, 0, NUMBER), (LEAST, 0, 1, OLD), refuse(errno.EPERM)]
    for name, number in sorted({**numbers, **EVERYWHERE}.items()):
        if name == "clone3":  # its flags are in memory, where no filter looks. Whoever hears that there is none uses clone
            then = [refuse(errno.ENOSYS)]
        elif name == "clone":
            then = [(LOAD, 0, 0, FIRST), (SOME, 0, 1, NEW), refuse(errno.EPERM), (RETURN, 0, 0, ALLOW)]
        elif name == "socket" and hosts:
            then = [(LOAD, 0, 0, FIRST), (EQUAL, 0, 3, INTERNET), (LOAD, 0, 0, SECOND), (AND, 0, 0, KIND), (EQUAL, 1, 0, STREAM),
                    refuse(errno.EACCES), (RETURN, 0, 0, ALLOW)]
        else:
            then = [refuse(errno.EACCES if name == "socket" else errno.EPERM)]
        lines += [(EQUAL, 0, len(then), number), *then]
    return lines + [(RETURN, 0, 0, ALLOW)]


def narrow(libc, hosts):
    """Puts the filter on this process and all that it will start. False where the kernel or the machine has none."""
    if platform.machine() not in MACHINES:
        return False
    lines = b"".join(struct.pack("=HBBI", *line) for line in program(platform.machine(), hosts))
    room = ctypes.create_string_buffer(lines, len(lines))

    class Filter(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("lines", ctypes.c_void_p)]

    whole = Filter(len(lines) // 8, ctypes.addressof(room))
    return libc.prctl(22, 2, ctypes.byref(whole), 0, 0) == 0  # PR_SET_SECCOMP
