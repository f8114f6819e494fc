package pack

import (
	"encoding/base64"
	"html/template"
	"strings"

	"countersign/approval/redact"
)

// Attached is a file that came with an answer.
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

// mostPictures bounds the pictures of a page, together: the page is a part of what a verifier reads, and a browser has
// to hold it. The others are in values.jsonl.
const mostPictures = 200 << 20

// picture is a file as the page shows it, out of itself and nothing else; empty where there is no room for it any more.
func (p *page) picture(a Attached) template.URL {
	size := base64.StdEncoding.EncodedLen(len(a.Data))
	if a.kind() == "" || p.pictures+size > mostPictures {
		return ""
	}
	p.pictures += size
	return template.URL("data:" + a.kind() + ";base64," + base64.StdEncoding.EncodeToString(a.Data)) // base64 holds no sign that ends an attribute
}
