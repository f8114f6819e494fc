// Package handover has a thread go over from somebody who asks in it to a colleague.
//
// Its one idea: what was asked and written goes over, and of files and private answers what the
// giver ticks. The colleague has to accept it; nothing goes before. In a thread of a channel they
// go on there. What stands in a direct message goes on below the very message in which it was
// offered, in a thread of their own, by the rules of the same channel. From then on they are its
// asker: they ask, they pay, and what is still under way stays with whoever asked it.
//
// Its one rule: each deed is an event of its person, in one transaction with the row that says so.
// What Slack shows of a file to its giver, and who is in a channel, is asked of Slack when somebody offers
// and when it is accepted. From then on a file that went along is the colleague's to ask about as long as Slack shows it to
// whoever gave it: that, pins and membership are asked about with each question, and before a run starts. A row lets
// nobody see what a pin keeps from them.
package handover
