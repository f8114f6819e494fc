package slacksim

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
)

var fileMethods = map[string]method{
	"files.getUploadURLExternal":   {'b', []string{"files:write"}, getUploadURL},
	"files.completeUploadExternal": {'b', []string{"files:write"}, completeUpload},
	"files.info":                   {'b', []string{"files:read"}, fileInfo},
	"files.list":                   {'b', []string{"files:read"}, listFiles},
	"files.delete":                 {'b', []string{"files:write"}, deleteFile},
}

// maxFile is the largest file that the simulator takes; Slack's limit is 1 GB.
const maxFile = 100 << 20

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
func getUploadURL(c *call) (reply, error) {
	s := c.s
	length, err := strconv.Atoi(c.text("length"))
	switch {
	case c.text("filename") == "":
		return nil, refuse("invalid_arguments", "[ERROR] missing required field: filename")
	case err != nil || length <= 0:
		return nil, refuse("invalid_arguments", "[ERROR] missing required field: length")
	case length > maxFile:
		return nil, refuse("file_upload_size_restricted")
	case chars(c.text("alt_txt")) > 1000:
		return nil, refuse("alt_txt_too_large")
	case c.text("snippet_type") != "" && length > 1<<20:
		return nil, refuse("snippet_too_large")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u := &upload{file: s.ws.nextID("F"), name: c.text("filename"), length: length, alt: c.text("alt_txt"), kind: c.text("snippet_type")}
	key := shortID(s.ws.nextTS(), 1) + shortID(u.file, 2) + shortID(u.name, 3)
	s.uploads[key] = u
	return reply{"upload_url": c.base + "/upload/v1/" + key, "file_id": u.file}, nil
}

// serveUpload takes the bytes: a multipart file, or the body as it is.
func (s *Sim) serveUpload(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	u := s.uploads[r.PathValue("id")]
	s.mu.Unlock()
	if u == nil {
		http.Error(w, "no such upload", http.StatusNotFound)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxFile+1<<20)
	data, err := uploaded(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if len(data) != u.length {
		http.Error(w, fmt.Sprintf("%d bytes came, %d were announced", len(data), u.length), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	u.data, u.done = data, true
	s.mu.Unlock()
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
func completeUpload(c *call) (reply, error) {
	s := c.s
	var wanted []struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	}
	if err := c.into("files", &wanted); err != nil || len(wanted) == 0 {
		return nil, refuse("invalid_arguments", "[ERROR] missing required field: files")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	targets, err := s.shareTargets(c)
	if err != nil {
		return nil, err
	}
	m, err := s.content(comment{c}, true)
	if err != nil {
		return nil, err
	}
	done := map[string]*upload{}
	for _, f := range wanted {
		u := s.uploadOf(f.ID)
		if u == nil || !u.done {
			return nil, refuse("file_not_found")
		}
		done[f.ID] = u
	}
	out := []reply{}
	for _, f := range wanted {
		s.finish(done[f.ID], f.Title)
		m.Files = append(m.Files, f.ID)
	}
	for _, t := range targets {
		next := *m
		next.ThreadTS = t.thread
		s.postAsBot(t.channel, &next)
	}
	for _, id := range m.Files {
		out = append(out, s.wireFile(id))
	}
	return reply{"files": out}, nil
}

// comment is a call whose text is called initial_comment.
type comment struct{ *call }

func (c comment) text(string) string   { return c.call.text("initial_comment") }
func (c comment) has(name string) bool { return name == "blocks" && c.call.has(name) }

// finish makes an upload a file of the bot's.
func (s *Sim) finish(u *upload, title string) {
	f := &file{ID: u.file, Name: u.name, Title: title, Alt: u.alt, Snippet: u.kind, User: s.bot.ID, Created: s.ws.lastTS / 1e6}
	if f.Title == "" {
		f.Title = f.Name
	}
	f.fill(u.data)
	s.ws.files[f.ID] = f
	for key, other := range s.uploads {
		if other == u {
			delete(s.uploads, key)
		}
	}
}

func (s *Sim) uploadOf(file string) *upload {
	for _, u := range s.uploads {
		if u.file == file {
			return u
		}
	}
	return nil
}

type shareTarget struct {
	channel *Channel
	thread  string
}

// shareTargets are the channels that completeUploadExternal names, if any.
func (s *Sim) shareTargets(c *call) ([]shareTarget, error) {
	names := strings.FieldsFunc(c.text("channels"), func(r rune) bool { return r == ',' || r == ' ' })
	if id := c.text("channel_id"); id != "" {
		names = append(names, id)
	}
	thread := c.text("thread_ts")
	if thread != "" && len(names) != 1 {
		return nil, refuse("invalid_arguments", "[ERROR] thread_ts needs exactly one channel")
	}
	var out []shareTarget
	for _, name := range names {
		to, err := s.target(name)
		if err != nil {
			return nil, err
		}
		ts, err := s.threadOf(to, thread)
		if err != nil {
			return nil, err
		}
		out = append(out, shareTarget{to, ts})
	}
	return out, nil
}

// fileInfo tells a deleted file from one that the app may not know of.
func fileInfo(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.fileFor(s.bot.ID, c.text("file"))
	switch {
	case f == nil:
		return nil, s.unseen()
	case f.Deleted:
		return s.deleted(f)
	}
	return reply{"file": s.wireFile(f.ID), "comments": []any{}, "response_metadata": reply{"next_cursor": ""}}, nil
}

// listFiles lists newest first, in pages.
func listFiles(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	channel := c.text("channel")
	if channel != "" {
		if _, err := s.visible(channel); err != nil {
			return nil, err
		}
	}
	var all []*file
	for _, f := range s.ws.files {
		if f.Deleted || f.Hidden && !c.flag("show_files_hidden_by_limit") || s.fileFor(s.bot.ID, f.ID) == nil {
			continue
		}
		if channel != "" && !f.sharedIn(channel) || c.has("user") && f.User != c.text("user") {
			continue
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b *file) int { return strings.Compare(b.ID, a.ID) })
	count, page := atoi(c.text("count"), 100), atoi(c.text("page"), 1)
	from := min((page-1)*count, len(all))
	out := []reply{}
	for _, f := range all[from:min(from+count, len(all))] {
		out = append(out, s.wireFile(f.ID))
	}
	return reply{"files": out, "paging": reply{"count": count, "total": len(all), "page": page, "pages": (len(all) + count - 1) / count}}, nil
}

// atoi reads a positive number; anything else means the usual one.
func atoi(s string, missing int) int {
	if n, err := strconv.Atoi(s); err == nil && n > 0 {
		return n
	}
	return missing
}

// deleteFile is for the app's own files.
func deleteFile(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.fileFor(s.bot.ID, c.text("file"))
	switch {
	case f == nil:
		return nil, refuse("file_not_found")
	case f.Deleted:
		return nil, refuse("file_deleted")
	case f.User != s.bot.ID:
		return nil, refuse("cant_delete_file")
	}
	s.deleteFile(f)
	return reply{}, nil
}

// serveFile is url_private: the bytes for the bot's token, and for everybody
// else what Slack sends them, a redirect to a page to sign in.
func (s *Sim) serveFile(w http.ResponseWriter, r *http.Request) {
	if err := s.methodFault("download", nil).before(r.Context(), s); err != nil {
		var refusal *apiError
		if !errors.As(err, &refusal) {
			panic(http.ErrAbortHandler)
		}
		status, code := refusal.write(w.Header(), reply{})
		http.Error(w, code, max(status, http.StatusInternalServerError))
		return
	}
	_, id, _ := strings.Cut(r.PathValue("id"), "-")
	s.mu.Lock()
	f := s.fileFor(s.bot.ID, id)
	allowed := r.Header.Get("Authorization") == "Bearer "+s.app.BotToken && s.app.may("files:read") && f != nil
	var data []byte
	var media string
	gone := f != nil && (f.Deleted || f.Hidden)
	if f != nil {
		data, media = f.data, f.Kind.Mimetype
	}
	s.mu.Unlock()
	switch {
	case !allowed:
		http.Redirect(w, r, "/sim/signin?redir="+url.QueryEscape(r.URL.Path), http.StatusFound)
	case gone:
		http.NotFound(w, r)
	default:
		w.Header().Set("Content-Type", media)
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		if _, err := w.Write(data); err != nil {
			s.log.Warn("download broken off", "file", id, "error", err)
		}
	}
}

// serveSignIn is where Slack sends those who may not have a file.
func serveSignIn(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, "<!DOCTYPE html><html><head><title>Sign in | Slack simulator</title></head><body>Sign in to see this file.</body></html>")
}
