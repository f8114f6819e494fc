package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"countersign/approval/steps"
	"countersign/codegen/mistral"
	"countersign/storage"
)

// checkMistral asks for the list of models, which costs nothing, and looks for
// the ones that askers are offered.
// It goes past the library that asks models: only this answer says of a model when it ends and what replaces
// it.
func (p program) checkMistral(ctx context.Context) finding {
	if !p.hasMistral() {
		return finding{err: errNoModel}
	}
	provider, err := p.mistral()
	if err != nil {
		return finding{err: err}
	}
	// People give the address with or without the version, as their client wanted it.
	base := strings.TrimSuffix(strings.TrimSuffix(cmp.Or(p.MistralBaseURL, "https://api.mistral.ai"), "/"), "/v1")
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

// judgeModels holds the models that askers are offered against the list that the key gets. A model that has ended keeps
// questions from being answered; one that will end is a warning with its date.
func (p program) judgeModels(offered []string, list []mistral.ModelCard, now time.Time) finding {
	var faults []error
	var ending []string
	for _, model := range offered {
		on, replacement := mistral.Ending(model, list)
		instead := ""
		if replacement != "" {
			instead = fmt.Sprintf(", and names %s in its place", replacement)
		}
		// By its id alone: an alias may lead to another model tomorrow, and has no price of its own.
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

// refused tells of a key that is not taken, in either of the two ways to say so.
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
	// Enough for a list of models; whatever else answers is not read to its end.
	body, err = io.ReadAll(io.LimitReader(res.Body, 4<<20))
	return res.StatusCode, body, err
}

// reason is an error for the report: what to do first, then what was found.
func reason(err error) string {
	if box, ok := errors.AsType[*steps.BoxError](err); ok && box.Words != "" {
		return fmt.Sprintf("%s (%v)", box.Words, box.Err)
	}
	return err.Error()
}

// checkSandbox tries the sandbox, which costs some seconds of a box.
// It tries the real thing, and so costs money at E2B: booked holds that on the team's budget first.
func (p program) checkSandbox(ctx context.Context) finding {
	return p.booked(ctx, func(p program) finding {
		if p.E2BAPIKey != "" {
			return p.checkE2B(ctx)
		}
		box, err := p.local(p.boxes())
		if err != nil {
			return finding{err: err}
		}
		began := time.Now()
		err = p.try(ctx, "the sandbox's self-test", box, box.SelfTest)
		return booted(finding{say: "gVisor on this machine keeps code in: " + box.Template(), err: errors.Join(err, box.Close())}, began)
	})
}

// checkE2B tries the key, which costs nothing, and then a box of the template, which
// costs some seconds of one: a key alone says nothing about the template.
func (p program) checkE2B(ctx context.Context) finding {
	cloud, err := p.e2b()
	if err == nil {
		err = cloud.Check(ctx)
	}
	if err != nil {
		return finding{err: err}
	}
	began := time.Now()
	err = p.try(ctx, "a box of the template", cloud, func(ctx context.Context) (time.Duration, error) {
		said, err := cloud.Inspect(ctx, "1 + 1\n", nil)
		if err == nil && said.Problem != "" {
			err = fmt.Errorf("a box of the template reads no Python: %s. Look at E2B_TEMPLATE", said.Problem)
		}
		return said.Box, err
	})
	say := "E2B takes the key, and a box of it works: " + cloud.Template()
	if cloud.Older() {
		return finding{say: say + ". This server lacks v2 of the calls for boxes, so their first version is used, which E2B gives up: update the server", warn: true, err: err}
	}
	return booted(finding{say: say, err: err}, began)
}

// boxPatience is how long the sandbox may take to prove itself: on a machine that has much else to do, a box
// alone takes longer than a minute, and doctor would call broken what only waits in line.
const boxPatience = 10 * time.Minute

// slowBoot is when people who ask would notice.
const slowBoot = 30 * time.Second

// booted adds how long it took until boxes had been there and answered.
func booted(f finding, began time.Time) finding {
	took := time.Since(began)
	f.say += fmt.Sprintf("; tried in %.1f s", took.Seconds())
	if took > slowBoot {
		f.warn, f.say = true, f.say+", which is long: is the machine busy, or are the box's files on a slow disk?"
	}
	return f
}

// littleRoom is when somebody should look at a disk: a large file and its copy in a box still fit.
const littleRoom = 2 << 30

// checkDisk looks for room where serve writes: its data, and what boxes are made of.
// The temporary folder counts too, because boxes of this machine are laid out there.
func checkDisk(p program) finding {
	var said, short []string
	for _, dir := range []string{p.DataDir, os.TempDir()} {
		at := dir
		for at != "/" && at != "." { // what is not made yet is made where its parent stands
			if _, err := os.Stat(at); err == nil {
				break
			}
			at = filepath.Dir(at)
		}
		var fs syscall.Statfs_t
		if err := syscall.Statfs(at, &fs); err != nil {
			return finding{warn: true, say: fmt.Sprintf("the room in %s cannot be looked up: %v", at, err)}
		}
		// Bavail and not Bfree: what is kept for root is of no use to serve.
		free := uint64(fs.Bavail) * uint64(fs.Bsize)
		said = append(said, fmt.Sprintf("%.1f GB free for %s", float64(free)/(1<<30), dir))
		if free < littleRoom {
			short = append(short, dir)
		}
	}
	f := finding{say: strings.Join(said, ", ")}
	if len(short) > 0 {
		f.warn, f.say = true, f.say+"; that is little for "+strings.Join(short, " and ")+": Postgres stops where there is none"
	}
	return f
}

// lateJob is when a job has been due for longer than any sweep takes: then nobody works, or not fast enough.
const lateJob = time.Minute

// mostSockets is what Slack lets an app have; each replica takes two, so that one can be renewed while the other serves.
const mostSockets = 10

// checkQueue says who works on the database, and whether what is due is done.
// Slack lets an app have ten sockets, and a replica takes two of them (bot.Run), so the sixth replica would
// have Slack end those of another.
func checkQueue(ctx context.Context, p program) finding {
	url, end, err := p.present(ctx)
	defer end()
	if err != nil {
		return finding{open: true, say: "cannot be looked at without the database"}
	}
	db, err := storage.Open(ctx, url, p.storage())
	if err != nil {
		return finding{err: err}
	}
	defer db.Close()
	b, err := db.Backlog(ctx)
	if err != nil {
		return finding{err: err}
	}
	f := finding{say: "no replica works on it"}
	if b.Replicas > 0 {
		f.say = fmt.Sprintf("replicas on it: %d, which take %d of the %d connections that Slack allows", b.Replicas, 2*b.Replicas, mostSockets)
		f.warn = 2*b.Replicas > mostSockets
	}
	switch {
	case b.Waiting == 0:
		f.say += "; nothing is due"
	case b.Oldest < lateJob:
		f.say += fmt.Sprintf("; %d jobs are due", b.Waiting)
	default:
		f.warn, f.say = true, f.say+fmt.Sprintf("; %d jobs are due, the oldest for %v: does a serve run, and does it reach the database?", b.Waiting, b.Oldest.Round(time.Second))
	}
	return f
}
