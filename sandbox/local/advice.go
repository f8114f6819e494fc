package local

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"countersign/approval/steps"
	"countersign/sandbox"
)

// AppArmorProfile is what lets runsc make user namespaces as a plain user on
// Ubuntu 23.10 and later. It goes to /etc/apparmor.d/countersign-runsc.
func AppArmorProfile(runsc string) string {
	return "abi <abi/4.0>,\n" +
		"include <tunables/global>\n\n" +
		"profile countersign-runsc " + runsc + " flags=(unconfined) {\n" +
		"  userns,\n" +
		"}\n"
}

// advice turns a box that did not start into an error that says what to do.
// said is what runsc printed; it goes into the error, not to people.
func (s *machine) advice(err error, said string) error {
	// Who has words for people has said what to do.
	if _, ok := errors.AsType[*steps.BoxError](err); ok {
		return err
	}
	if lack, ok := errors.AsType[*sandbox.LackError](err); ok {
		return &steps.BoxError{Err: err, Words: fmt.Sprintf("The local sandbox is not fit for analyses: %s. On Debian and Ubuntu: apt-get install %s", lack, Packages)}
	}
	if said != "" {
		err = fmt.Errorf("%w (runsc: %s)", err, said)
	}
	words, retry := refusal(s.rootless, s.opt.Runsc, readSetting), false
	// No setting is in the way, so it may pass.
	if words == "" {
		words, retry = "The local sandbox did not start. `countersign doctor` tries it and shows what gVisor says.", true
	}
	return &steps.BoxError{Err: err, Words: words, Retry: retry}
}

// refusal names the setting of this machine that keeps a plain user from
// having boxes, if one does. Root is exempt from the rule of AppArmor and from Debian's older one, but
// not from a limit of none at all.
func refusal(rootless bool, runsc string, setting func(string) string) string {
	if setting("user/max_user_namespaces") == "0" {
		return "This machine allows no user namespaces, which gVisor needs: set the sysctl user.max_user_namespaces to 10000 or more."
	}
	if !rootless {
		return ""
	}
	if setting("kernel/apparmor_restrict_unprivileged_userns") == "1" {
		return "AppArmor refuses user namespaces to programs without a profile. Put this into /etc/apparmor.d/countersign-runsc, " +
			"then run `sudo apparmor_parser -r /etc/apparmor.d/countersign-runsc`:\n" + AppArmorProfile(runsc)
	}
	if setting("kernel/unprivileged_userns_clone") == "0" {
		return "This machine refuses user namespaces to plain users: set the sysctl kernel.unprivileged_userns_clone to 1, or run as root."
	}
	return ""
}

func readSetting(name string) string {
	data, err := os.ReadFile("/proc/sys/" + name)
	if err != nil {
		return "" // this kernel does not have it
	}
	return strings.TrimSpace(string(data))
}
