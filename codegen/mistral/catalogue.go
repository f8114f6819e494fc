package mistral

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/codegen/door"
)

// ModelCard is a model as GET /v1/models lists it, which costs nothing. The fields are those
// of a live answer of 2026-08-21 (56 models, deprecation an ISO time or null, each deprecated one with
// a deprecation_replacement_model) and of Mistral's openapi.yaml of that day (BaseModelCard).
type ModelCard struct {
	ID          string     `json:"id"`
	Aliases     []string   `json:"aliases"`
	Deprecation *time.Time `json:"deprecation"`                   // when it is retired
	Replacement string     `json:"deprecation_replacement_model"` // which model is meant to take its place
}

// ParseCatalogue reads the body of that answer.
func ParseCatalogue(body []byte) ([]ModelCard, error) {
	var list struct {
		Data []ModelCard `json:"data"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("read the list of models: %w", err)
	}
	return list.Data, nil
}

// retired are models that Mistral has ended. They are needed because Mistral's list stops
// naming them at some time. Source: the model cards' metadata (retirementDate, replacement) in
// mistralai/platform-docs-public@222f4ba of 2026-08-21; mistral-small-2506 by the
// project's own facts of 2026-11-22.
var retired = []struct{ model, on, replacement string }{
	{"devstral-2512", "2026-07-31", "mistral-medium-3-5"},
	{"magistral-medium-2509", "2026-07-31", "mistral-medium-3-5"},
	{"magistral-small-2509", "2026-07-31", "mistral-small-2603"},
	{"mistral-small-2506", "2026-07-31", "mistral-small-2603"},
	{"mistral-medium-2505", "2026-08-31", "mistral-medium-3-5"},
	{"mistral-medium-2508", "2026-08-31", "mistral-medium-3-5"},
}

// Ending is what is known of a model's end: from the list, or else from what is shipped.
func Ending(model string, list []ModelCard) (on time.Time, replacement string) {
	for _, m := range list {
		if m.ID == model && m.Deprecation != nil {
			return *m.Deprecation, m.Replacement
		}
	}
	for _, r := range retired {
		if r.model == model {
			on, _ := time.Parse(time.DateOnly, r.on) // a test reads them
			return on, r.replacement
		}
	}
	return time.Time{}, ""
}

// noModel reports whether Mistral refused because it has no such model: 400 with "Invalid model: NAME",
// type invalid_model, code 1500 (seen in mistralai/mistral-vibe#617 of 2026-04-21 and
// tmc/langchaingo#1233), or 404 with the code that the error glossary shows.
func noModel(e *door.StatusError) bool {
	if e.Code != 400 && e.Code != 404 {
		return false
	}
	var said struct {
		Message string `json:"message"`
		Type    string `json:"type"`
		Code    any    `json:"code"`
	}
	_ = json.Unmarshal([]byte(e.Body), &said) // of another form it says nothing
	return said.Type == "invalid_model" || slices.Contains([]any{"unknown_model", "1500", float64(1500)}, said.Code) ||
		strings.HasPrefix(said.Message, "Invalid model")
}

// gone tells the asker that a model does not exist any more, and what replaces it if that is known.
func (m *Mistral) gone(ctx context.Context, model string) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var list []ModelCard
	if body, err := m.door.Get(ctx, m.endpoint+"/v1/models", m.header()); err == nil {
		list, _ = ParseCatalogue(body) // without it there is what is shipped
	}
	on, replacement := Ending(model, list)
	words := fmt.Sprintf("Mistral has no model %s", model)
	if !on.IsZero() && on.Before(time.Now()) {
		words += fmt.Sprintf(" any more: it was retired on %s", on.Format("2 January 2006"))
	}
	words += "."
	if replacement == "" {
		return words + " Choose another model; an administrator has to change MISTRAL_MODEL or MISTRAL_MODELS."
	}
	words += fmt.Sprintf(" Mistral names %s in its place", replacement)
	if slices.Contains(m.about.Models, replacement) {
		return words + ": choose that one."
	}
	return words + "; an administrator has to change MISTRAL_MODEL or MISTRAL_MODELS."
}
