// Package page is the page of the local Slack: the workspace as a person sees it
// in the browser. Everything it does goes through the JSON API that slacksim's
// package comment describes.
//
// Its rule: a reviewer must see here what Slack would show, or more, never less.
// Text is drawn as text (nothing is inserted as HTML), bidi and invisible
// characters stay as they are, and what cannot be drawn says so.
//
// dist is built from src with "make ui" and committed, so that nobody needs Node
// to run it; a test fails when the two differ. Block Kit is drawn by our own
// components, because slack-blocks-to-jsx reads every text as Markdown: it drops
// table rows from a section, changes code inside fences and has no callbacks.
// It draws the chart block, which carries no such text.
//
// # Places
//
//	/?as=U..&channel=C..[&thread=TS][&ts=TS]   a channel, its thread, a message to point out
//	/?as=U..&home=A..                          the Home of an app
//
// Without "as" the person who last sat in that browser tab is taken, else the
// first one. Permalinks (thread_ts) are understood.
//
// # Test ids (data-testid)
//
//	simulator-label, team, connection       the top bar; connection has data-sockets
//	identity, identity-U..                  the switcher's button and its people
//	sidebar, channel-C.., app-A..           the sidebar; entries have data-unread
//	tab-home, tab-messages                  of an app
//	channel, thread, close-thread           the panes
//	message-TS                              has data-author, and data-ephemeral
//	ephemeral                               the note "Only visible to you"
//	replies-TS, reply-TS, more-TS           "3 replies", "Reply in thread", the menu
//	status                                  the app's status line
//	composer, thread-composer               the text fields; with -send, -plus, and
//	                                        -files (the hidden file chooser)
//	offers, usage, refused                  completions, a command's usage, why not
//	upload, shortcut-CALLBACK, upload-F..   of the plus menu; a file before it is sent
//	action-ACTION_ID, option-VALUE          an element, and the options of menus,
//	                                        selects (users and channels: their ids),
//	                                        radio buttons and checkboxes
//	action-ACTION_ID-chooser                the hidden file chooser of a file_input
//	confirm, confirm-accept, confirm-deny   the dialog before an action
//	modal, modal-submit, modal-close        the top modal; its form has data-view and
//	modal-back, modal-error                 data-callback
//	input-BLOCK_ID, error-BLOCK_ID          an input block and what is wrong with it
//	home, home-refresh                      the App Home
//	file-F.., lightbox                      a file in a message, an enlarged picture
//	table-BLOCK_ID                          a table block
//	toasts, toast                           notices
//	inspector-toggle, inspector, log-N      what goes over the wire
package page
