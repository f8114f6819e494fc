package workspace

import (
	"bytes"
	"fmt"
	"image"
	_ "image/gif" // for the measures of pictures
	_ "image/jpeg"
	_ "image/png"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxFile is the largest file that the simulator takes; Slack's limit is 1 GB.
const MaxFile = 100 << 20

// File is a file as the JSON API and Person hand it out.
type File struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Title     string `json:"title"`
	Mimetype  string `json:"mimetype"`
	Filetype  string `json:"filetype"`
	Size      int    `json:"size"`
	AltTxt    string `json:"alt_txt"`
	User      string `json:"user"`
	IsImage   bool   `json:"is_image"`
	Width     int    `json:"width,omitempty"`
	Height    int    `json:"height,omitempty"`
	URL       string `json:"url"`
	Preview   string `json:"preview"`
	Truncated bool   `json:"preview_truncated"`
	Deleted   bool   `json:"deleted"`
}

// StoredFile is a file as Slack stores it. The bytes are beside it in the folder.
type StoredFile struct {
	ID      string  `json:"id"`
	Name    string  `json:"name"`
	Title   string  `json:"title"`
	Alt     string  `json:"alt"`
	Snippet string  `json:"snippet,omitempty"`
	User    string  `json:"user"`
	Created int64   `json:"created"`
	Deleted bool    `json:"deleted,omitempty"`
	Hidden  bool    `json:"hidden,omitempty"`  // by the limit of the free plan
	Foreign bool    `json:"foreign,omitempty"` // of Slack Connect: messages say nothing but its id
	Linked  bool    `json:"linked,omitempty"`  // it lies somewhere else, and Slack has its address alone
	Shares  []share `json:"shares,omitempty"`
	WithApp bool    `json:"with_app,omitempty"` // given to the app in a modal
	Kind    kind    `json:"kind"`
	Size    int     `json:"size"`
	Width   int     `json:"width,omitempty"`
	Height  int     `json:"height,omitempty"`
	Data    []byte
	stored  bool // the folder has the bytes
}

// share is one message that shows the file.
type share struct {
	Channel, TS, Thread string
}

// kind is what Slack calls a file by its name's ending.
type kind struct {
	Mimetype, Filetype, Pretty string
}

var kinds = map[string]kind{
	".csv":     {"text/csv", "csv", "CSV"},
	".tsv":     {"text/tab-separated-values", "tsv", "TSV"},
	".txt":     {"text/plain", "text", "Plain Text"},
	".md":      {"text/markdown", "markdown", "Markdown"},
	".py":      {"text/x-python", "python", "Python"},
	".sql":     {"text/x-sql", "sql", "SQL"},
	".json":    {"application/json", "json", "JSON"},
	".yaml":    {"text/x-yaml", "yaml", "YAML"},
	".html":    {"text/html", "html", "HTML"},
	".xlsx":    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", "Excel Spreadsheet"},
	".xls":     {"application/vnd.ms-excel", "xls", "Excel Spreadsheet"},
	".pdf":     {"application/pdf", "pdf", "PDF"},
	".zip":     {"application/zip", "zip", "Zip"},
	".png":     {"image/png", "png", "PNG"},
	".jpg":     {"image/jpeg", "jpg", "JPEG"},
	".jpeg":    {"image/jpeg", "jpg", "JPEG"},
	".gif":     {"image/gif", "gif", "GIF"},
	".svg":     {"image/svg+xml", "svg", "SVG"},
	".parquet": {"application/octet-stream", "binary", "Binary"},
}

// kindOf goes by the name, as Slack does: a picture called sales.csv is a CSV.
func kindOf(name string, data []byte) kind {
	if k, ok := kinds[strings.ToLower(path.Ext(name))]; ok {
		return k
	}
	if utf8.Valid(data) && !bytes.ContainsRune(data, 0) {
		return kinds[".txt"]
	}
	return kind{"application/octet-stream", "binary", "Binary"}
}

// Fill gives the file its bytes and what follows from them.
func (f *StoredFile) Fill(data []byte) {
	f.stored = false
	f.Data, f.Size, f.Kind = data, len(data), kindOf(f.Name, data)
	f.Width, f.Height = 0, 0
	if size, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil {
		f.Width, f.Height = size.Width, size.Height
	}
}

// IsPicture is true when the bytes really are a picture that Slack can show.
func (f *StoredFile) IsPicture() bool { return f.Width > 0 }

// isText is false for bytes that are not UTF-8: JSON could not carry them unchanged.
func (f *StoredFile) isText() bool {
	return (strings.HasPrefix(f.Kind.Mimetype, "text/") || f.Kind.Filetype == "json") && utf8.Valid(f.Data)
}

// previewLines and previewBytes are how much of a text Slack shows at once.
const (
	previewLines = 12
	previewBytes = 2_000
)

// preview is the beginning of a text, and how many lines were left out.
func (f *StoredFile) preview() (shown string, more int) {
	if !f.isText() {
		return "", 0
	}
	lines := strings.SplitAfter(string(f.Data), "\n")
	kept := 0
	for _, l := range lines {
		if kept == previewLines || len(shown)+len(l) > previewBytes {
			break
		}
		shown, kept = shown+l, kept+1
	}
	return strings.TrimRight(shown, "\n"), len(lines) - kept
}

// SharedIn says whether a message in the channel shows the file.
func (f *StoredFile) SharedIn(channel string) bool {
	return slices.ContainsFunc(f.Shares, func(s share) bool { return s.Channel == channel })
}

// FileFor finds a file that this user may see: an own one, or one that was
// shared where they are. Slack does not tell the others that it exists.
func (s *Workspace) FileFor(user, id string) *StoredFile {
	f := s.Memory.Files[id]
	if f == nil || f.User == user || user == s.Bot.ID && f.WithApp {
		return f
	}
	for _, sh := range f.Shares {
		if c := s.Memory.Channel(sh.Channel); c != nil && c.Has(user) {
			return f
		}
	}
	return nil
}

// PictureOf says whether an image block may show this file.
func (s *Workspace) PictureOf(id string) bool {
	f := s.FileFor(s.Bot.ID, id)
	return f != nil && !f.Deleted && f.IsPicture()
}

// AddFile stores a file that nobody else sees yet.
func (s *Workspace) AddFile(name, user string, data []byte) *StoredFile {
	f := &StoredFile{ID: s.Memory.NextID("F"), Name: name, Title: name, User: user, Created: time.Now().Unix()}
	f.Fill(data)
	s.Memory.Files[f.ID] = f
	s.changedLocked()
	return f
}

// shareLocked notes that a message shows these files.
func (s *Workspace) shareLocked(m *StoredMessage) {
	for _, id := range m.Files {
		if f := s.Memory.Files[id]; f != nil {
			f.Shares = append(f.Shares, share{Channel: m.Channel, TS: m.TS, Thread: m.ThreadTS})
		}
	}
}

// DeleteFile takes a file away from everybody; messages keep its tombstone.
func (s *Workspace) DeleteFile(f *StoredFile) {
	f.Deleted, f.Data = true, nil
	s.AnnounceFile(f)
}

// ShowFile draws a file for the page; of a deleted one only the tombstone.
func (s *Workspace) ShowFile(id, viewer string) File {
	f := s.Memory.Files[id]
	if f == nil || f.Deleted {
		return File{ID: id, Deleted: true}
	}
	shown, more := f.preview()
	return File{
		ID: f.ID, Name: f.Name, Title: f.Title, Mimetype: f.Kind.Mimetype, Filetype: f.Kind.Filetype, Size: f.Size,
		AltTxt: f.Alt, User: f.User, IsImage: f.IsPicture(), Width: f.Width, Height: f.Height,
		URL: "/sim/files/" + f.ID + "?as=" + url.QueryEscape(viewer), Preview: shown, Truncated: more > 0,
	}
}

// WireFile writes a file as the Web API and events do.
func (s *Workspace) WireFile(id string) Body {
	f := s.Memory.Files[id]
	if f == nil || f.Deleted {
		return Body{"id": id, "mode": "tombstone"}
	}
	if f.Hidden {
		return Body{"id": id, "mode": "hidden_by_limit"}
	}
	address := fmt.Sprintf("%s/files-pri/%s-%s/", s.Base, s.Memory.Team.ID, f.ID)
	name := url.PathEscape(f.Name)
	mode := "hosted"
	switch {
	case f.Snippet != "":
		mode = "snippet"
	case f.Linked:
		mode = "external"
	}
	out := Body{
		"id": f.ID, "created": f.Created, "timestamp": f.Created, "name": f.Name, "title": f.Title,
		"mimetype": f.Kind.Mimetype, "filetype": f.Kind.Filetype, "pretty_type": f.Kind.Pretty,
		"user": f.User, "user_team": s.Memory.Team.ID, "editable": mode == "snippet", "size": f.Size, "mode": mode,
		"is_external": false, "external_type": "", "is_public": false, "public_url_shared": false, "display_as_bot": false,
		"file_access": "visible", "url_private": address + name, "url_private_download": address + "download/" + name,
		"permalink": s.Base + "/files/" + f.User + "/" + f.ID + "/" + name, "has_rich_preview": false,
	}
	if f.Linked {
		out["is_external"], out["external_type"], out["url_private"], out["size"] = true, "gdrive", "https://drive.example/"+f.ID, 0
		delete(out, "url_private_download")
	}
	if f.Alt != "" {
		out["alt_txt"] = f.Alt
	}
	if f.IsPicture() {
		out["original_w"], out["original_h"] = f.Width, f.Height
	}
	if shown, more := f.preview(); f.isText() {
		out["preview"], out["lines_more"], out["preview_is_truncated"] = shown, more, more > 0
		out["lines"] = strings.Count(shown, "\n") + 1 + more
	}
	s.wireShares(f, out)
	return out
}

// wireIn writes a file as messages do. One of Slack Connect has to be asked about by itself
// (docs.slack.dev/apis/slack-connect/using-slack-connect: check_file_info).
func (s *Workspace) wireIn(id string) Body {
	if f := s.Memory.Files[id]; f != nil && f.Foreign && !f.Deleted {
		return Body{"id": id, "mode": "file_access", "file_access": "check_file_info", "created": 0, "timestamp": 0, "user": ""}
	}
	return s.WireFile(id)
}

// wireShares says where the file is shown. It is the only way for an app to learn the
// ts of a message that completeUploadExternal posted.
func (s *Workspace) wireShares(f *StoredFile, out Body) {
	public, private := map[string][]Body{}, map[string][]Body{}
	lists := map[string][]string{"channels": {}, "groups": {}, "ims": {}}
	for _, sh := range f.Shares {
		c := s.Memory.Channel(sh.Channel)
		if c == nil {
			continue
		}
		entry := Body{"ts": sh.TS, "channel_name": c.Name, "team_id": s.Memory.Team.ID, "share_user_id": f.User, "reply_count": 0}
		if sh.Thread != "" {
			entry["thread_ts"] = sh.Thread
		}
		where, side := "channels", public
		switch {
		case c.Kind == "im":
			where, side = "ims", private
		case c.IsPrivate:
			where, side = "groups", private
		}
		side[c.ID] = append(side[c.ID], entry)
		if !slices.Contains(lists[where], c.ID) {
			lists[where] = append(lists[where], c.ID)
		}
	}
	out["channels"], out["groups"], out["ims"] = lists["channels"], lists["groups"], lists["ims"]
	out["shares"] = Body{"public": public, "private": private}
	out["is_public"] = len(public) > 0
}
