// Package door makes every HTTP call to a model provider, whatever library builds the
// request, and says what a failed call means.
//
// Door is a plain RoundTripper, so that a provider is a translation beside it and has
// no way out of its own. It does for all of them: a call ends when its context
// does, also in the middle of an answer; an answer is read to a bound and no further;
// no redirect is followed with a key in hand; whatever is no success is an error with
// its status and with the time after which to come back; and an error tells whether
// anything of the call can have reached the provider, which is what a bill is about.
//
// House turns these errors into words for the asker, into whether the call may be
// repeated, and into whether it may be billed. Nothing is free unless the provider
// documents that it refuses before a model works; the rest is uncertain.
package door
