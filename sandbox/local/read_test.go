//go:build linux

package local

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval/reading"
	"countersign/internal/proof"
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
	require.NoError(t, shared.Read(context.Background(), sandbox.ReadJob{Files: files, CSV: true, Seconds: 600, MemoryMB: 1024}, sink))
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

// A sample of each kind of damage in Pollock comes out as Pollock's authors mean it.
func TestProveReadingOfPollocksSamples(t *testing.T) {
	t.Parallel()
	samples, err := filepath.Glob("testdata/reading/pollock/*.csv")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(samples), 28)
	var files []sandbox.ReadFile
	for _, path := range samples {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		files = append(files, file(filepath.Base(path), data))
	}
	got := readHere(t, files...)
	for i, path := range samples {
		want, err := os.ReadFile(strings.TrimSuffix(path, ".csv") + ".clean")
		require.NoError(t, err)
		meant, err := csv.NewReader(bytes.NewReader(want)).ReadAll()
		require.NoError(t, err)
		require.NotNil(t, got.csv[i], path)
		came, err := csv.NewReader(got.csv[i]).ReadAll()
		require.NoError(t, err)
		proof.Check(t, reflect.DeepEqual(meant, came), "pollock: "+filepath.Base(path), "%d records", len(came))
	}
}

// A box that has ended says so, and what it had answered until then stands.
func TestAReaderThatIsInterruptedSaysSo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := shared.Read(ctx, sandbox.ReadJob{Files: []sandbox.ReadFile{file("a.csv", []byte("a\n1\n"))}, Seconds: 10, MemoryMB: 256}, &kept{})
	require.ErrorIs(t, err, context.Canceled)
}

// A file whose length has changed since it was looked at ends the job, and the box with it.
func TestAFileThatIsShorterThanItWasSaidIsNotRead(t *testing.T) {
	t.Parallel()
	short := file("a.csv", []byte("a,b\n1,2\n"))
	short.Size += 10
	sink := &kept{}
	require.Error(t, shared.Read(t.Context(), sandbox.ReadJob{Files: []sandbox.ReadFile{short}, Seconds: 10, MemoryMB: 256}, sink))
	require.Empty(t, sink.answers)
}

// A column without any value, over so many rows that they are parsed all at once.
func TestAnEmptyColumnOfManyRowsIsEmpty(t *testing.T) {
	t.Parallel()
	got := readHere(t, file("many.csv", []byte("id,comment,amount\n"+strings.Repeat("1,,3\n", 6000))))
	require.Nil(t, got.answers[0].Problem)
	table := got.answers[0].Reading.Tables[0]
	require.Equal(t, int64(6000), table.Rows)
	for i, want := range []string{"integer", "empty", "integer"} {
		require.Equal(t, want, table.Columns[i].Type)
	}
}
