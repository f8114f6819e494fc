// Package webapi is what an app calls over HTTP: the Web API's methods, file uploads and
// downloads, response URLs and permalinks. It checks tokens and scopes and refuses with
// Slack's error strings.
package webapi
