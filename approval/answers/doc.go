// Package answers holds what may be done with an answer once it is there.
//
// Its one idea: an answer is on record for good, and where it stands in Slack is for people to
// say. Its asker shares it in another channel, by the rules; its asker or an administrator takes it
// back, and it goes from wherever it stands.
//
// Its one rule: each deed is an event of its person, in one transaction with the row that says so
// and with the job that makes Slack look like the row. So nothing is lost however the process
// ends, and a deed that is repeated is only looked at again.
package answers
