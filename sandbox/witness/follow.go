package witness

import (
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// most is how large a packet may be. What is larger than the sentry's own buffer is dropped there.
const most = 512 << 10

// Follow answers the handshake of runsc and takes in packets until the sentry is no more. No error
// means that the other side has ended the connection, so that nothing it sent is missing.
//
// It keeps nothing of a packet but what the account takes, and does nothing between two reads: the
// sentry waits while the socket is full, and then drops.
func Follow(conn io.ReadWriter, account *Account) error {
	buf := make([]byte, most)
	n, err := conn.Read(buf)
	if err != nil {
		return fmt.Errorf("witness: handshake: %w", err)
	}
	// The handshake is one message each way, with the version as its first field. The answer is
	// always 1, the version of what is read here: a runsc that no longer speaks it starts no box.
	version := uint64(0)
	err = fields(buf[:n], func(field protowire.Number, number uint64, _ []byte) error {
		if field == 1 {
			version = number
		}
		return nil
	})
	if err == nil && version == 0 {
		err = errors.New("no version")
	}
	if err == nil {
		_, err = conn.Write(protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1))
	}
	if err != nil {
		return fmt.Errorf("witness: handshake: %w", err)
	}
	for {
		n, err := conn.Read(buf)
		if n > 0 {
			account.take(buf[:n])
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("witness: %w", err)
		}
	}
}
