package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
)

// scores sends what people think of answers, where traces go.
type scores struct {
	url, public, secret string
	client              *http.Client
}

// scoreTime is how long a score may take: nobody waits for it.
const scoreTime = 10 * time.Second

// score is one thumb, or one decision of a reviewer, in Langfuse's terms: a boolean score is 1 or 0, and may come before
// its trace (js.reference.langfuse.com, CreateScoreRequest, and langfuse.com, "Scores via
// API/SDK", read in stored copies on 2026-11-27). Its id is computed, so that the same
// thumb is one score however often it is sent.
type score struct {
	ID       string `json:"id"`
	TraceID  string `json:"traceId"`
	Name     string `json:"name"`
	Value    int    `json:"value"`
	DataType string `json:"dataType"`
	Comment  string `json:"comment,omitempty"`
}

// send posts what somebody thinks of an answer.
func (s *scores) send(ctx context.Context, requestID, user string, good bool) error {
	return s.post(ctx, scored("helpful", "score "+requestID+" "+user, requestID, good))
}

// scored is a boolean score of a request's trace, known by a text of its own.
func scored(name, key, requestID string, good bool) score {
	trace, _ := derived(requestID)
	one := score{ID: approval.Hash([]byte(key))[:32], TraceID: trace.String(), Name: name, DataType: "BOOLEAN"}
	if good {
		one.Value = 1
	}
	return one
}

// post sends one score to Langfuse.
func (s *scores) post(ctx context.Context, one score) error {
	body, err := json.Marshal(one)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, scoreTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.SetBasicAuth(s.public, s.secret)
	answer, err := s.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("langfuse answers a score with %s", answer.Status)
	}
	return nil
}

// Rate keeps what somebody thinks of an answer, and sends it as a score where traces go.
// What Langfuse does not take is kept all the same.
func (s Service) Rate(ctx context.Context, id string, good bool, click approval.Click) error {
	if err := s.Steps.Rate(ctx, id, good, click); err != nil || s.t.scores == nil || !s.t.kept(id) {
		return err
	}
	s.t.scoring.Go(func() {
		if err := s.t.scores.send(context.WithoutCancel(ctx), id, click.User, good); err != nil {
			s.Log.Warn("a score was not sent", "request", id, "error", err)
		}
	})
	return nil
}

// decided sends a reviewer's decision as a score: 1 for an approval, 0 for a rejection and
// for a wish for changes. Who it was is in its id alone, hashed.
func (s Service) decided(ctx context.Context, ruling steps.Ruling) {
	if s.t.scores == nil || !s.t.kept(ruling.RequestID) {
		return
	}
	one := scored("approved", fmt.Sprintf("decision %s %d %s", ruling.RequestID, ruling.Revision, ruling.Click.User), ruling.RequestID, ruling.Verdict == approval.Approve)
	one.Comment = fmt.Sprintf("version %d: %s", ruling.Revision, ruling.Verdict)
	s.t.scoring.Go(func() {
		if err := s.t.scores.post(context.WithoutCancel(ctx), one); err != nil {
			s.Log.Warn("a score was not sent", "request", ruling.RequestID, "error", err)
		}
	})
}
