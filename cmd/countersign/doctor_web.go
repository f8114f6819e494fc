package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"countersign/codegen/mistral"
)

// checkMistral asks for the list of models, which costs nothing, and looks for
// the ones that askers are offered.
func (p program) checkMistral(ctx context.Context) finding {
	if !p.hasMistral() {
		return finding{err: errNoModel}
	}
	provider, err := p.mistral()
	if err != nil {
		return finding{err: err}
	}
	base := p.MistralBaseURL
	if base == "" {
		base = "https://api.mistral.ai"
	}
	base = strings.TrimSuffix(strings.TrimSuffix(base, "/"), "/v1")
	status, body, err := ask(ctx, base+"/v1/models", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+string(p.MistralAPIKey)) })
	switch {
	case err != nil:
		return finding{err: fmt.Errorf("cannot be reached: %w. Look at MISTRAL_BASE_URL and at the network", err)}
	case refused(status):
		return finding{err: errors.New("refuses the key: look at MISTRAL_API_KEY")}
	case status != http.StatusOK:
		return finding{warn: true, say: fmt.Sprintf("answers, but says %d when asked for its models; nothing else was tried", status)}
	}
	list, err := mistral.ParseCatalogue(body)
	if err != nil {
		return finding{warn: true, say: "answers, but not with a list of models; is MISTRAL_BASE_URL right?"}
	}
	return p.judgeModels(provider.About().Models, list, time.Now())
}

// judgeModels holds the models that askers are offered against the list that the key gets.
func (p program) judgeModels(offered []string, list []mistral.ModelCard, now time.Time) finding {
	var faults []error
	var ending []string
	for _, model := range offered {
		on, replacement := mistral.Ending(model, list)
		instead := ""
		if replacement != "" {
			instead = fmt.Sprintf(", and names %s in its place", replacement)
		}
		listed := slices.ContainsFunc(list, func(m mistral.ModelCard) bool { return m.ID == model })
		switch {
		case !on.IsZero() && !on.After(now):
			faults = append(faults, fmt.Errorf("has retired %s on %s%s: change MISTRAL_MODEL or MISTRAL_MODELS", model, on.Format("2 January 2006"), instead))
		case !listed:
			faults = append(faults, fmt.Errorf("has no model %s for this key: change MISTRAL_MODEL or MISTRAL_MODELS", model))
		case !on.IsZero():
			ending = append(ending, fmt.Sprintf("%s ends on %s%s", model, on.Format("2 January 2006"), instead))
		}
	}
	f := finding{say: "takes the key; askers choose from " + strings.Join(offered, ", "), err: errors.Join(faults...)}
	if len(ending) > 0 {
		f.warn, f.say = true, f.say+"; Mistral has deprecated some of these: "+strings.Join(ending, "; ")
	}
	if host := p.MistralBaseURL; p.PricesFile == "" && (strings.Contains(host, "api.eu.mistral.ai") || strings.Contains(host, "api.us.mistral.ai")) {
		// docs.mistral.ai/inference/regional-inference as of 2026-08-21.
		f.warn, f.say = true, f.say+"; a regional address costs 1.1 times the prices that are shipped: name your own in PRICES_FILE, or budgets count less than you pay"
	}
	return f
}

// checkTraces asks Langfuse whose the keys are. Without traces serve works, so
// that what is wrong here is a warning.
func (p program) checkTraces(ctx context.Context) finding {
	if p.LangfusePublicKey == "" {
		return finding{say: "off (LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY turn them on)"}
	}
	status, body, err := ask(ctx, strings.TrimSuffix(p.LangfuseHost, "/")+"/api/public/projects", func(r *http.Request) { r.SetBasicAuth(p.LangfusePublicKey, string(p.LangfuseSecretKey)) })
	switch {
	case err != nil:
		return finding{warn: true, say: fmt.Sprintf("Langfuse cannot be reached, so nothing is traced: %v. Look at LANGFUSE_HOST", err)}
	case refused(status):
		return finding{warn: true, say: "Langfuse refuses the keys, so nothing is traced: look at LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY, and at the region in LANGFUSE_HOST"}
	case status != http.StatusOK:
		return finding{warn: true, say: fmt.Sprintf("%s answers %d, which is not Langfuse's way: look at LANGFUSE_HOST", p.LangfuseHost, status)}
	}
	var projects struct{ Data []struct{ Name string } }
	if err := json.Unmarshal(body, &projects); err != nil || len(projects.Data) == 0 {
		return finding{warn: true, say: p.LangfuseHost + " answers, but names no project: look at LANGFUSE_HOST"}
	}
	return finding{say: fmt.Sprintf("to the project %s at %s", projects.Data[0].Name, p.LangfuseHost)}
}

func refused(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// ask is one GET, on a connection of its own that is closed afterwards: the command is over soon, and
// tests look for what is left behind.
func ask(ctx context.Context, url string, sign func(*http.Request)) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	sign(req)
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, 4<<20))
	return res.StatusCode, body, err
}
