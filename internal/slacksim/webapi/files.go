package webapi

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/workspace"
)

var fileMethods = map[string]method{
	"files.getUploadURLExternal":   {'b', []string{"files:write"}, getUploadURL},
	"files.completeUploadExternal": {'b', []string{"files:write"}, completeUpload},
	"files.info":                   {'b', []string{"files:read"}, fileInfo},
	"files.list":                   {'b', []string{"files:read"}, listFiles},
	"files.delete":                 {'b', []string{"files:write"}, deleteFile},
}

// upload is a place for bytes, between getUploadURLExternal and completeUploadExternal.
type upload struct {
	file   string
	name   string
	length int
	alt    string
	kind   string
	data   []byte
	done   bool
}

// getUploadURL hands out a place on the API's own address: slack-go sends its token
// nowhere else.
func getUploadURL(c *call) (workspace.Body, error) {
	s := c.s
	length, err := strconv.Atoi(c.Text("length"))
	switch {
	case c.Text("filename") == "":
		return nil, workspace.Refuse("invalid_arguments", "[ERROR] missing required field: filename")
	case err != nil || length <= 0:
		return nil, workspace.Refuse("invalid_arguments", "[ERROR] missing required field: length")
	case length > workspace.MaxFile:
		return nil, workspace.Refuse("file_upload_size_restricted")
	case blockkit.Chars(c.Text("alt_txt")) > 1000:
		return nil, workspace.Refuse("alt_txt_too_large")
	case c.Text("snippet_type") != "" && length > 1<<20:
		return nil, workspace.Refuse("snippet_too_large")
	}
	u := &upload{file: s.Memory.NextID("F"), name: c.Text("filename"), length: length, alt: c.Text("alt_txt"), kind: c.Text("snippet_type")}
	key := blockkit.ShortID(s.Memory.NextTS(), 1) + blockkit.ShortID(u.file, 2) + blockkit.ShortID(u.name, 3)
	s.uploads[key] = u
	return workspace.Body{"upload_url": c.base + "/upload/v1/" + key, "file_id": u.file}, nil
}

// ServeUpload takes the bytes: a multipart file, or the body as it is.
func (s *API) ServeUpload(w http.ResponseWriter, r *http.Request) {
	s.Lock()
	u := s.uploads[r.PathValue("id")]
	s.Unlock()
	if u == nil {
		http.Error(w, "no such upload", http.StatusNotFound)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, workspace.MaxFile+1<<20)
	data, err := uploaded(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if len(data) != u.length {
		http.Error(w, fmt.Sprintf("%d bytes came, %d were announced", len(data), u.length), http.StatusBadRequest)
		return
	}
	s.Lock()
	u.data, u.done = data, true
	s.Unlock()
	fmt.Fprintf(w, "OK - %d", len(data))
}

func uploaded(r *http.Request) ([]byte, error) {
	media, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if media != "multipart/form-data" {
		return io.ReadAll(r.Body)
	}
	parts := multipart.NewReader(r.Body, params["boundary"])
	for {
		part, err := parts.NextPart()
		if err != nil {
			return nil, errors.New("the form has no file")
		}
		if part.FileName() != "" {
			return io.ReadAll(part)
		}
	}
}

// completeUpload makes uploads files and posts them. Nothing is shared unless all is
// well: every file has come, every channel may be written to.
func completeUpload(c *call) (workspace.Body, error) {
	s := c.s
	var wanted []struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	}
	if err := c.Into("files", &wanted); err != nil || len(wanted) == 0 {
		return nil, workspace.Refuse("invalid_arguments", "[ERROR] missing required field: files")
	}
	targets, err := s.shareTargets(c)
	if err != nil {
		return nil, err
	}
	m, err := s.Content(comment{c}, true)
	if err != nil {
		return nil, err
	}
	done := map[string]*upload{}
	for _, f := range wanted {
		u := s.uploadOf(f.ID)
		if u == nil || !u.done {
			return nil, workspace.Refuse("file_not_found")
		}
		done[f.ID] = u
	}
	out := []workspace.Body{}
	for _, f := range wanted {
		s.finish(done[f.ID], f.Title)
		m.Files = append(m.Files, f.ID)
	}
	for _, t := range targets {
		next := *m
		next.ThreadTS = t.thread
		s.PostAsBot(t.channel, &next)
	}
	for _, id := range m.Files {
		out = append(out, s.WireFile(id))
	}
	return workspace.Body{"files": out}, nil
}

// comment is a call whose text is called initial_comment.
type comment struct{ *call }

func (c comment) Text(string) string { return c.call.Text("initial_comment") }

func (c comment) Has(name string) bool { return name == "blocks" && c.call.Has(name) }

// finish makes an upload a file of the bot's.
func (s *API) finish(u *upload, title string) {
	f := &workspace.StoredFile{ID: u.file, Name: u.name, Title: title, Alt: u.alt, Snippet: u.kind, User: s.Bot.ID, Created: s.Memory.LastTS / 1e6}
	if f.Title == "" {
		f.Title = f.Name
	}
	f.Fill(u.data)
	s.Memory.Files[f.ID] = f
	for key, other := range s.uploads {
		if other == u {
			delete(s.uploads, key)
		}
	}
}

func (s *API) uploadOf(file string) *upload {
	for _, u := range s.uploads {
		if u.file == file {
			return u
		}
	}
	return nil
}

type shareTarget struct {
	channel *workspace.Channel
	thread  string
}

// shareTargets are the channels that completeUploadExternal names, if any.
func (s *API) shareTargets(c *call) ([]shareTarget, error) {
	names := strings.FieldsFunc(c.Text("channels"), func(r rune) bool { return r == ',' || r == ' ' })
	if id := c.Text("channel_id"); id != "" {
		names = append(names, id)
	}
	thread := c.Text("thread_ts")
	if thread != "" && len(names) != 1 {
		return nil, workspace.Refuse("invalid_arguments", "[ERROR] thread_ts needs exactly one channel")
	}
	var out []shareTarget
	for _, name := range names {
		to, err := s.Target(name)
		if err != nil {
			return nil, err
		}
		if to.Restricts(thread != "") != nil {
			return nil, workspace.Refuse("posting_to_channel_denied")
		}
		ts, err := s.ThreadOf(to, thread)
		if err != nil {
			return nil, err
		}
		out = append(out, shareTarget{to, ts})
	}
	return out, nil
}

// fileInfo tells a deleted file from one that the app may not know of.
func fileInfo(c *call) (workspace.Body, error) {
	s := c.s
	f := s.FileFor(s.Bot.ID, c.Text("file"))
	switch {
	case f == nil:
		return nil, s.unseen()
	case f.Deleted:
		return s.deleted(f)
	}
	return workspace.Body{"file": s.WireFile(f.ID), "comments": []any{}, "response_metadata": workspace.Body{"next_cursor": ""}}, nil
}

// listFiles lists newest first, in pages.
func listFiles(c *call) (workspace.Body, error) {
	s := c.s
	channel := c.Text("channel")
	if channel != "" {
		if _, err := s.Visible(channel); err != nil {
			return nil, err
		}
	}
	var all []*workspace.StoredFile
	for _, f := range s.Memory.Files {
		if f.Deleted || f.Hidden && !c.flag("show_files_hidden_by_limit") || s.FileFor(s.Bot.ID, f.ID) == nil {
			continue
		}
		if channel != "" && !f.SharedIn(channel) || c.Has("user") && f.User != c.Text("user") {
			continue
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b *workspace.StoredFile) int { return strings.Compare(b.ID, a.ID) })
	count, page := atoi(c.Text("count"), 100), atoi(c.Text("page"), 1)
	from := min((page-1)*count, len(all))
	out := []workspace.Body{}
	for _, f := range all[from:min(from+count, len(all))] {
		out = append(out, s.WireFile(f.ID))
	}
	return workspace.Body{"files": out, "paging": workspace.Body{"count": count, "total": len(all), "page": page, "pages": (len(all) + count - 1) / count}}, nil
}

// atoi reads a positive number; anything else means the usual one.
func atoi(s string, missing int) int {
	if n, err := strconv.Atoi(s); err == nil && n > 0 {
		return n
	}
	return missing
}

// deleteFile is for the app's own files.
func deleteFile(c *call) (workspace.Body, error) {
	s := c.s
	f := s.FileFor(s.Bot.ID, c.Text("file"))
	switch {
	case f == nil:
		return nil, workspace.Refuse("file_not_found")
	case f.Deleted:
		return nil, workspace.Refuse("file_deleted")
	case f.User != s.Bot.ID:
		return nil, workspace.Refuse("cant_delete_file")
	}
	s.DeleteFile(f)
	return workspace.Body{}, nil
}

// ServeFile serves url_private: the bytes for the bot's token, and for everybody else a
// redirect to a sign-in page, as Slack does.
func (s *API) ServeFile(w http.ResponseWriter, r *http.Request) {
	if err := s.Next("download", nil).Before(r.Context(), s.Workspace); err != nil {
		refusal, ok := errors.AsType[*workspace.Error](err)
		if !ok {
			panic(http.ErrAbortHandler)
		}
		status, code := refusal.Write(w.Header(), workspace.Body{})
		http.Error(w, code, max(status, http.StatusInternalServerError))
		return
	}
	_, id, _ := strings.Cut(r.PathValue("id"), "-")
	s.Lock()
	f := s.FileFor(s.Bot.ID, id)
	allowed := r.Header.Get("Authorization") == "Bearer "+s.App.BotToken && s.App.May("files:read") && f != nil
	var data []byte
	var media string
	gone := f != nil && (f.Deleted || f.Hidden)
	if f != nil {
		data, media = f.Data, f.Kind.Mimetype
	}
	s.Unlock()
	switch {
	case !allowed:
		http.Redirect(w, r, "/sim/signin?redir="+url.QueryEscape(r.URL.Path), http.StatusFound)
	case gone:
		http.NotFound(w, r)
	default:
		w.Header().Set("Content-Type", media)
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		if _, err := w.Write(data); err != nil {
			s.Log.Warn("download broken off", "file", id, "error", err)
		}
	}
}
