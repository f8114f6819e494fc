package e2b

import (
	"context"
	"strings"

	"countersign/approval"
	"countersign/sandbox/witness"
)

// mostSeen is how much of what the witness wrote is read: it keeps 512 KB of each of six kinds.
const mostSeen = 4 << 20

// inside is how the addresses begin behind which the door has hosts, in the code's own network (runner/door.py).
const inside = "127.77."

// follow takes what the witness has written until now out of the box: whatever becomes of that,
// what was seen stays seen. What cannot be taken now is taken at the next look.
func follow(ctx context.Context, c *Client, b *box) {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	data, err := c.read(ctx, b, mostSeen, baseName, "seen")
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	// The file only grows. A shorter one was changed by the code, or was read in the middle of a write.
	if len(data) > len(b.told) {
		b.told = data
	}
}

// witnessed adds what the witness in the box has seen. It ends after the result is there, so its
// end is waited for, a moment. A box without its word has none, which is said.
func witnessed(ctx context.Context, c *Client, b *box) *approval.Witness {
	var data []byte
	var err error
	for wait := firstPoll; ; wait *= 2 {
		over, lookErr := c.exists(ctx, b, baseName, exitName)
		data, err = c.read(ctx, b, mostSeen, baseName, "seen")
		if over || lookErr != nil || err != nil || wait > lastPoll || sleep(ctx, wait) != nil {
			break
		}
	}
	if err != nil || len(data) < len(b.last()) {
		if data = b.last(); data == nil {
			return nil
		}
	}
	told, unable := witness.Read(data, c.stamp(b).Mark())
	// The guard has said that this box cannot be watched: it has no account, which is not the same as an empty one.
	if unable != "" {
		c.log.WarnContext(ctx, "e2b: a run had no witness", "box", b.id, "why", clean(unable))
		return nil
	}
	for _, list := range [][]string{told.Opened, told.Started, told.Connected} {
		for i := range list {
			list[i] = clean(list[i])
		}
	}
	return told
}

// last is what was taken of the witness's word while the code ran.
func (b *box) last() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.told
}

// bequeath logs what a witness had seen when its box went away, result and all. Such a run is
// lost, and of that nobody claims that nothing happened.
func bequeath(ctx context.Context, c *Client, b *box) {
	if w, _ := witness.Read(b.last(), c.stamp(b).Mark()); w != nil && len(b.last()) > 0 {
		c.log.WarnContext(ctx, "e2b: what was seen of a run whose box is gone", "box", b.id, "request", b.request,
			"opened", clean(strings.Join(w.Opened, ", ")), "started", clean(strings.Join(w.Started, ", ")), "connected", clean(strings.Join(w.Connected, ", ")))
	}
}
