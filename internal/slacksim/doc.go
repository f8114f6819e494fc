// Package slacksim is a local Slack: one workspace with its Web API, its Socket
// Mode and a small JSON API through which people (the page in the browser,
// scripts, tests) act in it.
//
// Its rule: be as strict as Slack, never kinder. It enforces Slack's limits with
// Slack's error strings. What Slack may do (deliver to any socket, repeat an event,
// drop an ephemeral message, close a connection), it does too, by itself or when a
// test asks for it. It serves on loopback only, knows nothing about the app, and must
// never be mistaken for the real Slack.
//
// # Rooms
//
//	blockkit     blocks as JSON: elements, words, forms (pure)
//	limits       what Slack refuses in a message or a view (pure)
//	rewrite      how Slack may change blocks that it holds (pure)
//	workspace    what is remembered, under one lock: people, messages, files, views
//	fault        what goes wrong on purpose
//	sockets      connections, envelopes, acknowledgements
//	webapi       what the app calls
//	person       what people do; the people that tests play
//	pageapi      the JSON API below /sim/
//	page         the page in the browser
//
// This package puts them together: Sim is what a test or the demo holds, and defaults.go
// names the people and channels of the default workspace.
//
// # Paths
//
//	/api/METHOD          the Web API (token in the form or in the header)
//	/link/               Socket Mode, with a ticket from apps.connections.open
//	/upload/v1/...       where files.getUploadURLExternal sends the bytes
//	/files-pri/...       url_private of a file (bearer token, else a sign-in page)
//	/response/...        response_url of commands and clicks
//	/archives/C../p17..  permalinks; they redirect to /?channel=C..&ts=17..[&thread_ts=..]
//	/sim/...             the JSON API below
//	/                    the page (Options.Page)
//
// # The JSON API
//
// Loopback only. Every POST carries the header "X-Slacksim: 1", so that no other
// site can send one, and a JSON body (the two uploads are multipart/form-data).
// "as" is the id of the person who acts. A refusal is HTTP 4xx (502 when the app
// was at fault) with
//
//	{"error":"code","message":"A plain sentence."}
//
// Timestamps ("ts") are Slack's: strings like "1763792000.000100" that also name
// the message in its channel. Lists are never null; other fields that are empty
// may be left out. "text" is Slack's mrkdwn source: "&", "<" and ">" of typed text
// are escaped as entities, and people and channels are written <@U..> and <#C..>.
//
//	GET /sim/state?as=U
//	  {"team":{"id","name","domain"},
//	   "me":User, "users":[User],
//	   "channels":[Channel],               only those that "as" is in; channels first, then ims
//	   "apps":[{"id","name","bot_user","connected":true,"sockets":2,"home":true,"assistant":true,
//	            "commands":[{"command","description","usage_hint"}],
//	            "shortcuts":[{"name","type":"global|message","callback_id","description"}]}]}
//	  Without "as": the same without "me" and with no channels.
//	  User    {"id","name","real_name","role":"analyst|reviewer|admin|guest|bot","title",
//	           "is_bot","is_admin","is_restricted","deleted","tz","color"}
//	  Channel {"id","name","kind":"channel|im","is_private","is_ext_shared","topic",
//	           "user": other side of an im, "members":[id],
//	           "unread":n,"mentions":n,     n: root messages after the last /sim/read
//	           "latest":ts,"thread":ts}     what was said last there, and in which thread
//
//	GET /sim/messages?as=U&channel=C[&thread=TS]
//	  {"messages":[Message]}   oldest first. Without thread: the channel's roots (and
//	  replies that were also sent to the channel). With thread: root and replies.
//	  Ephemeral messages for "as" stand among the others, where they arrived.
//	  Message {"channel","ts","user","bot_id","app_id","username","subtype","text","blocks":[..],
//	           "attachments":[..],"files":[File],"thread_ts","reply_count","reply_users":[id],
//	           "latest_reply","edited":{"user","ts"}|absent,"ephemeral":bool,"metadata":{..}|absent}
//	  A bot's message has "user" (the bot user) and "bot_id". Blocks are stored as Slack
//	  stores them: every block has a block_id, every element an action_id.
//	  File    {"id","name","title","mimetype","filetype","size","alt_txt","user","is_image",
//	           "width","height","url":"/sim/files/F..?as=U","preview":text,"preview_truncated":bool,
//	           "deleted":bool}              a deleted file keeps id and "deleted":true only
//	  An image block with "slack_file":{"id"} or a file's url_private is fetched
//	  from /sim/files/{id}?as=U.
//
//	GET /sim/files/{id}?as=U[&download=1]   the bytes, with their media type. Only pictures
//	  are served inline, everything else as an attachment.
//
//	GET /sim/events?as=U                    Server-Sent Events, each with a JSON "data" line:
//	  event: hello       {"sockets":n}      first, also after each reconnect: read state again
//	  event: message     {"channel","ts","thread_ts","change":"posted|updated|deleted|ephemeral"}
//	  event: view        {"view":View|null} the top modal of "as" was opened, changed or closed
//	  event: home        {}                 the App Home of "as" was published
//	  event: notice      {"text","level":"error|warning|info"}   what Slack's client would show,
//	                     e.g. /analyze failed with the error "operation_timeout"
//	  event: status      {"channel","thread_ts","status"}  the app's status line; "" clears it
//	  event: state       {}                 members, unread counts, files: read /sim/state and
//	                     the open channel again (also sent when this reader was too slow)
//	  event: connection  {"sockets":n}
//	  A comment line comes every 15 s. Events are not replayed.
//
//	POST /sim/command {"as","channel","text":"/analyze ..."}
//	  {"ok":true} at once; the outcome is an event: an ephemeral message, a modal, a
//	  notice. 404 unknown_command when no app has it. "@name" and "#channel" in typed
//	  text (here and in /sim/message) become mentions when someone has that name.
//
//	POST /sim/message {"as","channel","thread_ts"?,"text","files":["F.."]?}
//	  {"ok":true,"ts"}
//	POST /sim/message/delete {"as","channel","ts"}   one's own, or an ephemeral one
//	  {"ok":true}
//
//	POST /sim/upload  multipart: as, file (its name is kept)
//	  {"ok":true,"file":File}    not shared yet: give its id to /sim/message, or put it
//	  into a file_input element's "files".
//	POST /sim/file/delete  {"as","file":"F.."}          {"ok":true}
//	POST /sim/file/replace multipart: as, id, file      {"ok":true,"file":File}
//	  the bytes change, the id and the shares stay.
//
//	POST /sim/action {"as","channel","message_ts" | "view_id",
//	                  "action":{"block_id","action_id","value"?,"selected_option"?,
//	                            "selected_options"?,"selected_user"?,"selected_channel"?,
//	                            "selected_conversation"?,"selected_date"?,"selected_time"?,
//	                            "selected_date_time"?},
//	                  "state":{"values":{BLOCK:{ACTION:{..}}}}?}
//	  {"ok":true} at once. A button needs block_id and action_id only. An overflow, select,
//	  radio or checkbox action carries what was chosen, one of the element's own options
//	  (matching by "value"). 404 no_such_action when the message no longer has it.
//	  A button with "url" is also reported to the app; the page opens the link.
//	  view_id may be a modal or the App Home. A confirm dialog is the page's to show.
//
//	POST /sim/view/submit {"as","view_id","state":{"values":{BLOCK:{ACTION:
//	     {"value" | "selected_option" | "selected_options" | "selected_user" | "selected_date"
//	      | .. | "files":["F.."]}}}}}
//	  Waits for the app. {"ok":true}, or {"ok":false,"errors":{BLOCK:"text"}} when the form or the
//	  app refuses a field; the modal stays. Elements left out keep their initial value.
//	  502 app_did_not_respond: the modal stays, the message says what Slack would say.
//	  What happens to the modal (closed, replaced, another on top) comes as a "view" event.
//	POST /sim/view/close {"as","view_id"}               {"ok":true}
//	  closes that modal; the one below it, if any, is the top again. "clear":true closes all.
//	GET  /sim/view?as=U                                 {"view":View|null}
//	GET  /sim/home?as=U                                 {"view":View|null}
//	POST /sim/home/open {"as"}                          {"ok":true}; sends app_home_opened
//	  View {"id","type":"modal|home","title":{..},"submit":{..}|null,"close":{..}|null,
//	        "blocks":[..],"callback_id","hash","depth":1..3,"state":{"values":{..}}}
//	  "state" holds each input's value as the view gives it at first.
//
//	POST /sim/shortcut {"as","callback_id","channel"?,"message_ts"?}    {"ok":true} at once.
//	  A message shortcut needs channel and message_ts.
//	POST /sim/chat {"as","channel"?}                    {"ok":true,"channel","ts"}
//	  begins a chat in the assistant view; channel is what the person looks at. Its first message
//	  has "assistant_app_thread":{"title","asks","prompts":[{"title","message"}],"context"}.
//	  404 no_assistant where the app has no such view.
//	POST /sim/chat/look {"as","thread_ts","channel"}    {"ok":true}; the person looks elsewhere now
//	POST /sim/read {"as","channel"}                     {"ok":true}; everything is read
//
//	GET  /sim/log?after=N&limit=M
//	  {"entries":[{"n","at","direction":"api|envelope|ack|socket","name","ok","error","ms",
//	   "detail"}],"next":N}   the latest 2,000; detail is JSON text without tokens, cut at 4 kB.
//
//	POST /sim/faults   any of:
//	  {"method":{"name":"chat.postMessage","status":500,"retry_after":2,"error":"fatal_error",
//	             "delay_ms":100,"hang":true,"cut":true,"after":true,"times":1,
//	             "channel":"C..","kind":"blocks|text|root|reply|direct","holds":"table","longer":3000},
//	   (the last line: only calls into that channel, with that kind of message, with blocks
//	   that hold that type or say more than so many characters)
//	   "mend":"chat.postMessage" ends the faults of that method,
//	   "drop_acks":n, "delay_acks_ms":n, "duplicate":n, "delay_envelopes_ms":n,
//	   "reorder":true, "half_open":true, "refuse_sockets":true,
//	   "disconnect":"warning|refresh_requested|link_disabled|too_many_websockets",
//	   "close":1006, "rewrite":[1,14], "rewrite_seed":7, "clear":true}
//	  {"ok":true}. Counts: -1 is "until cleared". See package fault for each one, and
//	  package rewrite for how Slack may hold blocks.
package slacksim
