package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"countersign/approval"
)

// Whoever decides on the command line says who they are in Slack, and nobody checks that.
// What the machine knows of them stands beside it, in the trail and in the direct message
// to the person whose name was used.

// seated puts beside a click who sits at this machine.
func (p program) seated(click approval.Click) (approval.Click, error) {
	seat := p.seat
	if seat == nil {
		seat = kernelSeat
	}
	who, machine, err := seat()
	if err != nil {
		return click, fmt.Errorf("nobody decides here whom this machine cannot name: %w", err)
	}
	click.OSUser, click.Machine = short(who), short(machine)
	return click, nil
}

// short bounds a name that a machine gives.
func short(name string) string {
	name = approval.Plain(name)
	return name[:min(len(name), 100)]
}

// kernelSeat asks the kernel, and no variable of the environment. Where it knows who has
// signed in, that is who it is: sudo makes nobody somebody else.
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
