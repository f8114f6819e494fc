//go:build !linux || !(amd64 || arm64)

package witness

// gVisor is for Linux on these two processors. Elsewhere there is nothing to name.
var (
	opening, resolved []string
	bare              map[int]string
)
