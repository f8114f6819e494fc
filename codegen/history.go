package codegen

import (
	"slices"

	"countersign/approval"
)

// Newest returns the latest messages of a session that fit into so many bytes, oldest
// first. The messages of one request (question, code, result) are kept together or left
// out together, and everything newer than what is left out is kept. So the model never
// sees an answer without its question, nor a gap.
func Newest(said []approval.Message, bytes int) []approval.Message {
	groups := exchanges(said)
	from := len(groups)
	// From the latest on back. The first that does not fit ends it, also where an older one would fit: there must be no gap.
	for from > 0 {
		size := 0
		for _, m := range groups[from-1] {
			size += len(m.Text) + messageOverhead
		}
		if size > bytes {
			break
		}
		bytes -= size
		from--
	}
	return slices.Concat(groups[from:]...)
}

// exchanges groups messages by request, in the order in which the requests began. The
// messages of two requests in one thread may be interleaved.
func exchanges(said []approval.Message) [][]approval.Message {
	index := map[string]int{}
	var groups [][]approval.Message
	for _, m := range said {
		at, known := index[m.RequestID]
		if !known {
			at = len(groups)
			index[m.RequestID] = at
			groups = append(groups, nil)
		}
		groups[at] = append(groups[at], m)
	}
	return groups
}
