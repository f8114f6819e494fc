// Package bot is Slack's side of the house: it reads the socket, answers within
// three seconds, and draws every message from stored state.
//
// Its one idea: Slack is a view and a keyboard, never a memory. What stands in a
// channel is drawn from an approval.View and may be drawn again at any time; what
// people press is handed to approval.Service and counts when it has committed.
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
//     pressed: readback.go is the one rule for that. Where it says something else,
//     the card says so, and approval is given in the modal or at the command line.
//   - Words of people and models are never markup: they go into rich text or
//     plain text, and are escaped where Slack knows nothing but its mrkdwn.
//   - Nothing is sent twice on purpose: only a refusal for the rate (429), which
//     Slack promises to have had no effect, is ever tried again in here.
//
// Read bot.go and run.go for the socket, handle.go for what comes in, publish.go
// and card.go for what goes out, held.go and seen.go for what comes back of it. This is the only package that imports slack-go.
package bot
