package webapi

import (
	"errors"
	"io"
	"net/http"
	"time"

	"countersign/internal/slacksim/workspace"
)

// ServeResponseURL answers "ok" in plain text, or JSON with the error and a 4xx, which
// is how clients tell the two apart.
func (s *API) ServeResponseURL(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = s.Next("response_url", nil).Before(r.Context(), s.Workspace)
	}
	if err == nil {
		err = s.RespondTo(r.PathValue("id"), data)
	}
	var refusal *workspace.Error
	code := ""
	switch {
	case errors.As(err, &refusal):
		out := workspace.Body{"ok": false}
		var status int
		if status, code = refusal.Write(w.Header(), out); status == http.StatusOK {
			status = http.StatusBadRequest
		}
		err = workspace.WriteJSON(w, status, out)
	case err != nil:
		panic(http.ErrAbortHandler)
	default:
		_, err = io.WriteString(w, "ok")
	}
	s.Entries.Add(workspace.Entry{Direction: "api", Name: "response_url", OK: code == "", Error: code, Millis: workspace.Since(began), Detail: workspace.Cut(string(data))})
	if err != nil {
		s.Log.Warn("answer not sent", "method", "response_url", "error", err)
	}
}
