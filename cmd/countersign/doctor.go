package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"countersign/approval/review"
	"countersign/bot"
	"countersign/budget"
	"countersign/internal/pglocal"
	"countersign/storage/pg"
	"countersign/storage/roles"
	"countersign/storage/schema"
)

// A finding is a line of the doctor's report.
// They are drawn as ✓ (none of the three), ✗ (err), ! (warn) and ? (open). An err counts more than warn, and
// only err makes doctor fail.
type finding struct {
	say  string // when it is well: what was found
	err  error  // when it is not: what is wrong, and what to do
	warn bool   // it works, but somebody should look at it
	open bool   // nobody knows: what it rests on is missing, which is another finding
}

// check is one thing that serve needs, and how it is tried.
type check struct {
	what string
	try  func(context.Context) finding
	most time.Duration // that it may take; 0: a minute
}

// doctor checks each thing that serve needs, a line each, and fails when one of
// them would keep it from working. It changes nothing but may start a box,
// which it holds and books on the workspace's budget where there is a database.
// Each line says what to do about it, in the words of the settings and of Slack's pages.
//
//	✓ settings         read; secrets stay redacted
//	! reviewers        Ben Okafor alone, whose own questions nobody can review
//	✗ Slack bot token  the token is refused by Slack (invalid_auth): copy it again from your app's page: …
func doctor(ctx context.Context, p program) error {
	checks := slices.Concat([]check{
		{what: "settings", try: p.checkSettings}, {what: "disk", try: func(context.Context) finding { return checkDisk(p) }}, {what: "database", try: p.checkDatabase}, {what: "queue", try: func(ctx context.Context) finding { return checkQueue(ctx, p) }},
		{what: "checkpoints", try: p.checkCheckpoints}, {what: "Slack bot token", try: p.checkBot}, {what: "Slack app token", try: p.checkApp},
		{what: "review channel", try: p.checkChannel}, {what: "reviewers", try: p.checkReviewers},
	}, p.checkModels(), []check{{what: "prices", try: p.checkPrices}, {what: "sandbox", try: p.checkSandbox, most: boxPatience}, {what: "traces", try: p.checkTraces}})
	bad := 0
	// One after the other, in the order in which one explains the next: without a token no channel can
	// be looked up. Each has a time of its own, so that one that hangs costs no other its time.
	for _, c := range checks {
		ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.most, time.Minute))
		f := c.try(ctx)
		cancel()
		switch {
		case f.err != nil:
			bad++
			fmt.Fprintf(p.out, "✗ %-16s %s\n", c.what, strings.ReplaceAll(reason(f.err), "\n", "\n"+strings.Repeat(" ", 19)))
		case f.open:
			fmt.Fprintf(p.out, "? %-16s %s\n", c.what, f.say)
		case f.warn:
			fmt.Fprintf(p.out, "! %-16s %s\n", c.what, f.say)
		default:
			fmt.Fprintf(p.out, "✓ %-16s %s\n", c.what, f.say)
		}
	}
	if bad > 0 {
		fmt.Fprintf(p.out, "\n%d of %d need attention; serve would not work.\n", bad, len(checks))
		return exitError(1)
	}
	fmt.Fprintf(p.out, "\nAll is well: countersign serve\n")
	return nil
}

// checkSettings comes when the environment was read: what cannot be read has ended the program before.
func (p program) checkSettings(context.Context) finding {
	return finding{say: "read; secrets stay " + Secret("x").String(), err: p.needSlack()}
}

// checkDatabase looks at the database that serve would use. A private one that a running serve has
// open is looked at there; where there is none, it makes none.
func (p program) checkDatabase(ctx context.Context) finding {
	if p.DatabaseURL != "" {
		// A pooler that hands sessions around breaks advisory locks, by which replicas keep apart.
		pooler, err := pg.Direct(ctx, string(p.DatabaseURL))
		if handsAround, ok := errors.AsType[*pg.PoolerError](err); ok {
			return finding{err: errors.New(poolerWords + " (" + handsAround.Err.Error() + ")")}
		}
		f, reached := p.schemaOf(ctx, p.address(), "reached and up to date")
		if pooler && f.err == nil && !f.warn {
			return finding{warn: true, say: f.say + ", by way of a pooler that leaves sessions alone, which works. Name Postgres itself in DATABASE_URL all the same: a replica that dies is noticed sooner"}
		}
		if !reached {
			// Postgres' errors list every attempt; the last one says it.
			lines := strings.Split(strings.TrimSpace(f.err.Error()), "\n")
			f.err = fmt.Errorf("cannot be used: %s. Fix DATABASE_URL, or leave it empty for a private Postgres", strings.TrimSpace(lines[len(lines)-1]))
		}
		return f
	}
	server, err := pglocal.Open(ctx, pglocal.Options{Dir: filepath.Join(p.DataDir, "postgres"), Log: p.log})
	if _, ok := errors.AsType[*pglocal.NoneError](err); ok {
		return finding{say: "none yet; serve makes a private Postgres in " + p.DataDir}
	}
	if err != nil {
		return finding{err: err}
	}
	say := "a private Postgres in " + p.DataDir
	if server.Joined() {
		say = fmt.Sprintf("the database of %s is in use by a running countersign; looked at it there", p.DataDir)
	}
	f, reached := p.schemaOf(ctx, ofServer(server), say)
	if !reached {
		f.err = fmt.Errorf("the private Postgres in %s runs, but cannot be used: %w", p.DataDir, f.err)
	}
	if err := server.Stop(); err != nil && f.err == nil {
		f.err = err
	}
	return f
}

// schemaOf looks at a database as serve would, and changes nothing: what is to be
// migrated serve will where it knows the owner, and what a newer program has migrated it
// refuses. It says when serve's role can do too much, and the statements that mend it.
// reached is false where nobody could connect at all; its caller then has more to say about why.
func (p program) schemaOf(ctx context.Context, at address, well string) (f finding, reached bool) {
	url := at.serve
	if at.owner != "" {
		url = at.owner // what is not migrated yet serve's role may not even read
	}
	pending, err := schema.Pending(ctx, url)
	if err != nil {
		return finding{err: err}, errors.As(err, new(*schema.OtherSchemaError))
	}
	switch {
	case len(pending) > 0 && at.owner != "":
		return finding{warn: true, say: fmt.Sprintf("reached; %d migrations pending, which serve or countersign migrate applies", len(pending))}, true
	case len(pending) > 0:
		return finding{err: fmt.Errorf("reached; %d migrations pending: run `countersign migrate`, or set MIGRATE_DATABASE_URL to the owner's address and serve does", len(pending))}, true
	}
	// Only here: of a schema that is not up to date nobody can say what its role needs.
	much, err := roles.TooMuch(ctx, at.serve)
	switch {
	case err != nil:
		return finding{err: err}, true
	case much.All:
		return finding{warn: true, say: fmt.Sprintf("%s; but serve's role %s %s, so whoever has its password can change what was decided. "+
			"As the owner: CREATE ROLE countersign_serve LOGIN PASSWORD '...'; then set DATABASE_URL to that role, MIGRATE_DATABASE_URL to the owner's address, and run `countersign migrate`, which grants what it needs",
			well, much.Role, strings.Join(much.Why, " and "))}, true
	case len(much.Why) > 0:
		return finding{warn: true, say: fmt.Sprintf("%s; but serve's role %s %s, which it does not need. As the owner: %s;",
			well, much.Role, strings.Join(much.Why, ", "), strings.Join(much.Mend, "; "))}, true
	}
	owns := "; serve's role owns nothing"
	if p.DatabaseURL == "" {
		owns += ", which keeps out nobody who has this account of the machine: the owner is the same one here"
	}
	return p.clock(ctx, at.serve, well+owns), true
}

// clock adds how far the database's clock and this machine's are apart. Jobs are due by the
// database's, but whoever reads a log compares times.
func (p program) clock(ctx context.Context, url, well string) finding {
	apart, err := pg.Apart(ctx, url)
	if err != nil {
		return finding{err: err}
	}
	if apart.Abs() > 2*time.Second {
		return finding{warn: true, say: fmt.Sprintf("%s; but its clock and this machine's are %v apart: let both follow a time server", well, apart.Abs().Round(time.Millisecond))}
	}
	return finding{say: fmt.Sprintf("%s; its clock is this machine's (%v apart)", well, apart.Abs().Round(time.Millisecond))}
}

// slack is a bot that answers nobody: only its calls are used.
func (p program) slack() *bot.Bot {
	return bot.New(bot.Options{BotToken: string(p.SlackBotToken), AppToken: string(p.SlackAppToken), APIURL: p.SlackAPIURL, Policy: p.policy, Log: p.log})
}

// checkBot tries the bot's token, and compares its scopes with those of the manifest.
func (p program) checkBot(ctx context.Context) finding {
	if p.SlackBotToken == "" {
		return finding{err: errors.New("SLACK_BOT_TOKEN is not set")}
	}
	who, err := p.slack().CheckBot(ctx)
	err = tokenAdvice(err, "OAuth & Permissions, Bot User OAuth Token")
	if err == nil && len(who.Missing) > 0 {
		err = fmt.Errorf("lacks the scopes %s: update the app from manifest.yaml and install it again", strings.Join(who.Missing, ", "))
	}
	if err == nil && len(who.Lacks) > 0 {
		var without []string
		for _, scope := range who.Lacks {
			without = append(without, fmt.Sprintf("%s (%s)", scope, bot.Extras()[scope]))
		}
		return finding{warn: true, say: fmt.Sprintf("@%s in %s. It does without %s: to have that, update the app from manifest.yaml and install it again", who.Name, who.Team, strings.Join(without, ", "))}
	}
	return finding{say: fmt.Sprintf("@%s in %s", who.Name, who.Team), err: err}
}

// checkApp asks for the address of a socket, which needs the token and its scope. Nothing connects to
// it: Slack would send it some of serve's events.
// See CheckApp in bot/check.go: the address that Slack gives is used once or never.
func (p program) checkApp(ctx context.Context) finding {
	if p.SlackAppToken == "" {
		return finding{err: errors.New("SLACK_APP_TOKEN is not set")}
	}
	err := p.slack().CheckApp(ctx)
	return finding{say: "Slack gives a socket for it", err: tokenAdvice(err, "Basic Information, App-Level Tokens, with the scope connections:write")}
}

// tokenAdvice says what to do about a token that Slack does not take. Any other error is taken for one of the way there.
func tokenAdvice(err error, where string) error {
	if errors.Is(err, bot.ErrOrgWide) {
		return err
	}
	for _, code := range []string{"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "not_allowed_token_type", "missing_scope"} {
		if err != nil && strings.Contains(err.Error(), code) {
			return fmt.Errorf("the token is refused by Slack (%s): copy it again from your app's page: %s", code, where)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot reach Slack: %w", err)
	}
	return nil
}

// checkChannel looks at the review channel as the bot sees it.
func (p program) checkChannel(ctx context.Context) finding {
	if p.SlackBotToken == "" {
		return finding{err: errors.New("cannot be looked up without SLACK_BOT_TOKEN")}
	}
	if p.ReviewChannel == "" {
		return finding{err: errors.New("REVIEW_CHANNEL is not set")}
	}
	name, err := p.slack().CheckChannel(ctx, p.ReviewChannel)
	return finding{say: "the bot is in #" + name, err: err}
}

// checkReviewers looks each person up as a click would be: nobody sees of an id that its person has left.
func (p program) checkReviewers(ctx context.Context) finding {
	switch {
	case p.SlackBotToken == "":
		return finding{err: errors.New("cannot be looked up without SLACK_BOT_TOKEN")}
	case len(p.Reviewers) == 0:
		return finding{err: errors.New("REVIEWERS is not set")}
	}
	slack := p.slack()
	who, err := slack.CheckBot(ctx)
	if errors.Is(err, bot.ErrOrgWide) {
		return finding{err: errors.New("cannot be looked up: the bot token is a whole organisation's")}
	}
	if err != nil {
		return finding{err: errors.New("cannot be looked up: the bot token does not work")}
	}
	var names []string
	var faults []error
	for _, id := range p.Reviewers {
		person, err := slack.Person(ctx, who.TeamID, id)
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("%s: %w", id, err))
		// Slack gives an id that nobody has the same answer as one whose account is gone, but without a name.
		case person.Gone && person.Name == "":
			faults = append(faults, fmt.Errorf("nobody here has the id %s: copy it from the person's profile (the three dots, Copy member ID)", id))
		case person.Gone || person.Bot || person.Guest || person.External:
			faults = append(faults, fmt.Errorf("%s (%s) cannot decide: %s. Take them out of REVIEWERS", person.Name, id, disability(person)))
		default:
			names = append(names, person.Name)
		}
	}
	if len(faults) > 0 {
		return finding{err: errors.Join(faults...)}
	}
	if f := p.checkSeats(ctx, names); f.err != nil || f.warn {
		return f
	}
	if len(names) == 1 {
		return finding{warn: true, say: names[0] + " alone, whose own questions nobody can review"}
	}
	return finding{say: strings.Join(names, ", ")}
}

// checkSeats says which of the reviewers, in the order of REVIEWERS, do not sit
// where the cards are.
func (p program) checkSeats(ctx context.Context, names []string) finding {
	if p.ReviewChannel == "" {
		return finding{} // the line above says it
	}
	members, err := p.slack().Members(ctx, p.ReviewChannel)
	if err != nil {
		return finding{warn: true, say: fmt.Sprintf("%s; whether they are in the review channel cannot be looked up: %v", strings.Join(names, ", "), err)}
	}
	var away []string
	for i, id := range p.Reviewers {
		if !slices.Contains(members, id) {
			away = append(away, names[i])
		}
	}
	switch {
	case len(away) == 0:
		return finding{}
	case len(away) == len(names):
		return finding{err: fmt.Errorf("nobody of %s is in the review channel, so nobody would see a card: invite them there with /invite", strings.Join(names, ", "))}
	}
	return finding{warn: true, say: fmt.Sprintf("%s; but not in the review channel, where the cards are: %s. Invite them there with /invite", strings.Join(names, ", "), strings.Join(away, ", "))}
}

// disability is why somebody cannot decide.
func disability(p review.Person) string {
	switch {
	case p.Gone:
		return "the account is deactivated"
	case p.Bot:
		return "it is an app"
	case p.Guest:
		return "guests never can"
	}
	return "people of other workspaces never can"
}

// checkPrices looks for the rows that charges are made by: every tier of every
// model that is offered, and the box.
// No price is a fault, since the model is then refused (an unknown price is never zero); an old one is a
// warning.
func (p program) checkPrices(context.Context) finding {
	var faults []error
	var old []string
	now := time.Now()
	// Providers change prices at short notice; a month is how long a row is trusted unseen.
	seen := func(what string, checked time.Time) {
		if now.Sub(checked) > 30*24*time.Hour {
			old = append(old, fmt.Sprintf("%s (checked on %s)", what, checked.Format(time.DateOnly)))
		}
	}
	for _, model := range p.models() {
		// For a prompt of no tokens: the first tier. The longer ones are looked at below, where there are any.
		row, err := p.prices.Model(model, now, 0)
		if err != nil {
			faults = append(faults, fmt.Errorf("%w: choose another model, or add a row to PRICES_FILE (budget/prices.csv shows the form)", err))
			continue
		}
		seen(model, row.Checked)
		for _, tier := range p.tiers(model, now) {
			seen(fmt.Sprintf("%s above %d tokens", model, tier.Above), tier.Checked)
		}
	}
	kind := "local"
	if p.E2BAPIKey != "" {
		kind = "e2b"
	}
	if row, err := p.prices.Box(kind, now); err != nil {
		faults = append(faults, fmt.Errorf("%w: add a row of the kind box to PRICES_FILE", err))
	} else {
		seen("the box "+kind, row.Checked)
	}
	if len(old) > 0 {
		return finding{warn: true, say: "older than 30 days, please check: " + strings.Join(old, ", "), err: errors.Join(faults...)}
	}
	return finding{say: "known for every model and for the sandbox", err: errors.Join(faults...)}
}

// tiers are the rows that hold for longer prompts than the first one is for, by length.
func (p program) tiers(model string, now time.Time) (rows []budget.ModelPrice) {
	var above []int
	for _, row := range p.prices.Models {
		if row.Model == model && row.Above > 0 {
			above = append(above, row.Above)
		}
	}
	slices.Sort(above)
	for _, tokens := range slices.Compact(above) {
		if row, err := p.prices.Model(model, now, tokens+1); err == nil && row.Above == tokens {
			rows = append(rows, row)
		}
	}
	return rows
}
