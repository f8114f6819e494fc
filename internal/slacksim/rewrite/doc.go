// Package rewrite changes blocks as Slack may change them between what an app sends and
// what it gets back.
//
// There are 22 ways in which what Slack holds may differ without anybody seeing a
// difference. Which of them the hosted service takes is not known here; its documents,
// types and published payloads allow each. An app that compares what it sent with what
// comes back has to live with all of them, alone and together.
//
// The Web API answers with the rewritten blocks, later clicks carry them, and the page
// draws them. The words of a message stay those that were sent: a person reads the same.
package rewrite
