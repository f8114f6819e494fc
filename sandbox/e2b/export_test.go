package e2b

import (
	"bytes"
	"context"
	"net/http"
	"time"
)

// SetGrace shortens how long a runner is waited for after its limit.
func (c *Client) SetGrace(d time.Duration) { c.grace = d }

// SetLines has a run's last line told more often.
func (c *Client) SetLines(d time.Duration) { c.lines = d }

// SetReprobe shortens how long a server is taken to lack what it lacked.
func (c *Client) SetReprobe(d time.Duration) { c.reprobe = d }

// Forget makes the client forget all boxes, as a restart does.
func (c *Client) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.boxes)
}

// Wipe removes what earlier runs have left in a box that is not fresh, as a real
// envd's that the conformance test runs against.
func (c *Client) Wipe(ctx context.Context, id string) error {
	b, err := c.attach(ctx, id)
	if err != nil {
		return err
	}
	if err := c.write(ctx, b, nil, "mark"); err != nil { // the folder has to be there
		return err
	}
	if err := c.start(ctx, b, c.user, "rm -rf ./*"); err != nil {
		return err
	}
	for {
		there, err := c.exists(ctx, b, "mark")
		if err != nil || !there {
			return err
		}
		if err := sleep(ctx, firstPoll); err != nil {
			return err
		}
	}
}

// Put, Take and Exists are the files of a box, as the client uses them.
func (c *Client) Put(ctx context.Context, id string, data []byte, name string) error {
	b, err := c.attach(ctx, id)
	if err != nil {
		return err
	}
	return c.write(ctx, b, data, name)
}

func (c *Client) Take(ctx context.Context, id string, limit int64, name string) ([]byte, error) {
	b, err := c.attach(ctx, id)
	if err != nil {
		return nil, err
	}
	return c.read(ctx, b, limit, name)
}

func (c *Client) Exists(ctx context.Context, id, name string) (bool, error) {
	b, err := c.attach(ctx, id)
	if err != nil {
		return false, err
	}
	return c.exists(ctx, b, name)
}

// Told is what has been taken of a witness's word while its code runs.
func (c *Client) Told(id string) []byte {
	c.mu.Lock()
	b := c.boxes[id]
	c.mu.Unlock()
	return b.last()
}

// Launch starts any line.
func (c *Client) Launch(ctx context.Context, id, line string) error {
	b, err := c.attach(ctx, id)
	if err != nil {
		return err
	}
	return c.start(ctx, b, c.user, line)
}

// Started reads a stream as the answer to a start.
func Started(stream []byte) error { return started(call{what: "start"}, bytes.NewReader(stream)) }

// Refused reads an error answer, and gives what is kept of its text.
func Refused(status int, body []byte) (text string, transient bool) {
	f := refused(call{edge: true}, &http.Response{StatusCode: status, Header: http.Header{}}, body)
	return f.message, f.transient()
}
