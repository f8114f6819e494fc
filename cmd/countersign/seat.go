package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh/agent"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/sshkey"
)

// Whoever decides on the command line says who they are in Slack, and nobody checks that.
// What the machine knows of them stands beside it, in the trail and in the direct message
// to the person whose name was used.

// seated puts beside a click who sits at this machine; nil: whom its kernel names.
// Without a seat there is no decision, because the record would have nothing to set beside the name that was
// claimed.
func seated(click approval.Click, seat func() (who, machine string, err error)) (approval.Click, error) {
	if seat == nil {
		seat = kernelSeat
	}
	who, machine, err := seat()
	if err != nil {
		return click, fmt.Errorf("this machine does not say who you are, so you cannot decide here: %w", err)
	}
	click.OSUser, click.Machine = short(who), short(machine)
	return click, nil
}

// short bounds a name that a machine gives. It goes into the trail and into a message of Slack's.
func short(name string) string {
	runes := []rune(approval.Plain(name))
	return string(runes[:min(len(runes), 100)])
}

// kernelSeat asks the kernel, and no variable of the environment. Where it knows who has
// signed in, that is who it is: sudo makes nobody somebody else.
// loginuid is set at sign-in and stays through su and sudo; only Linux has it, and containers often do not,
// where the uid of the process stands in.
func kernelSeat() (who, machine string, err error) {
	if machine, err = os.Hostname(); err != nil {
		return "", "", err
	}
	return userOf(os.Getuid(), "/proc/self/loginuid", "/etc/passwd"), machine, nil
}

// noLogin is what Linux says of processes that nobody has signed in for.
const noLogin = "4294967295"

// userOf is a user's number, with their name where the machine's own list has it. os/user
// believes $USER where it finds nobody, and would make one user as many as somebody likes.
func userOf(uid int, login, list string) string {
	id := strconv.Itoa(uid)
	if text, err := os.ReadFile(login); err == nil {
		signedIn := strings.TrimSpace(string(text))
		if _, err := strconv.ParseUint(signedIn, 10, 32); err == nil && signedIn != noLogin {
			id = signedIn
		}
	}
	users, _ := os.ReadFile(list) // without it, the number is enough
	for line := range strings.Lines(string(users)) {
		if fields := strings.Split(line, ":"); len(fields) > 2 && fields[2] == id && fields[0] != "" {
			return fields[0]
		}
	}
	return "user " + id
}

// signedBy has the ssh-agent of whoever sits at a program sign a decision, by the first of their keys
// that it holds. A key on a device may wait for a touch.
// The first registered key that the agent holds signs; the others are not asked, since each may want a touch.
func signedBy(ctx context.Context, p program, click approval.Click, what sshkey.Statement, keys []review.Key) (approval.Click, error) {
	const wanted = "code of high risk is decided here with your own SSH key"
	path := p.environ["SSH_AUTH_SOCK"]
	if path == "" {
		return click, errors.New(wanted + ", and no ssh-agent is here to sign: SSH_AUTH_SOCK is not set. Start one with eval $(ssh-agent), then ssh-add the key that you have registered")
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return click, fmt.Errorf(wanted+", and your ssh-agent does not answer: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	// The agent's keys: a private key itself never comes into this program.
	held, err := agent.NewClient(conn).Signers()
	if err != nil {
		return click, fmt.Errorf(wanted+", and your ssh-agent lists none: %w", err)
	}
	var prints []string
	// In the order in which they were registered, so that whoever has several knows which one is asked for.
	for _, k := range keys {
		prints = append(prints, sshkey.Print(k.Line))
		for _, signer := range held {
			if sshkey.Line(signer.PublicKey()) != k.Line {
				continue
			}
			if strings.HasPrefix(k.Line, "sk-") {
				fmt.Fprintln(p.out, "Touch your security key.")
			}
			click.Key, click.Nonce = k.Line, what.Nonce
			if click.Signature, err = what.Sign(signer); err != nil {
				return click, fmt.Errorf("your ssh-agent did not sign: %w", err)
			}
			return click, nil
		}
	}
	return click, fmt.Errorf(wanted+", and your ssh-agent has none of your registered keys that are valid by now: %s. Add one with ssh-add", strings.Join(prints, ", "))
}
