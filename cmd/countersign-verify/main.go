// Countersign-verify checks a pack of Countersign. It needs the pack and a public key, or
// a checkpoint that somebody has kept: no database, no network, and no word of ours.
//
// It exits with 0 when all holds and it is shown by whom; 1 when something does not hold;
// 2 when the pack is whole in itself, and by whom is not shown; 3 when it cannot be read.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"countersign/internal/checkpoint"
	"countersign/internal/pack"
)

const usage = `countersign-verify [--key KEY]... [--checkpoint FILE] PACK.zip

  --key         the public key of the installation, as a line, or a file with it; several where it was changed
  --checkpoint  a file with a checkpoint that you have kept, as it stands in Slack

Without either, nothing says whose pack it is.
`

func main() {
	debug.SetMemoryLimit(pack.Memory)
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program, as tests call it.
func run(args []string, out, faults io.Writer) int {
	trust, path, err := read(args)
	if err != nil {
		fmt.Fprintf(faults, "countersign-verify: %v\n\n%s", err, usage)
		return 3
	}
	r, err := pack.Verify(path, trust)
	if broken := new(pack.Broken); errors.As(err, &broken) {
		fmt.Fprintf(out, "It does not hold. %s%s.\n", strings.ToUpper(broken.Error()[:1]), broken.Error()[1:])
		return 1
	}
	if err != nil {
		fmt.Fprintf(faults, "countersign-verify: %v\n", err)
		return 3
	}
	fmt.Fprint(out, r.Sentences())
	if !r.Shown() {
		return 2
	}
	return 0
}

// read takes what the reader brings.
func read(args []string) (trust pack.Trust, path string, err error) {
	flags := flag.NewFlagSet("countersign-verify", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var keys []note.Verifier
	flags.Func("key", "", func(text string) error {
		if file, err := os.ReadFile(text); err == nil {
			text = string(file)
		}
		key, err := checkpoint.Verifier(text)
		keys = append(keys, key)
		return err
	})
	kept := flags.String("checkpoint", "", "")
	if err := flags.Parse(args); err != nil {
		return trust, "", err
	}
	if flags.NArg() != 1 {
		return trust, "", errors.New("which pack?")
	}
	trust.Keys = keys
	if *kept != "" {
		text, err := os.ReadFile(*kept)
		if err != nil {
			return trust, "", err
		}
		notes := checkpoint.Notes(string(text))
		if len(notes) == 0 {
			return trust, "", fmt.Errorf("%s has no checkpoint in it", *kept)
		}
		c, err := checkpoint.Read(notes[len(notes)-1])
		if err != nil {
			return trust, "", err
		}
		trust.Checkpoint = &c
	}
	return trust, flags.Arg(0), nil
}
