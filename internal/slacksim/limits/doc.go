// Package limits checks messages and views against Slack's documented limits and
// refuses them in Slack's words. It is pure: JSON in, an *Error out. A check notes
// every broken rule, so that an app learns of all of them at once, as it does with Slack.
package limits
