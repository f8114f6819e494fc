package e2btest

import (
	"os/exec"
)

// Site is where the machine's web site answers: an address of the internet, which the machine has as its own.
const Site = "93.184.216.34"

// machineLine makes something like a machine of its own out of namespaces, in which envd's process
// is root: nobody else's processes and ports are in it, its homes are the box's folder, and the
// settings of the whole kernel are files. What is not like a microVM: the kernel is this machine's,
// and so are its filesystems and devices; there is no service manager. A service listens at 49999
// as E2B's template has one, something stands for envd at its port, and anybody may write to
// /usr/local, as E2B leaves it in every template.
const machineLine = `set -e
mount --make-rprivate /
mount -t tmpfs t /mnt; mkdir /mnt/image; mount --bind "$E2BTEST_ROOT/image" /mnt/image
cp /etc/hosts /mnt/hosts; printf '%s' "$E2BTEST_HOSTS" >>/mnt/hosts; mount --bind /mnt/hosts /etc/hosts
mount -t tmpfs -o mode=777 t /usr/local; mkdir -m 777 /usr/local/bin /usr/local/lib
mount --bind "$E2BTEST_ROOT/home" /home; mount -t tmpfs t /opt; mount -t tmpfs -o mode=1777 t /tmp
for setting in user/max_user_namespaces fs/protected_hardlinks fs/protected_symlinks kernel/pid_max; do
	echo 1 >/mnt/setting; ! [ -e /proc/sys/$setting ] || mount --bind /mnt/setting /proc/sys/$setting
done
ip link set lo up; ip address add ` + Site + `/32 dev lo
python3 -I -c "$E2BTEST_SERVICES" & while ! [ -e /mnt/listening ]; do sleep 0.02; done
eval "$E2BTEST_UNCLOSEABLE"
cd "$E2BTEST_CWD"; exec "$@"
`

// services stand for what answers in a box of E2B: its daemon, the template's server, and a web
// site that a host's name may lead to. Each says who has called.
const services = `
import socket, threading
def serve(port):
    s = socket.create_server(("0.0.0.0", port))
    ready.release()
    while True:
        c, _ = s.accept()
        said = c.recv(4096)
        c.sendall(b"HTTP/1.0 200 OK\r\n\r\nport %d took %d bytes" % (port, len(said)))
        c.close()
ready = threading.Semaphore(0)
import os, sys
if os.fork():  # the daemon, and in a process of its own what has to be ended; the site is elsewhere in truth
    for port in (49983, 80, 443):
        threading.Thread(target=serve, args=(port,)).start()
    for _ in range(3): ready.acquire()
    if os.path.exists("/mnt/other"): open("/mnt/listening", "w").close()
    else:
        import time
        while not os.path.exists("/mnt/other"): time.sleep(0.01)
        open("/mnt/listening", "w").close()
else:
    threading.Thread(target=serve, args=(49999,)).start()
    ready.acquire(); open("/mnt/other", "w").close()
`

// machine is what runs a command as the box's root, in a machine of its own.
func (b *box) machine(settings Settings, cwd string, command []string) *exec.Cmd {
	args := append([]string{"--fork", "--pid", "--net", "--mount", "--mount-proc", "--kill-child", "sh", "-c", machineLine, "sh"}, command...)
	cmd := exec.Command("unshare", args...)
	cmd.Env = []string{"PATH=/mnt/image:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/root", "LANG=C.UTF-8", "E2BTEST_ROOT=" + b.root, "E2BTEST_CWD=" + cwd,
		"E2BTEST_HOSTS=" + settings.Hosts, "E2BTEST_SERVICES=" + services, "E2BTEST_UNCLOSEABLE=" + settings.Uncloseable}
	return cmd
}
