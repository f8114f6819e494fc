"""The one way out of a cloud box whose code may reach hosts: to these hosts alone, and seen by the witness.

Loaded by guard.py. The code gets a network of its own in which there is nothing but this: for every host an address of the
loopback, by the box's hosts file, on which root listens and passes on what comes to the real address of that host. That one
was asked for before the code began, so the code needs no name server, and gets none: no UDP, no port 53.
"""

import ctypes
import fcntl
import ipaddress
import os
import signal
import socket
import struct
import threading
import time

NEWNET = 0x40000000
PORTS = (80, 443)   # the only ones that E2B's own list of names holds for
AT_ONCE = 64        # connections
CHUNK = 64 << 10
HIGH = 300          # the descriptor of that network, above what is closed for the code


def addresses(host, unable):
    """Where a host is in truth. It must be on the internet: by a name that leads to the box itself, or to the service beside it
    that has its keys, the code would have again what it was kept from."""
    try:
        # IPv4 alone: the code's network has no IPv6, and its filter of system calls allows no such socket.
        found = sorted({entry[4][0] for entry in socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)})
    except OSError as e:
        raise unable("the address of %s: %s" % (host, e))
    # Of several addresses those that are public are taken; a name with none of them is refused.
    public = [address for address in found if ipaddress.ip_address(address).is_global]
    if not public:
        raise unable("the address of %s: %s is not on the internet" % (host, ", ".join(found)))
    return public


class Door:
    """What the code's network has in it."""

    def __init__(self, libc, hosts, unable, table="/etc/hosts"):
        self.ways, self.told = [], set()
        self.room = threading.BoundedSemaphore(AT_ONCE)
        self.lock = threading.Lock()
        # An address of its own for each host: by it alone the door knows where to, since it does not look into what passes, which
        # is mostly TLS.
        names = [(host, "127.77.%d.%d" % divmod(number, 250), real) for number, (host, real) in enumerate(hosts, 1)]
        with open(table, "r+") as f:  # ahead of what is there: the first line counts
            had = f.read()
            f.seek(0)
            f.write("".join("%s %s\n" % (inside, host) for host, inside, _ in names) + had)
        mine = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        if libc.unshare(NEWNET) < 0:
            raise unable("a network of its own: %s" % os.strerror(ctypes.get_errno()))
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                # A new network has a loopback that is down, and no other interface.
                fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS: the loopback is up
            for host, inside, real in names:
                for port in PORTS:
                    self.ways.append((socket.create_server((inside, port), backlog=AT_ONCE), host, port, real))
            theirs = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            # It outlives all processes in it only while somebody has it open: the supervisor does, until the code is in it.
            self.network = fcntl.fcntl(theirs, fcntl.F_DUPFD_CLOEXEC, HIGH)
            os.close(theirs)
        finally:
            back = libc.setns(mine, NEWNET)
            os.close(mine)
        if back < 0:
            raise unable("the way back to the box's own network")

    def enter(self, libc):
        """Puts this process, which is to run the code, into that network."""
        done = libc.setns(self.network, NEWNET)
        os.close(self.network)
        return done == 0

    def close(self):
        """For whoever does not keep the door."""
        for listener, *_ in self.ways:
            listener.close()

    def keep(self, tell):
        """Makes a process that passes on what comes, and tells of the hosts that were reached. Returns its number."""
        pid = os.fork()
        if pid:
            return pid
        try:
            ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG: it is nothing without the witness
            os.close(self.network)
            # This process is back in the box's own network, but its listeners stay in the one in which they were made.
            waits = [threading.Thread(target=self.take, args=(way, tell)) for way in self.ways]
            for thread in waits:
                thread.start()
            for thread in waits:
                thread.join()
        finally:
            os._exit(1)

    def take(self, way, tell):
        listener, host, port, real = way
        while True:
            try:
                inner, _ = listener.accept()
            except OSError:  # whoever called has hung up, or there is no descriptor now: the next one is taken all the same
                time.sleep(0.05)
                continue
            if self.room.acquire(blocking=False):
                threading.Thread(target=self.serve, args=(inner, host, port, real, tell), daemon=True).start()
            else:
                inner.close()

    def serve(self, inner, host, port, real, tell):
        outer = None
        try:
            with self.lock:  # it is told before anything can have gone out
                if (host, port) not in self.told:
                    # What the record does not hold must not happen: without a line of its own no connection goes out.
                    if not tell("connected", "%s:%d" % (host, port)):
                        return
                    self.told.add((host, port))
            for address in real:
                try:
                    outer = socket.create_connection((address, port), 10)
                    break
                except OSError:
                    continue
            if outer is None:
                return
            outer.settimeout(None)
            # One thread for each direction: either side may end its own and still wait for the other's.
            back = threading.Thread(target=copy, args=(outer, inner), daemon=True)
            back.start()
            copy(inner, outer)
            back.join()
        finally:
            for s in (inner, outer):
                if s is not None:
                    s.close()
            self.room.release()


def copy(source, target):
    """Passes on what comes until there is no more."""
    try:
        while data := source.recv(CHUNK):
            target.sendall(data)
        # The end of this direction only; the other copy goes on until its source ends.
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # A connection that broke wakes the copy of the other direction, which would wait for ever.
        for s in (source, target):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
