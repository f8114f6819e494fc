package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"countersign/internal/slacksim/blockkit"
)

// snapshot is what the folder keeps: what was said, shared and published.
// People, channels and the app come from Options each time.
type snapshot struct {
	Messages map[string][]*StoredMessage `json:"messages"`
	Files    map[string]*StoredFile      `json:"files"`
	Homes    map[string]*StoredView      `json:"homes"`
	Read     map[string]string           `json:"read"`
	Counter  int64                       `json:"counter"`
	LastTS   int64                       `json:"last_ts"`
}

// Folder keeps a workspace between runs; without a path in Options it keeps nothing.
type Folder struct{ *Workspace }

func (s Folder) path(parts ...string) string {
	return filepath.Join(append([]string{s.Opts.Folder}, parts...)...)
}

// load reads the last snapshot, if there is one.
func (s Folder) load() error {
	if s.Opts.Folder == "" {
		return nil
	}
	if err := os.MkdirAll(s.path("files"), 0o700); err != nil {
		return fmt.Errorf("make folder for the workspace: %w", err)
	}
	data, err := os.ReadFile(s.path("workspace.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read workspace: %w", err)
	}
	snap := snapshot{Messages: s.Memory.Messages, Files: s.Memory.Files, Homes: s.Memory.Homes, Read: s.Memory.Read}
	if err := blockkit.Decode(data, &snap); err != nil {
		return fmt.Errorf("read workspace %s: %w", s.path("workspace.json"), err)
	}
	s.Memory.counter, s.Memory.LastTS = snap.Counter, snap.LastTS
	for _, f := range s.Memory.Files {
		if f.stored = true; f.Deleted {
			continue
		}
		if f.Data, err = os.ReadFile(s.path("files", f.ID)); err != nil {
			return fmt.Errorf("read file %s of the workspace: %w", f.Name, err)
		}
	}
	return nil
}

// Keep writes a snapshot shortly after something changed, until the context ends.
func (s Folder) Keep(ctx context.Context) error {
	for {
		_, err := Await(ctx, s.Workspace, func() (struct{}, bool) { return struct{}{}, s.dirty })
		if err != nil {
			return nil // the end; Close writes the last one
		}
		select {
		case <-time.After(s.Opts.Timing.SnapshotIn):
		case <-ctx.Done():
			return nil
		}
		if err := s.Save(); err != nil {
			return err
		}
	}
}

// Save writes the snapshot: first the files that are new, then the workspace
// that names them, each by renaming, so that a crash leaves the old or the new.
func (s Folder) Save() error {
	s.saving.Lock()
	defer s.saving.Unlock()
	s.Lock()
	s.dirty = false
	if s.Opts.Folder == "" {
		s.Unlock()
		return nil
	}
	fresh, gone := map[string][]byte{}, []string{}
	for _, f := range s.Memory.Files {
		switch {
		case f.Deleted && f.stored:
			gone = append(gone, f.ID)
		case !f.Deleted && !f.stored:
			fresh[f.ID] = f.Data
		}
		f.stored = !f.Deleted
	}
	data, err := json.Marshal(snapshot{s.Memory.Messages, s.Memory.Files, s.Memory.Homes, s.Memory.Read, s.Memory.counter, s.Memory.LastTS})
	s.Unlock()
	if err != nil {
		return fmt.Errorf("encode workspace: %w", err)
	}
	for id, content := range fresh {
		if err := replace(s.path("files", id), content); err != nil {
			return err
		}
	}
	if err := replace(s.path("workspace.json"), data); err != nil {
		return err
	}
	for _, id := range gone {
		if err := os.Remove(s.path("files", id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove deleted file: %w", err)
		}
	}
	return nil
}

// replace writes a file so that nobody ever reads half of it.
func replace(path string, data []byte) error {
	temp := path + ".new"
	if err := os.WriteFile(temp, data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", temp, err)
	}
	if err := os.Rename(temp, path); err != nil {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	return nil
}
