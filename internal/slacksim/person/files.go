package person

import (
	"countersign/internal/slacksim/workspace"
)

// Upload takes a person's file. Nobody else sees it until it is shared.
func (s *Acts) Upload(as, name string, data []byte) (workspace.File, error) {
	s.Lock()
	defer s.Unlock()
	if _, err := s.actor(as); err != nil {
		return workspace.File{}, err
	}
	if len(data) > workspace.MaxFile {
		return workspace.File{}, Refuse(413, "file_too_large", "The simulator takes files up to %d MB.", workspace.MaxFile>>20)
	}
	f := s.AddFile(name, as, data)
	return s.ShowFile(f.ID, as), nil
}

// ownFile finds a file that this person uploaded.
func (s *Acts) ownFile(as, id string) (*workspace.StoredFile, error) {
	if _, err := s.actor(as); err != nil {
		return nil, err
	}
	f := s.Memory.Files[id]
	if f == nil || f.User != as && !s.unchecked || f.Deleted {
		return nil, Refuse(404, "file_not_found", "There is no such file of yours.")
	}
	return f, nil
}

// Discard deletes a person's own file.
func (s *Acts) Discard(as, id string) error {
	s.Lock()
	defer s.Unlock()
	f, err := s.ownFile(as, id)
	if err != nil {
		return err
	}
	s.DeleteFile(f)
	return nil
}

// ExchangeFile replaces the bytes of a person's own file. Its id and shares stay, so an app
// that relied on the old bytes has to notice.
func (s *Acts) ExchangeFile(as, id string, data []byte) (workspace.File, error) {
	s.Lock()
	defer s.Unlock()
	f, err := s.ownFile(as, id)
	if err != nil {
		return workspace.File{}, err
	}
	f.Fill(data)
	s.AnnounceFile(f)
	return s.ShowFile(id, as), nil
}
