package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"countersign/approval/reading"
	"countersign/approval/redact"
	"countersign/sandbox"
	"countersign/sandbox/local"
)

// Bounds of reading at a terminal. Boxes are shared here, since nobody else's data is in them; a question's files each have
// one to themselves.
const (
	readTogether = 50  // files that share a box
	readSeconds  = 120 // for one file
	readMemory   = 1024
	readMost     = 1 << 30 // bytes of one converted table; a box keeps to it (MOST_CSV in read.py), unless something has taken it over
)

// read says how files are read, in a box on this machine. It needs no settings: no
// Slack, no database, no keys, and it keeps nothing.
// It exits with 1 where one of the files was not read; what is wrong with each stands on stderr, so stdout
// stays for programs.
func read(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("read", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	asCSV := flags.Bool("csv", false, "")
	asJSON := flags.Bool("json", false, "")
	folder := flags.String("o", "", "")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("%w\nusage: %s", err, readUsage)
	}
	switch {
	case flags.NArg() == 0:
		return errors.New("usage: " + readUsage)
	case *asCSV && *folder == "":
		return errors.New("--csv needs -o DIR, the folder that the tables go to")
	case !*asCSV && *folder != "":
		return errors.New("-o goes with --csv")
	}
	// The one setting that matters here, read by itself: readConfig would complain about others.
	var runsc string
	for _, setting := range environ {
		if value, ok := strings.CutPrefix(setting, "COUNTERSIGN_RUNSC="); ok {
			runsc = value
		}
	}
	into, err := openFolder(*folder)
	if err != nil {
		return err
	}
	defer into.close()
	log := slog.New(redact.Log(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}), nil))
	box, err := local.New(local.Options{Runsc: runsc, MaxWarm: -1, Log: log})
	if err != nil {
		return errors.New(forPeople(err))
	}
	r := &readings{box: box, csv: *asCSV, into: into}
	failed, err := r.all(ctx, flags.Args(), func(one readOne) {
		if *asJSON {
			one.printJSON(stdout)
		} else {
			one.print(stdout)
		}
		if one.problem != "" {
			fmt.Fprintf(stderr, "countersign: %s: %s\n", plainLine(one.path), plainLine(one.problem))
		}
	})
	if err = errors.Join(err, box.Close()); err != nil {
		return errors.New(forPeople(err))
	}
	if failed > 0 {
		return exitError(1)
	}
	return nil
}

const readUsage = "countersign read [--json] [--csv -o DIR] FILE..."

// readOne is what became of one file.
type readOne struct {
	path    string
	reading *reading.Reading
	problem string // in words; empty where the file was read
}

// reader is a box on this machine that reads some files.
type reader interface {
	Read(ctx context.Context, job sandbox.ReadJob, sink sandbox.ReadSink) error
}

// readings reads many files in few boxes.
type readings struct {
	box  reader
	csv  bool
	into *outFolder
	most int64 // instead of readMost, where it is not 0
}

// all reads the files in boxes of readTogether, two at a time, and says each as soon as
// all before it have been said. failed counts those that were not read.
//
// One of the group's goroutines only says; it takes the groups in their order, whichever box is done
// first. A box that cannot be had at all ends everything: every other one would fail alike.
// Memory: at most two groups are read and a third waits to be said, each of up to 50 readings; the files
// themselves are streamed.
func (r *readings) all(ctx context.Context, paths []string, say func(readOne)) (failed int, err error) {
	groups := (len(paths) + readTogether - 1) / readTogether
	done := make([]chan []readOne, groups)
	for i := range done {
		done[i] = make(chan []readOne, 1)
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(min(2, runtime.NumCPU()) + 1)
	work.Go(func() error {
		for i := range done {
			select {
			case group := <-done[i]:
				if group == nil { // there is no box
					return nil
				}
				for _, one := range group {
					if one.problem != "" {
						failed++
					}
					say(one)
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for i := range done {
		work.Go(func() error {
			group, err := r.together(ctx, paths[i*readTogether:min(len(paths), (i+1)*readTogether)])
			if err != nil {
				group = nil
			}
			// There is room for it in the channel, so no reader is waited for: a group that is done gives its box up.
			done[i] <- group
			return err
		})
	}
	err = work.Wait() // until then failed is being counted
	return failed, err
}

// together reads files in one box; when it dies, each that is left is read again alone. So a file that
// kills its box costs the others a second box, and is the only one that is not read.
// What is wrong with a file is its problem, what is wrong with the box an error. Only after an error of the box
// is anything tried again.
func (r *readings) together(ctx context.Context, paths []string) ([]readOne, error) {
	group := make([]readOne, len(paths))
	var left []int
	for i, path := range paths {
		group[i] = readOne{path: path}
		if err := readable(path); err != nil {
			group[i].problem = err.Error()
			continue
		}
		left = append(left, i)
	}
	err := r.inBox(ctx, group, left)
	if err == nil || ctx.Err() != nil {
		return group, err
	}
	for _, i := range left {
		if group[i].reading != nil || group[i].problem != "" {
			continue
		}
		// Every other file would fail alike, and each try may take as long as a boot.
		if noBox(err) {
			return group, err
		}
		if err := r.inBox(ctx, group, []int{i}); err != nil {
			if ctx.Err() != nil || noBox(err) {
				return group, err
			}
			if group[i].reading == nil && group[i].problem == "" {
				group[i].problem = reading.Problem{Code: "box"}.Words()
			}
		}
	}
	return group, nil
}

// noBox tells whether there is no box to be had here, which no second try mends.
// forPeople has words of its own only for a steps.BoxError, which is how local says that there is no box at
// all.
func noBox(err error) bool {
	words := forPeople(err)
	return words != err.Error()
}

// inBox reads some of a group in one box and fills in what came out. An error is the box's: what is wrong with a file is
// the file's problem.
// The file that has gone is taken out and the others are tried again, which ends because the list gets shorter
// each time.
func (r *readings) inBox(ctx context.Context, group []readOne, which []int) error {
	if len(which) == 0 {
		return nil
	}
	job := sandbox.ReadJob{CSV: r.csv, Seconds: readSeconds, MemoryMB: readMemory}
	for _, i := range which {
		f, err := streamed(group[i].path)
		if err != nil { // it has gone since it was looked at
			group[i].problem = err.Error()
			return r.inBox(ctx, group, without(which, i))
		}
		job.Files = append(job.Files, f)
	}
	sink := &readSink{readings: r, group: group, which: which}
	err := r.box.Read(ctx, job, sink)
	sink.abandon()
	return err
}

// without is a list without one of its numbers.
func without(which []int, gone int) []int {
	return slices.DeleteFunc(slices.Clone(which), func(i int) bool { return i == gone })
}

// readable says in words why a path is no file that can be read.
func readable(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return errors.New("There is no such file.")
	case err != nil:
		return errors.New("The file cannot be opened.")
	case !info.Mode().IsRegular():
		return errors.New("This is not a file.")
	case info.Size() > local.MaxInputMB<<20:
		return fmt.Errorf("The file is larger than %d MB.", local.MaxInputMB)
	}
	return nil
}

// streamed is a file as a box gets it: its bytes are never all in memory here.
func streamed(path string) (sandbox.ReadFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return sandbox.ReadFile{}, errors.New("The file cannot be opened.")
	}
	info, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return sandbox.ReadFile{}, errors.New("The file cannot be opened.")
	}
	return sandbox.ReadFile{Name: filepath.Base(path), Size: info.Size(), Open: func() (io.ReadCloser, error) { return os.Open(path) }}, nil
}

// readSink takes what comes out of a box. Files come one after the other, so there is one table at a
// time; what a box says of a file that it has answered for already is refused before it comes here.
type readSink struct {
	*readings
	group []readOne
	which []int
	mu    sync.Mutex
	out   *outFile
}

// CSV implements sandbox.ReadSink: a piece of one file's table. An error ends the box, so only what no box may do is one.
func (s *readSink) CSV(file int, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := &s.group[s.which[file]]
	if !s.csv || one.problem != "" {
		return nil // what is written after a failure goes nowhere
	}
	if s.out == nil {
		out, err := s.into.create(filepath.Base(one.path))
		if err != nil {
			one.problem = err.Error()
			return nil
		}
		s.out = out
	}
	if most := cmp.Or(s.most, readMost); s.out.size+int64(len(data)) > most {
		one.problem = reading.Problem{Code: "converted", Facts: map[string]int64{"most": most >> 20}}.Words()
		return errors.New("a table is larger than any that a box writes") // which ends this one
	}
	if err := s.out.write(data); err != nil {
		one.problem = err.Error()
	}
	return nil
}

// Answer implements sandbox.ReadSink: the word on one file, after all of its table.
func (s *readSink) Answer(file int, answer reading.Answer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := &s.group[s.which[file]]
	switch {
	case answer.Problem != nil:
		one.problem = answer.Problem.Words()
	case one.problem == "":
		one.reading = answer.Reading
	}
	if !s.csv {
		return nil
	}
	// An empty file is an empty table.
	if s.out == nil && (one.problem == "" || answer.Problem != nil && answer.Problem.Code == "empty") {
		out, err := s.into.create(filepath.Base(one.path))
		if err != nil {
			one.problem, one.reading = err.Error(), nil
			return nil
		}
		s.out = out
	}
	if s.out != nil {
		// Half a table is worse than none: people would open it.
		keep := one.problem == "" || answer.Problem != nil && answer.Problem.Code == "empty"
		if err := s.out.close(keep); err != nil {
			one.problem, one.reading = err.Error(), nil
		}
		s.out = nil
	}
	return nil
}

// abandon removes what a box that has died had begun to write.
func (s *readSink) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out != nil {
		_ = s.out.close(false) // its file is removed all the same, or the next try says that it is there
		s.out = nil
	}
}
