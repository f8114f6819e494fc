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
//     where it can, and the service is told what is missing (publish.go, card.go).
//   - Words of people and models are never markup: they go into rich text or
//     plain text, and are escaped where Slack knows nothing but its mrkdwn.
//   - Nothing is sent twice on purpose: only a refusal for the rate (429), which
//     Slack promises to have had no effect, is ever tried again in here. Slack has no key
//     against second posts; package strays finds them by metadata.
//
// What people do comes in at the socket (socket.go), goes through the board (handle.go), and from
// there to whoever takes it. Each declares the few services that it calls:
//
//   - asking takes questions. /analyze comes in at analyze.go, and what stands behind it that is no
//     question is decided there; mentions, direct messages and chats come in at hearing.go, the form
//     is in form.go.
//   - answered takes the buttons under an answer; pinned takes /analyze data and what follows from
//     it (keeping.go).
//   - deciding and revising take what is done with code that waits; review.go has the modal that
//     shows all of it, and breaking, which takes /analyze break-glass.
//   - budgets, ledgers and limits take /budget; funding takes money that is missing.
//   - governing takes people and rules, keepers what is kept of people; homes draws Home. Package auditing has what
//     auditors press.
//
// publishing keeps messages as they should be (publish.go, which also knows what Slack refuses;
// card.go, upload.go, notice.go), files reads what was shared (find.go), and all of them stand on
// slackAPI, which makes Slack's calls (slackapi.go). check.go is for whoever sets the bot up.
//
// kit has the blocks, draw the messages, command what people type, readback what Slack
// holds, ids the names. Only bot and its rooms import slack-go.
package bot
