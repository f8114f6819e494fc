// Package bot is Slack's side of the house: it reads the socket, answers within
// three seconds, and publishes what bot/draw makes of stored state.
//
// Its one idea: Slack is a view and a keyboard, never a memory. What stands in a
// channel is drawn from a view and may be drawn again at any time; what people press
// is handed to a service and counts when it has committed.
//
// Its rules:
//
//   - Commit, then ack. An envelope is answered after the service has committed
//     what it asked for, and in time. What could not be committed is not answered,
//     so that Slack tells the person that it failed (or sends the event again).
//     Answering the same envelope twice is harmless: the service knows it by its
//     trigger.
//   - The code is shown whole, numbered and unparsed, or there is no Approve
//     button beside it. Every version has a card of its own. What Slack holds of a
//     card or a modal is read back and compared, when it is sent and when it is
//     pressed: bot/readback is the one rule for that. Where it says something else,
//     the card says so, and approval is given in the modal or at the command line.
//   - What Slack refuses is never only logged: a plainer message stands in its place
//     where it can, and the service is told what is missing (refusal.go, card.go).
//   - Words of people and models are never markup: they go into rich text or
//     plain text, and are escaped where Slack knows nothing but its mrkdwn.
//   - Nothing is sent twice on purpose: only a refusal for the rate (429), which
//     Slack promises to have had no effect, is ever tried again in here. A post whose
//     answer got lost stands all the same: it is found, and taken for the one that is
//     missing, or deleted (bot/strays).
//
// What Slack makes possible against second posts: chat.postMessage documents no key by which it
// would know a repetition (asked for since 2018: github.com/slackapi/slack-api-specs/issues/10; a client_msg_id
// is taken and changes nothing), chat.getPermalink wants the ts that was lost, chat.scheduledMessages.list forgets
// a message once it is posted, and conversations.history and .replies find a post only with a scope that reads what
// people write (docs.slack.dev/reference/methods/conversations.history). What a message carries as metadata can be
// read without that: message_metadata_posted tells an app of the kinds that its manifest names, with channel and ts
// (docs.slack.dev/reference/events/message_metadata_posted, scope metadata.message:read), and a press carries
// the metadata of its message (github.com/slackapi/bolt-python/issues/863). Whether Slack tells an app of its own
// posts has not been tried with a workspace. Where it does not, or where the scope is missing, a stray message goes as soon
// as somebody presses it: a stray card decides like the other one, and "Cancel" on a line that nobody keeps up cancels.
//
// Who takes what people do: asking (questions; its form is in form.go), answered (the buttons
// under an answer), deciding and revising (code that waits; review.go has the modal that shows
// all of it), budgets, limits and ledgers (/budget), funding (money that is missing), governing
// (people and rules), homes. Each declares the few services that it calls; handle.go
// has the board that leads to them. publishing keeps messages as they should be (publish.go,
// card.go, upload.go, notice.go), files reads what was shared (find.go), and all of them stand on
// slackAPI, which makes Slack's calls. socket.go reads the envelopes; check.go is for whoever
// sets the bot up.
//
// kit has the blocks, draw the messages, command what people type, readback what Slack
// holds, ids the names. Only bot and its rooms import slack-go.
package bot
