package local

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval/reading"
	"countersign/sandbox"
)

// kept is a sink that keeps everything.
type kept struct {
	csv     map[int]*bytes.Buffer
	answers []reading.Answer
}

func (k *kept) CSV(file int, data []byte) error {
	if k.csv[file] == nil {
		k.csv[file] = &bytes.Buffer{}
	}
	k.csv[file].Write(data)
	return nil
}

func (k *kept) Answer(_ int, answer reading.Answer) error {
	k.answers = append(k.answers, answer)
	return nil
}

func file(name string, data []byte) sandbox.ReadFile {
	return sandbox.ReadFile{Name: name, Size: int64(len(data)), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
}

func readHere(t testing.TB, files ...sandbox.ReadFile) *kept {
	t.Helper()
	sink := &kept{csv: map[int]*bytes.Buffer{}}
	require.NoError(t, shared.Read(context.Background(), sandbox.ReadJob{Files: files, CSV: true, Seconds: 120, MemoryMB: 1024}, sink))
	require.Len(t, sink.answers, len(files))
	return sink
}

func TestAFileIsReadInABoxOfItsOwn(t *testing.T) {
	t.Parallel()
	got := readHere(t, file("a.csv", []byte("region;amount\nNord;1,5\nSüd;2,5\n")), file("b.csv", nil), file("c.json", []byte(`[{"a":1}]`)))
	first := got.answers[0].Reading
	require.NotNil(t, first)
	require.Equal(t, ";", first.Tables[0].Delimiter)
	require.Equal(t, ",", first.Tables[0].Decimal)
	require.Equal(t, int64(2), first.Tables[0].Rows)
	require.Equal(t, "number", first.Tables[0].Columns[1].Type)
	require.Equal(t, "region,amount\nNord,\"1,5\"\nSüd,\"2,5\"\n", got.csv[0].String())
	require.Equal(t, "empty", got.answers[1].Problem.Code)
	require.Equal(t, "json", got.answers[2].Reading.Kind)
}
