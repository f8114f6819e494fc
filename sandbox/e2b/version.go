package e2b

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// reprobe is how long a server that lacked a version is not asked for it again:
// it may be updated under a replica that runs for months.
const reprobe = time.Hour

// Older says whether the control plane is called with the first version of the API, because
// it was recently found to lack the second one.
func (c *wire) Older() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Before(c.olderUntil)
}

// learn keeps which version the control plane has answered in.
func (c *wire) learn(ctx context.Context, older bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := time.Now().Before(c.olderUntil)
	c.olderUntil = time.Time{}
	if older {
		c.olderUntil = time.Now().Add(c.reprobe)
	}
	if known != older {
		c.log.InfoContext(ctx, "e2b: the server is spoken to in another version from now on", "older", older)
	}
}

// versioned makes a call that has two versions in the one that the server is
// known for, and in the other one if it turns out not to have that. Both are
// refused before anything is done where they are unknown, so nothing is done
// twice. missing is asked when a 404 does not say what it is that is not there.
func (c *wire) versioned(ctx context.Context, send func(older bool) error, missing func(older bool) (bool, error)) error {
	older := c.Older()
	err := send(older)
	switch asFailure(err).lacks() {
	case theCall:
	case unclear:
		if lacking, askErr := missing(older); askErr != nil {
			return askErr
		} else if !lacking {
			return err
		}
	default:
		return err
	}
	err = send(!older)
	if f := asFailure(err); f == nil || f.status != 0 && f.lacks() != theCall && f.lacks() != unclear {
		c.learn(ctx, !older)
	}
	return err
}

// lack is what an answer says is not there.
type lack int

const (
	noLack  lack = iota // it says nothing of the kind
	theBox              // the box or the template, in E2B's own sentence
	theCall             // the server has no such call
	unclear             // a 404 of which nobody knows what it means
)

// notThere are E2B's sentences for a box and for a template that it does not have.
var notThere = regexp.MustCompile(`(?i)doesn't exist|\b(template|tag)\b.*\bnot found`)

// noSuchCall are the sentences of E2B's server for a method and for a path that
// its specification does not have. Both come with 404 there; others say 405.
var noSuchCall = []string{"method not allowed", "no matching operation was found"}

// lacks tells a server without the call from one without the box: a run must not
// be given up, nor a box be made twice, over the wrong one.
func (f *failure) lacks() lack {
	switch {
	case f == nil || f.edge:
		return noLack
	case f.status == http.StatusMethodNotAllowed:
		return theCall
	case f.status != http.StatusNotFound:
		return noLack
	}
	for _, sentence := range noSuchCall {
		if f.spoken && strings.Contains(f.message, sentence) {
			return theCall
		}
	}
	if f.spoken && notThere.MatchString(f.message) {
		return theBox
	}
	return unclear
}

// foreign tells that what answers for the control plane does not seem to be E2B:
// it has no such call, or answers a question about a box with some page.
func (f *failure) foreign() bool {
	return f.lacks() == theCall || f.lacks() == unclear && (!f.spoken || f.message == "")
}

// lacksCreate asks whether the server has the call that makes boxes in a version.
// What is sent is no JSON: no server makes a box of it, and only one that has the
// call says that it is malformed.
func (c *wire) lacksCreate(ctx context.Context, older bool) (bool, error) {
	k := c.control("ask which calls E2B has", http.MethodPost, createPath(older), nil)
	k.header.Set("Content-Type", "application/json")
	k.body = []byte("{")
	_, err := c.repeat(ctx, k)
	f := asFailure(err)
	switch {
	case err == nil:
		return false, nil
	case f == nil || f.status == 0 || f.status >= http.StatusInternalServerError || f.status == http.StatusTooManyRequests:
		return false, err
	}
	return f.lacks() == theCall || f.lacks() == unclear, nil
}

func createPath(older bool) string {
	if older {
		return "/sandboxes"
	}
	return "/v2/sandboxes"
}
