package guide

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// token is one of the two that Slack gives an app.
type token struct {
	name, flag string
	what       What
	prefix     string
	question   string
	where      string // where Slack shows it
}

// The two, each with where it is found today: Slack shows neither where the other stands.
var (
	botToken = token{"SLACK_BOT_TOKEN", "--bot-token", TheBot, "xoxb-", "The Bot User OAuth Token (xoxb-…)?",
		"On your app's page: OAuth & Permissions → Install to Workspace, then copy the Bot User OAuth Token."}
	appToken = token{"SLACK_APP_TOKEN", "--app-token", TheApp, "xapp-", "The app-level token (xapp-…)?",
		"On your app's page: Basic Information → App-Level Tokens → Generate Token and Scopes, with the scope connections:write."}
)

// others are what people paste in place of the right token: Slack shows several on one page, and the
// first letters tell which one it is.
var others = []struct{ prefix, words string }{
	{"xoxb-", "this is the xoxb token, the bot's; the xapp one stands under Basic Information → App-Level Tokens"},
	{"xapp-", "this is the xapp token, the app's; the xoxb one stands under OAuth & Permissions"},
	{"xoxp-", "this is a person's token (xoxp); the Bot User OAuth Token stands below it, under OAuth & Permissions"},
	{"xoxe", "this is a token that expires (xoxe): switch token rotation off for the app, or make the app from our manifest, which does"},
	{"xoxc-", "this is a browser's own token (xoxc), which no app can use; the tokens stand on your app's page"},
}

// looks tells whether something can be this token at all, before Slack is asked: a wrong one says by itself which it is,
// where Slack would only say invalid_auth.
func (t token) looks(value string) error {
	if strings.HasPrefix(value, t.prefix) {
		return nil
	}
	for _, o := range others {
		if strings.HasPrefix(value, o.prefix) {
			return errors.New(o.words)
		}
	}
	if value == "" {
		return fmt.Errorf("it begins with %s. %s", t.prefix, t.where)
	}
	return fmt.Errorf("this is not the token, which begins with %s. %s (A signing secret or a client secret is something else.)", t.prefix, t.where)
}

// knownToken tries the token that is set already.
// Trying it through tries keeps looks and the call to Slack in one place for both ways.
func (g *Guide) knownToken(t token) func(context.Context) (string, error) {
	return func(ctx context.Context) (said string, err error) {
		value := strings.TrimSpace(g.set[t.name])
		if value == "" {
			return "", &missing{t.flag + " (or " + t.name + " in the environment)"}
		}
		err = g.tries(ctx, t.what, t.name, &said, t.looks)(value) // which fills said in
		return said, err
	}
}

// askToken asks for a token. Before the first one comes the app itself.
func (g *Guide) askToken(ctx context.Context, t token) (said string, err error) {
	if t.name == botToken.name && g.set[botToken.name] == "" && g.set[appToken.name] == "" {
		fmt.Fprintf(g.Out, "\nThis link opens Slack's form for a new app, filled in. Choose your workspace, then Create, then Install to Workspace:\n\n%s\n\n", g.Link)
		fmt.Fprintf(g.Out, "If the browser finds it too long: api.slack.com/apps, Create New App, From a manifest, and paste %s.\n\n", g.Paste)
		if err := g.Form.Pause(ctx, Question{Title: "Is the app installed?", Help: "Somebody in your company may have to approve it first. Ctrl-C stops here; the same command goes on from here later."}); err != nil {
			return "", err
		}
	}
	value, err := g.Form.Secret(ctx, Question{Title: t.question, Help: t.where, Check: g.tries(ctx, t.what, t.name, &said, t.looks)})
	if err == nil {
		g.set[t.name] = strings.TrimSpace(value)
	}
	return said, err
}
