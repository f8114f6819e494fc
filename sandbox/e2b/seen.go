package e2b

import (
	"context"

	"countersign/approval"
	"countersign/sandbox/witness"
)

// mostSeen is how much of what the witness wrote is read: it keeps 2,000 paths.
const mostSeen = 4 << 20

// witnessed adds what the witness in the box has seen. It ends after the result is there, so its
// end is waited for, a moment. A box without its word has none, which is said.
func witnessed(ctx context.Context, c *Client, b *box) *approval.Witness {
	if b.open {
		return nil
	}
	var data []byte
	var err error
	for wait := firstPoll; ; wait *= 2 {
		over, lookErr := c.exists(ctx, b, baseName, exitName)
		data, err = c.read(ctx, b, mostSeen, baseName, "seen")
		if over || lookErr != nil || err != nil || wait > lastPoll || sleep(ctx, wait) != nil {
			break
		}
	}
	if err != nil {
		return nil
	}
	told, unable := witness.Read(data, c.stamp(b).Mark())
	if unable != "" {
		c.log.WarnContext(ctx, "e2b: a run had no witness", "box", b.id, "why", clean(unable))
		return nil
	}
	for _, list := range [][]string{told.Opened, told.Started} {
		for i := range list {
			list[i] = clean(list[i])
		}
	}
	return told
}
