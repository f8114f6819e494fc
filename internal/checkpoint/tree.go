package checkpoint

import (
	"encoding/hex"
	"fmt"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

const hashSize = 32

var (
	hasher  = rfc6962.DefaultHasher
	factory = &compact.RangeFactory{Hash: hasher.HashChildren}
)

// ID is the place of a node in the tree. Level 0 is the leaves.
type ID struct {
	Level int16
	Index int64
}

// Node is a node that will never change: the tree below it is full. Only these are stored; the
// others are hashed anew from them for each checkpoint and each proof.
type Node struct {
	ID
	Hash []byte
}

// ids are the library's names of nodes as ours.
func ids(of []compact.NodeID) []ID {
	list := make([]ID, len(of))
	for i, id := range of {
		list[i] = ID{Level: int16(id.Level), Index: int64(id.Index)}
	}
	return list
}

// Leaf is the hash of a leaf, from the hash of its event. RFC 6962 hashes leaves and nodes with
// different first bytes, so that no node can be passed off as an event.
func Leaf(event string) ([]byte, error) {
	hash, err := hex.DecodeString(event)
	if err != nil || len(hash) != hashSize {
		return nil, fmt.Errorf("%q is not the hash of an event", event)
	}
	return hasher.HashLeaf(hash), nil
}

// Edge lists the nodes that are enough to let a log of this size grow.
func Edge(size int64) []ID { return ids(compact.RangeNodes(0, uint64(size), nil)) }

// Tree grows by one leaf after the other. It keeps no more than its right edge.
type Tree struct{ edge *compact.Range }

// Grow continues a log of a size, from the hashes of its edge.
func Grow(size int64, edge [][]byte) (*Tree, error) {
	r, err := factory.NewRange(0, uint64(size), edge)
	if err != nil {
		return nil, fmt.Errorf("continue a log of %d events: %w", size, err)
	}
	return &Tree{edge: r}, nil
}

// Size is how many leaves there are.
func (t *Tree) Size() int64 { return int64(t.edge.End()) }

// Append adds an event by its hash, and returns the nodes above the leaves that are full
// from now on.
func (t *Tree) Append(event string) (full []Node, err error) {
	leaf, err := Leaf(event)
	if err != nil {
		return nil, err
	}
	err = t.edge.Append(leaf, func(id compact.NodeID, hash []byte) {
		if id.Level > 0 {
			full = append(full, Node{ID: ID{Level: int16(id.Level), Index: int64(id.Index)}, Hash: hash})
		}
	})
	if err != nil {
		return nil, fmt.Errorf("append an event to the log: %w", err)
	}
	return full, nil
}

// Root is the hash of the whole tree.
func (t *Tree) Root() ([]byte, error) {
	if t.Size() == 0 {
		return hasher.EmptyRoot(), nil
	}
	root, err := t.edge.GetRootHash(nil)
	if err != nil {
		return nil, fmt.Errorf("hash the log: %w", err)
	}
	return root, nil
}

// Plan says which nodes a proof is made of. Planning reads nothing, so that whoever has the nodes,
// a database or a test, reads them in its own way in between.
type Plan struct {
	nodes proof.Nodes
	empty bool
}

// Consistency plans the proof that a log of one size is the beginning of a larger one. Of an empty
// log, which everything continues, the proof is empty as well; the library knows no such case.
func Consistency(from, to int64) (Plan, error) {
	if from == 0 {
		return Plan{empty: true}, nil
	}
	nodes, err := proof.Consistency(uint64(from), uint64(to))
	return Plan{nodes: nodes}, err
}

// Inclusion plans the proof that an event has this place, the first being 0.
func Inclusion(position, size int64) (Plan, error) {
	nodes, err := proof.Inclusion(uint64(position), uint64(size))
	return Plan{nodes: nodes}, err
}

// IDs are the nodes that have to be read.
func (p Plan) IDs() []ID {
	if p.empty {
		return nil
	}
	return ids(p.nodes.IDs)
}

// Proof puts the hashes of these nodes together.
func (p Plan) Proof(hashes [][]byte) ([][]byte, error) {
	if p.empty {
		return nil, nil
	}
	return p.nodes.Rehash(hashes, hasher.HashChildren)
}

func consistent(from, to Checkpoint, steps [][]byte) bool {
	return proof.VerifyConsistency(hasher, uint64(from.Size), uint64(to.Size), steps, from.Root, to.Root) == nil
}

// Includes tells whether a checkpoint covers the event of this hash at this place.
func (c Checkpoint) Includes(position int64, event string, steps [][]byte) bool {
	leaf, err := Leaf(event)
	return err == nil && position >= 0 && proof.VerifyInclusion(hasher, uint64(position), uint64(c.Size), leaf, steps, c.Root) == nil
}
