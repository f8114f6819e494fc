// Package workspace is what the local Slack remembers, under one lock, and how it
// changes: people, channels, messages, files and views.
//
// Memory is the data; none of its methods locks or waits. Workspace adds the lock, the
// announcements to open pages, and Await for those who wait for a change. Posts and
// Views are what happens to a message or a view, whoever sent it. Methods whose name
// ends in Locked, and all that take or return stored things, are called with the lock held.
package workspace
