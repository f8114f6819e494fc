package slacksim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// snapshot is what the folder keeps: what was said, shared and published.
// People, channels and the app come from Options each time.
type snapshot struct {
	Messages map[string][]*message `json:"messages"`
	Files    map[string]*file      `json:"files"`
	Homes    map[string]*view      `json:"homes"`
	Read     map[string]string     `json:"read"`
	Counter  int64                 `json:"counter"`
	LastTS   int64                 `json:"last_ts"`
}

func (s *Sim) path(parts ...string) string {
	return filepath.Join(append([]string{s.opts.Folder}, parts...)...)
}

// load reads the last snapshot, if there is one.
func (s *Sim) load() error {
	if s.opts.Folder == "" {
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
	snap := snapshot{Messages: s.ws.messages, Files: s.ws.files, Homes: s.ws.homes, Read: s.ws.read}
	if err := decode(data, &snap); err != nil {
		return fmt.Errorf("read workspace %s: %w", s.path("workspace.json"), err)
	}
	s.ws.counter, s.ws.lastTS = snap.Counter, snap.LastTS
	for _, f := range s.ws.files {
		if f.stored = true; f.Deleted {
			continue
		}
		if f.data, err = os.ReadFile(s.path("files", f.ID)); err != nil {
			return fmt.Errorf("read file %s of the workspace: %w", f.Name, err)
		}
	}
	return nil
}

// keep writes a snapshot shortly after something changed, until the context ends.
func (s *Sim) keep(ctx context.Context) error {
	for {
		_, err := await(ctx, s, func() (struct{}, bool) { return struct{}{}, s.dirty })
		if err != nil {
			return nil // the end; Close writes the last one
		}
		select {
		case <-time.After(s.opts.Timing.SnapshotIn):
		case <-ctx.Done():
			return nil
		}
		if err := s.save(); err != nil {
			return err
		}
	}
}

// save writes the snapshot: first the files that are new, then the workspace
// that names them, each by renaming, so that a crash leaves the old or the new.
func (s *Sim) save() error {
	s.saving.Lock()
	defer s.saving.Unlock()
	s.mu.Lock()
	s.dirty = false
	if s.opts.Folder == "" {
		s.mu.Unlock()
		return nil
	}
	fresh, gone := map[string][]byte{}, []string{}
	for _, f := range s.ws.files {
		switch {
		case f.Deleted && f.stored:
			gone = append(gone, f.ID)
		case !f.Deleted && !f.stored:
			fresh[f.ID] = f.data
		}
		f.stored = !f.Deleted
	}
	data, err := json.Marshal(snapshot{s.ws.messages, s.ws.files, s.ws.homes, s.ws.read, s.ws.counter, s.ws.lastTS})
	s.mu.Unlock()
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
