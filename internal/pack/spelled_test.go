package pack

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
)

func init() {
	type change = func(t testing.TB, o opened)
	add := func(kind, says string, c change) {
		tampered = append(tampered, struct {
			kind   string
			change func(t testing.TB, o opened)
			says   string
		}{kind, c, says})
	}
	for kind, to := range respelled {
		add("an event with "+kind, "entry 299 (event 10 of request:r000029): it is not spelled as events are, so programs may read it differently", func(t testing.TB, o opened) {
			o.entries(t, func(list []Entry) []Entry { list[299] = again(list[299], `"actor":"countersign"`, to); return list })
		})
	}
	add("an event of another version", "entry 299 (event 10 of request:r000029): it is not spelled as events are", func(t testing.TB, o opened) {
		o.entries(t, func(list []Entry) []Entry { list[299] = again(list[299], `"v":2}`, `"v":3}`); return list })
	})
	add("an event with another spelling of its time", "entry 299 (event 10 of request:r000029): it is not spelled as events are", func(t testing.TB, o opened) {
		o.entries(t, func(list []Entry) []Entry { list[299] = again(list[299], `.000000Z"`, `Z"`); return list })
	})
	row := func(file string, line int, from, to string) change {
		return func(t testing.TB, o opened) {
			lines := o.lines(file)
			require.Contains(t, lines[line], from)
			lines[line] = strings.Replace(lines[line], from, to, 1)
			o.put(file, lines)
		}
	}
	add("a decision of another time", "the decision of U0BEN on version 1 of r000001: entry 15 says that it was given at another time", row(fileDecisions, 1, `"at":"2026-11-26T12:`, `"at":"2026-11-26T11:`))
	for what, file := range map[string]string{"decision": fileDecisions, "receipt": fileReceipts} {
		for kind, from := range map[string]string{"doubled": `"request":"r000000","request":"r000001"`, "of another case": `"Request":"r000000","request":"r000001"`, "that nobody knows": `"note":"trust me","request":"r000001"`} {
			line := map[string]int{fileDecisions: 1, fileReceipts: 2}[file]
			add("a "+what+" with a key "+kind, "a "+what+": it cannot be read, or is not spelled as "+what+"s are", row(file, line, `"request":"r000001"`, from))
		}
	}
	add("a value with a key doubled", "a value: it cannot be read, or is not spelled as values are", row(fileValues, 1, `"base64":"`, `"base64":"AAAA","base64":"`))
	add("a checkpoint with a key of another case", "the file log.json: it cannot be read: something stands in it that does not belong there", func(t testing.TB, o opened) {
		o[fileProof] = bytes.Replace(o[fileProof], []byte(`"note":`), []byte(`"Note":"other","note":`), 1)
	})
	add("a receipt for something else", "the receipt h1r000001 of r000001: entry 13 says otherwise what it was for", row(fileReceipts, 2, `"for":"draft"`, `"for":"run"`))
	add("a receipt that says to be an estimate", "the receipt h1r000001 of r000001: entry 13 says otherwise what it was for, or whether it is an estimate", row(fileReceipts, 2, `"amount":558000,`, `"amount":558000,"estimated":true,`))
}

// respelled are actors that programs read differently.
var respelled = map[string]string{
	"a doubled key":                        `"actor":"U0BOB","actor":"countersign"`,
	"a key that differs in its case":       `"Actor":"U0BOB","actor":"countersign"`,
	"no key but one of another case":       `"Actor":"countersign"`,
	"a blank":                              `"actor": "countersign"`,
	"an escape that it need not have":      `"actor":"\u0063ountersign"`,
	"half a sign, which is read as U+FFFD": `"actor":"\ud800"`,
}

// Whatever the verifier would refuse, the maker does not hand out.
func TestAnEventThatIsSpelledOtherwiseIsNotPacked(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	f.plays(0, "What did we earn in May?", 0)
	f.entries[3] = again(f.entries[3], `"actor":"countersign"`, respelled["a doubled key"])
	f.signs()
	_, err := Make(t.Context(), io.Discard, f, Options{Chosen: Chosen{From: noon, To: noon.Add(time.Hour)}, Zone: time.UTC,
		Record: func(context.Context, Contents, []int64) (Proof, error) { return Proof{}, nil }})
	require.ErrorContains(t, err, "entry 3 is not spelled as events are")
}

// Whoever reads a ZIP file from its beginning finds what the verifier finds.
func TestAPackIsOneFileToAllPrograms(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	f.plays(0, "What did we earn in May?", 0)
	path := f.pack("")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for what, changed := range map[string][]byte{
		"another name before a file": bytes.Replace(text, []byte(fileContents), []byte("PACK.JSON"), 1),
		"something before it":        append([]byte("#!/bin/sh\n"), text...),
		"something behind it":        append(bytes.Clone(text), text...),
	} {
		require.NoError(t, os.WriteFile(path, changed, 0o600))
		_, err := Verify(path, Trust{Keys: []note.Verifier{f.key}})
		require.ErrorContains(t, err, "the ZIP file: other programs may read it differently", what)
		_, is := errors.AsType[*Broken](err)
		require.True(t, is)
	}
}
