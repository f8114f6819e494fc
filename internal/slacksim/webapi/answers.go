package webapi

import (
	"net/http"

	"countersign/internal/slacksim/workspace"
)

// Answers choose Slack's error where several are possible for something that the app may
// not have. Its documents name the codes and do not say which comes when: files.info
// of a deleted file is file_deleted, or its tombstone (rusq/slackdump#270), or
// file_not_found, which is "does not exist, or is not visible to the calling user"
// (docs.slack.dev, files.delete; read 2026-11-26).
type Answers struct {
	Deleted string // of a deleted file: "file_deleted" (the default), "tombstone", "file_not_found"
	Unseen  string // of a file that the app may not see: "file_not_found" (the default), "access_denied", "not_visible", "channel_not_found", "403"
}

// Answer chooses among them.
func (s *API) Answer(a Answers) {
	s.Lock()
	defer s.Unlock()
	s.answers = a
}

// deleted is what files.info says of a deleted file.
func (s *API) deleted(f *workspace.StoredFile) (workspace.Body, error) {
	switch s.answers.Deleted {
	case "":
		return nil, workspace.Refuse("file_deleted")
	case "tombstone":
		return workspace.Body{"file": s.WireFile(f.ID), "comments": []any{}, "response_metadata": workspace.Body{"next_cursor": ""}}, nil
	}
	return nil, workspace.Refuse(s.answers.Deleted)
}

// unseen is what it says of one that the app may not see.
func (s *API) unseen() error {
	switch s.answers.Unseen {
	case "":
		return workspace.Refuse("file_not_found")
	case "403":
		return &workspace.Error{Code: "access_denied", Status: http.StatusForbidden}
	}
	return workspace.Refuse(s.answers.Unseen)
}
