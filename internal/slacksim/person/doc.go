// Package person is what people do in the local Slack.
//
// Acts are the verbs: type a command, post, click, fill in a form. The page's JSON API
// and Person both use them. Person is somebody whom a test plays: what they do, what
// they see, and waiting until they see it.
package person
