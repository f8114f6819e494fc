// Package sockets is the local Slack's Socket Mode: the app's connections, the
// envelopes that go over them, and their acknowledgements. Like Slack it promises the app
// nothing: an envelope goes to any connection, may come twice, and events are sent again
// until they are acknowledged.
package sockets
