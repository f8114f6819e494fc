package pack

import (
	"encoding/base64"
	"html/template"
	"strings"

	"countersign/approval/redact"
)

// Attached is a file that came with an answer. An event names it by its hash; the bytes are another file of the pack.
// Of one that is shown both Data and Kept are set; of one that was held back Kept alone; of one that was
// forgotten, or is too long for a pack, neither.
type Attached struct {
	Name string
	Data []byte // nil: it is not in this pack
	Kept bool   // though it is kept: no rule can look into it
}

// attached are the files that an event names.
func attached(e event, words teller) (files []Attached) {
	list, _ := e.Data["files"].([]any)
	for _, one := range list {
		file, _ := one.(map[string]any)
		content, _ := file["content"].(map[string]any)
		hash, _ := content[salted].(string)
		// A value that is masked is in the map without its bytes: that tells "kept, and not shown" from "not here at all".
		data, kept := words[hash]
		files = append(files, Attached{words.word(file["name"]), data, kept})
	}
	return files
}

// kind is what a browser calls a picture; empty: it is none that the page shows. It goes by how the file begins: its
// name is the program's word.
func (a Attached) kind() string {
	if !redact.Picture(a.Data) {
		return ""
	}
	for _, one := range []struct{ sign, kind string }{{"\x89PNG", "image/png"}, {"\xff\xd8\xff", "image/jpeg"}, {"GIF8", "image/gif"}} {
		if strings.HasPrefix(string(a.Data[:min(8, len(a.Data))]), one.sign) {
			return one.kind
		}
	}
	// RIFF, four bytes of length, then WEBP.
	if len(a.Data) > 12 && string(a.Data[8:12]) == "WEBP" {
		return "image/webp"
	}
	return ""
}

// Pictured tells whether it is a picture.
func (a Attached) Pictured() bool { return a.kind() != "" }

// filesWords name the files that came with an answer and are no pictures: what is here stands in values.jsonl.
func filesWords(s *Story) string {
	var list []string
	for _, a := range s.Attached {
		switch {
		case a.Pictured():
		case a.Data == nil && a.Kept:
			list = append(list, a.Name+" ("+unlooked+"; its hash stays)")
		case a.Data == nil:
			list = append(list, a.Name+" (left out: it is longer than 100,000 bytes, or was forgotten; its hash stays)")
		default:
			list = append(list, a.Name+" (in values.jsonl)")
		}
	}
	return strings.Join(list, ", ")
}

// mostPictures bounds the pictures of a page, together (200 MiB): the page is a part of what a verifier reads, and a browser
// has to hold it. The others are in values.jsonl.
const mostPictures = 200 << 20

// picture is a file as the page shows it, out of itself and nothing else; empty where there is no room for it any more.
// It returns a URL of its own type because html/template would otherwise write "#ZgotmplZ" in place of a data:
// URL.
func (p *page) picture(a Attached) template.URL {
	size := base64.StdEncoding.EncodedLen(len(a.Data))
	if a.kind() == "" || p.pictures+size > mostPictures {
		return ""
	}
	// Counted before it is written, and as the page will have it (base64), which is a third more than the file.
	p.pictures += size
	return template.URL("data:" + a.kind() + ";base64," + base64.StdEncoding.EncodeToString(a.Data)) // base64 holds no sign that ends an attribute
}
