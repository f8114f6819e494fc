// Countersign-verify checks a pack of Countersign. It needs the pack and a public key, or
// a checkpoint that somebody has kept: no database, no network, and no word of ours.
//
// It exits with 0 when everything checks out and the key or checkpoint shows who made it; 1 when something
// does not hold; 2 when nothing is wrong inside the pack, but nothing shows who made all of it; 3 when it cannot be read.
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

// usage is printed after every complaint: whoever checks a pack has most likely never done so before.
const usage = `countersign-verify [--key KEY]... [--checkpoint FILE] PACK.zip

  --key         the public key of the installation, as a line, or a file with it; several where it was changed
  --checkpoint  a file with checkpoints that you have kept, as they stand in Slack; - reads what you paste (end it with Ctrl-D)
                With --key as well, both have to hold.

Without either, nothing says whose pack it is.
`

// main leaves everything to run, which tests can call.
func main() {
	// A pack may be large. Little of each entry is kept (internal/pack); this has the collector keep up
	// with what is read and dropped.
	debug.SetMemoryLimit(pack.Memory)
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program, as tests call it. Scripts go by the exit code: only 0 says that all holds
// and by whom, so a pack that nobody has vouched for never passes one by chance.
// What is wrong with the pack goes to out and what is wrong with the call to faults, so that a script may keep
// the report and still see why it was not written.
func run(args []string, in io.Reader, out, faults io.Writer) int {
	trust, path, err := brings(args, in)
	if err != nil {
		fmt.Fprintf(faults, "countersign-verify: %v\n\n%s", err, usage)
		return 3
	}
	r, err := pack.Verify(path, trust)
	if broken, ok := errors.AsType[*pack.Broken](err); ok {
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

// brings takes what the reader has. Keys and checkpoints come from the command line and never from the
// pack: whoever made it could have put any into it.
func brings(args []string, in io.Reader) (trust pack.Trust, path string, err error) {
	flags := flag.NewFlagSet("countersign-verify", flag.ContinueOnError)
	// run prints the error, with usage behind it.
	flags.SetOutput(io.Discard)
	var keys []note.Verifier
	// It is read at once, so a key with a typing error ends the program before a large pack is opened.
	flags.Func("key", "", func(text string) error {
		// A key is one line of letters that no file is called like, so what can be read is a file.
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
		if trust.Checkpoints, err = read(*kept, in); err != nil {
			return trust, "", err
		}
	}
	return trust, flags.Arg(0), nil
}

// read takes the checkpoints from a file, or from what somebody pastes. Their signatures are not
// looked at: the reader has kept them, which is why they count.
func read(path string, in io.Reader) (all []checkpoint.Checkpoint, err error) {
	var text []byte
	if path == "-" {
		text, err = io.ReadAll(in)
	} else {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, err
	}
	// Whatever stands around them is skipped: people paste whole messages, with names and times.
	notes := checkpoint.Notes(string(text))
	if len(notes) == 0 {
		return nil, fmt.Errorf("%s has no checkpoint in it: one begins with the line %q and ends with a line that begins with a dash", path, checkpoint.Origin)
	}
	for _, signed := range notes {
		c, err := checkpoint.Read(signed)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}
