package mistraltest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Fault is a way in which a call goes wrong.
type Fault string

// The faults. Those up to Garbage are the server's, the others the model's.
const (
	Unauthorized  Fault = "401"
	Forbidden     Fault = "403"
	NotFound      Fault = "404"
	Invalid       Fault = "422"
	RateLimited   Fault = "429"
	ServerError   Fault = "500"
	Unavailable   Fault = "503"
	Silence       Fault = "silence"        // no answer until the caller gives up
	HangUp        Fault = "hang up"        // the connection is closed without a word
	CutBody       Fault = "cut body"       // half of what was announced
	HalfJSON      Fault = "half JSON"      // a whole body that ends in the middle
	ErrorAsOK     Fault = "error as 200"   // status 200 with the body of an error
	NoChoices     Fault = "no choices"     // a success without any choice
	Garbage       Fault = "garbage"        // a web page
	Chunks        Fault = "chunks"         // the content is a list, as of models that reason aloud
	Length        Fault = "length"         // cut off in the middle of the program
	TwoBlocks     Fault = "two blocks"     // two programs
	Prose         Fault = "prose"          // words and no program
	BadUnicode    Fault = "bad unicode"    // half of a surrogate pair
	SyntaxError   Fault = "syntax error"   // a program that Python cannot parse
	EmptyAnswer   Fault = "empty answer"   // nothing at all
	UnclosedBlock Fault = "unclosed block" // a program without an end
)

var statuses = map[Fault]struct {
	code int
	why  string
}{
	Unauthorized: {401, "Unauthorized"},
	Forbidden:    {403, "Forbidden"},
	NotFound:     {404, "Not found"},
	Invalid:      {422, "Extra inputs are not permitted"},
	RateLimited:  {429, "Requests rate limit exceeded"},
	ServerError:  {500, "Internal server error"},
	Unavailable:  {503, "Service unavailable"},
}

// texts are what a model says that does not do as it was told.
var texts = map[Fault]string{
	Length:        "The program adds up the sales.\n\n```python\nimport pandas as pd\n\ndf = pd.read_csv(\"sal",
	TwoBlocks:     "First:\n\n```python\n1 + 1\n```\n\nOr else:\n\n```python\n2 + 2\n```\n",
	Prose:         "This question cannot be answered from the files: none of them has a column with costs.",
	SyntaxError:   "The program adds up.\n\n```python\nfor x in range(3)\n    print(x)\n```\n",
	UnclosedBlock: "The program adds up.\n\n```python\n1 + 1\n",
}

func (s *Server) write(w http.ResponseWriter, r *http.Request, req Request, reply Reply) {
	if status, ok := statuses[reply.Fault]; ok {
		problem(w, status.code, status.why)
		return
	}
	if text, ok := texts[reply.Fault]; ok {
		reply.Content = text
		if reply.Fault == Length {
			reply.Finish = "length"
		}
	}
	body, _ := json.Marshal(success(req, reply)) // strings and numbers only
	w.Header().Set("Content-Type", "application/json")
	switch reply.Fault {
	case Silence:
		select {
		case <-r.Context().Done():
		case <-s.stop:
		}
		panic(http.ErrAbortHandler)
	case HangUp:
		panic(http.ErrAbortHandler)
	case CutBody:
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	case HalfJSON:
		body = body[:len(body)/2]
	case ErrorAsOK:
		problem(w, http.StatusOK, "Service tier capacity exceeded for this model")
		return
	case NoChoices:
		body = []byte(`{"id":"x","object":"chat.completion","model":"` + req.Model + `","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":0,"total_tokens":10}}`)
	case Garbage:
		w.Header().Set("Content-Type", "text/html")
		body = []byte("<!DOCTYPE html><html><body>Welcome to the hotel's network</body></html>")
	case Chunks:
		body = []byte(strings.Replace(string(body), `"content":""`, `"content":[{"type":"thinking","thinking":[]},{"type":"text","text":"hm"}]`, 1))
	case BadUnicode:
		body = []byte(strings.Replace(string(body), `"content":""`, "\"content\":\"```python\\nprint('\\ud800')\\n```\"", 1))
	}
	_, _ = w.Write(body)
}
