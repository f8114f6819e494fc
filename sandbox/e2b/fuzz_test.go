package e2b_test

import (
	"encoding/binary"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"countersign/sandbox/e2b"
)

// FuzzStarted: only a stream that begins with a start event is a start.
func FuzzStarted(f *testing.F) {
	frame := func(flag byte, text string) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{flag}, uint32(len(text))), text...)
	}
	f.Add(frame(0, `{"event":{"start":{"pid":1}}}`))
	f.Add(frame(2, `{"error":{"code":"not_found"}}`))
	f.Add(frame(0, `{"event":{"end":{}}}`))
	f.Add([]byte{0, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, stream []byte) {
		if e2b.Started(stream) == nil {
			require.Contains(t, string(stream), `{`)
			require.GreaterOrEqual(t, len(stream), 5+len(`{"event":{"start":{}}}`))
			require.Zero(t, stream[0]&3)
		}
	})
}

// FuzzRefused: whatever an error answer says, one short clean line is kept of it.
func FuzzRefused(f *testing.F) {
	f.Add(502, []byte(`{"message":"The sandbox was not found","code":502}`))
	f.Add(404, []byte("<html>\x00\u202e</html>"))
	f.Add(500, []byte(`{"code":"internal","message":"\ud800"}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		text, _ := e2b.Refused(status, body)
		require.True(t, utf8.ValidString(text))
		require.LessOrEqual(t, utf8.RuneCountInString(text), 201)
		for _, r := range text {
			require.True(t, unicode.IsPrint(r), "%q", r)
		}
	})
}
