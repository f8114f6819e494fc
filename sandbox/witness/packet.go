package witness

import (
	"encoding/binary"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// The types of message that matter here; the numbers are those of gVisor's common.proto.
const (
	typeClone   = 2
	typeExec    = 3
	typeExit    = 5
	typeBare    = 6
	typeOpen    = 7
	typeClose   = 8
	typeRead    = 9
	typeConnect = 10
	typeSocket  = 12
	typeDup     = 19
	typeBind    = 24
	typeWrite   = 34
	typeMmap    = 36
)

// headerSize is what stands before a message: its own size, the type, the count of dropped packets.
// The size is in the header because it may grow; what it has beyond these eight bytes is skipped.
const headerSize = 8

// Flags of an open after which a file may be changed (O_WRONLY, O_RDWR, O_CREAT), and the one that empties it (O_TRUNC). They
// are in a register of the call, so the program cannot show others than it uses.
const (
	changing = 0x1 | 0x2 | 0x40
	emptying = 0x200
)

// packet is what an account needs of one message.
type packet struct {
	kind    uint16
	dropped uint32 // of all packets until now

	group   int    // the process that did it, by the number of its thread group
	errno   uint64 // open, socket and bare calls; 0: it succeeded
	result  int64  // the same
	fd      int64  // dup: the one that is replaced
	path    string // what the sentry resolved the descriptor to
	flags   uint64 // open: how
	name    string // open: as the program's memory had it; exec: the binary
	args    []string
	created int    // clone: the group of what was made
	number  int    // bare calls; the domain of a socket
	address []byte // connect, bind
}

var errPacket = errors.New("a packet of the sentry is not in its form")

// read decodes one packet. Strings are copied, so the buffer may be used again.
func (p *packet) read(data []byte) error {
	*p = packet{}
	if len(data) < headerSize {
		return fmt.Errorf("%w: %d bytes", errPacket, len(data))
	}
	// The sentry runs on this machine, so it writes in this machine's order of bytes.
	size := int(binary.NativeEndian.Uint16(data))
	p.kind, p.dropped = binary.NativeEndian.Uint16(data[2:]), binary.NativeEndian.Uint32(data[4:])
	if size < headerSize || size > len(data) {
		return fmt.Errorf("%w: a header of %d bytes", errPacket, size)
	}
	return fields(data[size:], p.take)
}

// take takes one field of the message. Which field is which depends on the message. A field that
// is not named here is skipped, so a sentry that tells more than this knows does no harm; what an
// account rests on is there, or the tests of sandbox/local fail.
func (p *packet) take(field protowire.Number, number uint64, data []byte) error {
	switch {
	// The context, which all messages have in field 1. Of it the thread group's number is field 4.
	case field == 1:
		return fields(data, func(field protowire.Number, number uint64, _ []byte) error {
			if field == 4 {
				p.group = int(int32(number))
			}
			return nil
		})
	case field == 2 && p.kind == typeExec:
		p.name = string(data)
	case field == 2 && (p.kind == typeOpen || p.kind == typeBare || p.kind == typeSocket):
		return fields(data, func(field protowire.Number, number uint64, _ []byte) error {
			switch field {
			case 1:
				p.result = int64(number)
			case 2:
				p.errno = number
			}
			return nil
		})
	case field == 3 && p.kind == typeExec:
		p.args = append(p.args, string(data))
	case field == 4 && p.kind == typeClone:
		p.created = int(int32(number))
	case field == 4 && (p.kind == typeBare || p.kind == typeSocket):
		p.number = int(number)
	case field == 5 && p.kind == typeDup:
		p.fd = int64(int32(number))
	// Numbers of fields are those of gVisor's syscall.proto and sentry.proto at the version that tools/go.mod pins.
	case field == 6 && p.kind == typeDup, field == 5 && p.described():
		p.path = string(data)
	case field == 4 && p.described():
		p.fd = int64(number)
	case field == 6 && p.kind == typeOpen:
		p.name = string(data)
	case field == 7 && p.kind == typeOpen:
		p.flags = number
	case field == 6 && (p.kind == typeConnect || p.kind == typeBind):
		p.address = append([]byte(nil), data...)
	}
	return nil
}

// described tells of calls by a descriptor of which the sentry resolves the path.
func (p *packet) described() bool {
	return p.kind == typeRead || p.kind == typeWrite || p.kind == typeMmap || p.kind == typeClose
}

// fields calls do for each field of a protobuf message: a number or bytes.
func fields(data []byte, do func(field protowire.Number, number uint64, data []byte) error) error {
	for len(data) > 0 {
		// By hand: gVisor's generated types would bring its whole module along, and an account needs a dozen fields.
		field, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return fmt.Errorf("%w: %w", errPacket, protowire.ParseError(n))
		}
		data = data[n:]
		var number uint64
		var bytes []byte
		switch kind {
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(data)
		case protowire.BytesType:
			bytes, n = protowire.ConsumeBytes(data)
		default:
			// Any other kind is skipped by its length, as protobuf wants of fields that one does not know.
			n = protowire.ConsumeFieldValue(field, kind, data)
		}
		if n < 0 {
			return fmt.Errorf("%w: %w", errPacket, protowire.ParseError(n))
		}
		if err := do(field, number, bytes); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}
