package slacksim

// upload takes a person's file. Nobody else sees it until it is shared.
func (s *Sim) upload(as, name string, data []byte) (File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.actor(as); err != nil {
		return File{}, err
	}
	if len(data) > maxFile {
		return File{}, refusal(413, "file_too_large", "The simulator takes files up to %d MB.", maxFile>>20)
	}
	f := s.addFile(name, as, data)
	return s.showFile(f.ID, as), nil
}

// ownFile finds a file that this person uploaded.
func (s *Sim) ownFile(as, id string) (*file, error) {
	if _, err := s.actor(as); err != nil {
		return nil, err
	}
	f := s.ws.files[id]
	if f == nil || f.User != as || f.Deleted {
		return nil, refusal(404, "file_not_found", "There is no such file of yours.")
	}
	return f, nil
}

// discard deletes a file of one's own.
func (s *Sim) discard(as, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.ownFile(as, id)
	if err != nil {
		return err
	}
	s.deleteFile(f)
	return nil
}

// exchangeFile gives a file of one's own other bytes. Its id and shares stay,
// so that whoever relied on the old bytes must notice.
func (s *Sim) exchangeFile(as, id string, data []byte) (File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.ownFile(as, id)
	if err != nil {
		return File{}, err
	}
	f.fill(data)
	s.announceFile(f)
	return s.showFile(id, as), nil
}
