package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"countersign/bot/kit"
)

// ErrOrgWide is an app that was installed for a whole organisation. Its token speaks
// for many workspaces, and budgets, roles and questions are kept for one.
var ErrOrgWide = errors.New("this app is installed for a whole organisation (Enterprise Grid), and works in one workspace only: " +
	"take the org-wide installation back, install it in the workspace itself, and use that Bot User OAuth Token")

// orgWide tells whether a token is of such an installation. oauth.v2.access says so
// by "team": null, auth.test by is_enterprise_install, which slack-go does not read
// (api.slack.com/enterprise/apps/reference and @slack/web-api's AuthTestResponse, read
// in stored copies of 2026-11-26); a token of the organisation has no workspace, or
// the organisation in its place.
func (b *Bot) orgWide(ctx context.Context, who kit.Identity, enterprise string) (bool, error) {
	switch {
	case who.TeamID == "", strings.HasPrefix(who.TeamID, "E"):
		return true, nil
	case enterprise == "":
		return false, nil
	}
	api := b.APIURL
	if api == "" {
		api = "https://slack.com/api/"
	}
	form := url.Values{"token": {b.BotToken}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, api+"auth.test", bytes.NewBufferString(form))
	if err != nil {
		return false, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := b.client()
	res, err := client.Do(r)
	if err != nil {
		return false, fmt.Errorf("auth.test: %w", err)
	}
	defer res.Body.Close()
	var said struct {
		OrgWide bool `json:"is_enterprise_install"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&said); err != nil {
		return false, fmt.Errorf("auth.test: %w", err)
	}
	return said.OrgWide, nil
}
