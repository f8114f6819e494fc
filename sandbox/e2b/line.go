package e2b

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"countersign/sandbox"
)

const (
	// mostLine is how much of the last line is read: the runner keeps that file at 512 bytes.
	mostLine = 1 << 10
	// lineTime is how long one look at it may take. The end of a run is not looked for meanwhile.
	lineTime = time.Second
)

// lastLine is what the code in a box has printed last, as the runner has it in a file: any replica
// can read it, and it costs the same however much is printed. A look that fails is not repeated,
// and the line of the look before it stands.
func lastLine(ctx context.Context, c *Client, b *box) string {
	ctx, cancel := context.WithTimeout(ctx, min(lineTime, c.patience))
	defer cancel()
	data, err := c.readOnce(ctx, b, mostLine, baseName, "line")
	var line sandbox.LastLine
	line.Take(sandbox.Found, data)
	b.mu.Lock()
	defer b.mu.Unlock()
	// Nothing has been printed yet where there is no file.
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		b.line = line.String()
	}
	return b.line
}
