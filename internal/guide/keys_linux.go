package guide

import "golang.org/x/sys/unix"

// hush has a terminal show nothing of what is typed, and returns how it was before. What is pasted while an answer is tried would stand on the screen else,
// secret or not. Where lines are read by the library the kernel goes on editing them; else each key comes as it is, and Enter as itself.
func hush(fd int, lines bool) (undo func(), err error) {
	was, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, err
	}
	now := *was
	now.Lflag &^= unix.ECHO | unix.ECHONL
	if !lines {
		now.Lflag &^= unix.ICANON
		now.Iflag &^= unix.ICRNL | unix.INLCR | unix.IGNCR
		now.Cc[unix.VMIN], now.Cc[unix.VTIME] = 1, 0
	}
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &now); err != nil {
		return nil, err
	}
	return func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, was) }, nil
}

// forget drops what was typed and nobody has read, and tells whether there was something.
func forget(fd int) bool {
	n, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH) == nil && err == nil && n > 0
}
