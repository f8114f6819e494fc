//go:build !linux

package guide

// hush is for Linux: elsewhere the terminal stays as it is between two questions.
func hush(int, bool) (undo func(), err error) { return func() {}, nil }

// forget is for Linux.
func forget(int) bool { return false }
