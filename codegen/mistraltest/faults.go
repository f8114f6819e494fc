package mistraltest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Fault is a way in which a call goes wrong. Each stands for something that happens at a provider or
// in between: a full queue, a proxy's page, a hotel's network, a connection that goes away.
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
	BadGateway    Fault = "502"            // a page of whatever stands in front
	GatewayTime   Fault = "504"            // likewise
	Gone          Fault = "gone"           // 400: there is no such model any more
	Redirect      Fault = "redirect"       // 307 to another path, where no key belongs
	Stall         Fault = "stall"          // half of the body, and then nothing until the caller gives up
	Huge          Fault = "huge"           // a body without an end
	Silence       Fault = "silence"        // no answer until the caller gives up
	HangUp        Fault = "hang up"        // the connection is closed without a word
	CutBody       Fault = "cut body"       // half of what was announced
	HalfJSON      Fault = "half JSON"      // a whole body that ends in the middle
	ErrorAsOK     Fault = "error as 200"   // status 200 with the body of an error
	NoChoices     Fault = "no choices"     // a success without any choice
	Garbage       Fault = "garbage"        // a web page
	Chunks        Fault = "chunks"         // the content is a list of texts
	Thinking      Fault = "thinking"       // and of what the model thought aloud before
	NoText        Fault = "no text"        // it thought, and said nothing
	OddContent    Fault = "odd content"    // neither a text nor a list
	Length        Fault = "length"         // cut off in the middle of the program
	TwoBlocks     Fault = "two blocks"     // two programs
	Prose         Fault = "prose"          // words and no program
	BadUnicode    Fault = "bad unicode"    // half of a surrogate pair
	SyntaxError   Fault = "syntax error"   // a program that Python cannot parse
	EmptyAnswer   Fault = "empty answer"   // nothing at all
	UnclosedBlock Fault = "unclosed block" // a program without an end
)

// statuses are the faults that are no more than a status and the API's error.
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

// texts are what a model says that does not do as it was told. Length ends inside of a string, TwoBlocks leaves open which
// of the two is meant.
var texts = map[Fault]string{
	Length:        "The program adds up the sales.\n\n```python\nimport pandas as pd\n\ndf = pd.read_csv(\"sal",
	TwoBlocks:     "First:\n\n```python\n1 + 1\n```\n\nOr else:\n\n```python\n2 + 2\n```\n",
	Prose:         "This question cannot be answered from the files: none of them has a column with costs.",
	SyntaxError:   "The program adds up.\n\n```python\nfor x in range(3)\n    print(x)\n```\n",
	UnclosedBlock: "The program adds up.\n\n```python\n1 + 1\n",
}

// chunked is a good answer whose content is no text: the program in two pieces, as
// Mistral's models answer that think aloud or refer to something.
func chunked(req Request, reply Reply) []byte {
	text := reply.Content
	if text == "" {
		text = Program
	}
	half := len(text) / 2
	// With a program in it, so that whoever takes a thought for an answer is found out.
	thought := map[string]any{"type": "thinking", "closed": true, "thinking": []any{map[string]any{"type": "text", "text": "Let me see. ```python\nimport os\n``` would be wrong."}}}
	chunks := []any{map[string]any{"type": "text", "text": text[:half]}, map[string]any{"type": "reference", "reference_ids": []int{1}}, map[string]any{"type": "text", "text": text[half:]}}
	var content any = chunks
	switch reply.Fault {
	case Thinking:
		content = append([]any{thought}, chunks...)
	case NoText:
		content = []any{thought}
	case OddContent:
		content = map[string]any{"text": text}
	}
	// Without the fault success makes the answer, whose usage is counted over the whole text.
	reply.Content, reply.Fault = text, ""
	answer := success(req, reply)
	answer["choices"].([]any)[0].(map[string]any)["message"].(map[string]any)["content"] = content
	body, _ := json.Marshal(answer) // strings and numbers only
	return body
}

// write answers as the reply says. Faults that end a connection panic with ErrAbortHandler, which is
// how a handler of net/http closes it without a word.
func (s *Server) write(w http.ResponseWriter, r *http.Request, req Request, reply Reply) {
	if reply.RetryAfter != "" {
		w.Header().Set("Retry-After", reply.RetryAfter)
	}
	if status, ok := statuses[reply.Fault]; ok {
		problem(w, status.code, status.why)
		return
	}
	switch reply.Fault {
	case BadGateway, GatewayTime:
		w.Header().Set("Content-Type", "text/html")
		code, _ := strconv.Atoi(string(reply.Fault)) // it is one
		w.WriteHeader(code)
		_, _ = io.WriteString(w, "<html><head><title>Gateway</title></head><body>nginx</body></html>")
		return
	case Gone:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]any{"object": "error", "message": "Invalid model: " + req.Model, "type": "invalid_model", "param": nil, "code": "1500", "raw_status_code": 400})
		return
	case Redirect:
		http.Redirect(w, r, s.URL+"/elsewhere", http.StatusTemporaryRedirect)
		return
	case Huge:
		w.Header().Set("Content-Type", "application/json")
		_, err := io.WriteString(w, `{"choices":[{"message":{"content":"`)
		for page := strings.Repeat("and on ", 10_000); err == nil; {
			_, err = io.WriteString(w, page)
		}
		panic(http.ErrAbortHandler)
	}
	// These are good answers by their form. What is wrong is what the model says.
	if text, ok := texts[reply.Fault]; ok {
		reply.Content = text
		if reply.Fault == Length {
			reply.Finish = "length"
		}
	}
	// From here on it is the body, or how it comes, that is spoiled.
	body, _ := json.Marshal(success(req, reply)) // strings and numbers only
	w.Header().Set("Content-Type", "application/json")
	switch reply.Fault {
	// Nothing is timed: it lasts for as long as the caller waits, or the server runs.
	case Silence:
		select {
		case <-r.Context().Done():
		case <-s.stop:
		}
		panic(http.ErrAbortHandler)
	case HangUp:
		panic(http.ErrAbortHandler)
	// More is announced than comes, and the connection ends: the reader's error is its own, not JSON's.
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
	case Stall:
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush() // the half has to leave
		select {
		case <-r.Context().Done():
		case <-s.stop:
		}
		panic(http.ErrAbortHandler)
	case Chunks, Thinking, NoText, OddContent:
		body = chunked(req, reply)
	// JSON can spell half of a pair; no text that is valid UTF-8 can hold it.
	case BadUnicode:
		body = []byte(strings.Replace(string(body), `"content":""`, "\"content\":\"```python\\nprint('\\ud800')\\n```\"", 1))
	}
	_, _ = w.Write(body)
}
