package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/sandbox/local"
)

// machine is one that tools/setup finds itself on: a folder of programs that stand
// in for the machine's own, and files below /proc and /etc.
type machine struct {
	t           *testing.T
	root, clone string
}

// aMachine is a plain user's Debian, with all that the demo needs and no browser.
func aMachine(t *testing.T, clone string) *machine {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	m := &machine{t: t, root: root, clone: filepath.Join(root, clone)}
	for _, dir := range []string{"bin", "etc/apparmor.d", "etc/postgresql-common", "proc/sys/kernel", clone + "/tools/browser"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	for _, file := range []string{"go.mod", "tools/setup"} {
		text, err := os.ReadFile(filepath.Join("..", "..", file))
		require.NoError(t, err)
		m.program(filepath.Join(clone, file), string(text))
	}
	for _, name := range []string{"bash", "sed", "cut", "cat", "cmp", "tee", "mktemp", "rm", "find", "grep", "dirname", "env", "ls", "mkdir", "mv", "node"} {
		path, err := exec.LookPath(name)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(path, filepath.Join(root, "bin", name)))
	}
	for _, name := range []string{"gcc", "npm", "promtool"} {
		m.does(name, "")
	}
	m.does("id", "echo 1000")
	m.does("uname", `[ "$1" = -s ] && echo Linux || echo x86_64`)
	m.does("sudo", `echo "sudo $*" >>"$0.log"; exec "$@"`)
	m.does("apt-get", "")
	m.does("apparmor_parser", "")
	m.does("go", "echo go version go1.26.8 linux/amd64")
	m.does("apt-cache", "echo '  Candidate: 156.0-1~deb12u1'")
	return m
}

// does gives the machine a program.
func (m *machine) does(name, script string) {
	m.program(filepath.Join("bin", name), "#!/bin/sh\n"+script+"\n")
}

// program writes while nothing is forked: a child that still had the file open for
// writing would keep it from being run.
func (m *machine) program(path, text string) {
	m.t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	require.NoError(m.t, os.WriteFile(filepath.Join(m.root, path), []byte(text), 0o755))
}

// restricted is how Ubuntu's kernel says that a profile is needed.
func (m *machine) restricted() {
	m.program("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n")
}

// setup runs tools/setup.
func (m *machine) setup(what string, environ ...string) (out, errs string, ok bool) {
	m.t.Helper()
	cmd := exec.Command(filepath.Join(m.clone, "tools", "setup"), what)
	cmd.Env = []string{"PATH=" + filepath.Join(m.root, "bin"), "PG_BIN=/somewhere", "SETUP_PROC=" + filepath.Join(m.root, "proc"), "SETUP_ETC=" + filepath.Join(m.root, "etc")}
	cmd.Env = append(cmd.Env, environ...)
	var o, e strings.Builder
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	return o.String(), e.String(), err == nil
}

// asked is what sudo was asked for, a line each.
func (m *machine) asked() string {
	text, _ := os.ReadFile(filepath.Join(m.root, "bin", "sudo.log"))
	return string(text)
}

func TestSetupGivesGVisorItsProfileWhereAppArmorAsksForOne(t *testing.T) {
	t.Parallel()
	m := aMachine(t, "clone")
	m.restricted()
	out, errs, ok := m.setup("demo")
	require.True(t, ok, errs)
	profile := filepath.Join(m.root, "etc/apparmor.d/countersign-runsc")
	runsc := filepath.Join(m.clone, "libexec/runsc")
	require.Equal(t, "setup: installing "+profile+" (so that AppArmor lets "+runsc+" work)\n", out)
	require.Equal(t, "sudo tee "+profile+"\nsudo apparmor_parser -r "+profile+"\n", m.asked())
	text, err := os.ReadFile(profile)
	require.NoError(t, err)
	require.Equal(t, local.AppArmorProfile(runsc), string(text), "the words of the card and the doctor")

	out, errs, ok = m.setup("demo")
	require.True(t, ok)
	require.Empty(t, out+errs, "once is enough")
}

func TestSetupWritesNoProfileWhereNoneIsAskedFor(t *testing.T) {
	t.Parallel()
	elsewhere, asRoot := aMachine(t, "clone"), aMachine(t, "clone")
	asRoot.restricted()
	asRoot.does("id", "echo 0")
	for _, m := range []*machine{elsewhere, asRoot} {
		out, errs, ok := m.setup("demo")
		require.True(t, ok, errs)
		require.Empty(t, out+errs)
		require.NoFileExists(t, filepath.Join(m.root, "etc/apparmor.d/countersign-runsc"))
	}
}

func TestSetupSaysWhyThereIsNoProfile(t *testing.T) {
	t.Parallel()
	odd := aMachine(t, "my clone")
	odd.restricted()
	_, errs, ok := odd.setup("demo")
	require.False(t, ok)
	require.Regexp(t, `^setup: AppArmor needs a profile for .*/my clone/libexec/runsc and takes no such path: move this folder .*\n$`, errs)

	noSudo := aMachine(t, "clone")
	noSudo.restricted()
	require.NoError(t, os.Remove(filepath.Join(noSudo.root, "bin", "sudo")))
	_, errs, ok = noSudo.setup("demo")
	require.False(t, ok)
	require.Regexp(t, `^setup: not root and no sudo. Have root run this, or install: .*/countersign-runsc \(so that AppArmor lets .* work\)\n$`, errs)

	refused := aMachine(t, "clone")
	refused.restricted()
	refused.does("apparmor_parser", "echo no such abi >&2; exit 1")
	_, errs, ok = refused.setup("demo")
	require.True(t, ok, "code can run elsewhere")
	require.Equal(t, "no such abi\nsetup: the profile could not be loaded (why stands above); without it gVisor runs for root only\n", errs)
}

func TestSetupInstallsABrowser(t *testing.T) {
	t.Parallel()
	debian := aMachine(t, "clone")
	out, errs, ok := debian.setup("test")
	require.True(t, ok, errs)
	require.Regexp(t, `^setup: installing chromium`, out)
	require.Regexp(t, `apt-get -q -y --no-install-recommends install chromium`, debian.asked())

	chrome := aMachine(t, "clone")
	chrome.does("google-chrome", "")
	out, errs, ok = chrome.setup("test")
	require.True(t, ok, errs)
	require.Empty(t, out, "one is there")
}

func TestSetupUnpacksABrowserFromNpmWhereAptHasOnlyASnap(t *testing.T) {
	t.Parallel()
	const fetches = `mkdir -p node_modules/@sparticuz/chromium/bin && exec node -e 'require("fs").writeFileSync(
		"node_modules/@sparticuz/chromium/bin/chromium.br", require("zlib").brotliCompressSync("#!/bin/sh\nexit %s\n"))'`
	for _, candidate := range []string{"'  Candidate: (none)'", "'  Candidate: 2:1snap1-0ubuntu2'", ""} {
		ubuntu := aMachine(t, "clone")
		ubuntu.does("apt-cache", "echo "+candidate)
		ubuntu.does("npm", fmt.Sprintf(fetches, "0"))
		out, errs, ok := ubuntu.setup("test")
		require.True(t, ok, errs)
		require.Regexp(t, `(?m)^setup: apt has no Chromium that is not a snap: npm's @sparticuz/chromium goes to libexec, with libnss3 and fontconfig-config$`, out)
		require.NotContains(t, ubuntu.asked(), "install chromium")
		require.Regexp(t, `install .*libnss3 fontconfig-config\n`, ubuntu.asked())
		text, err := os.ReadFile(filepath.Join(ubuntu.clone, "libexec", "chromium"))
		require.NoError(t, err)
		require.Equal(t, "#!/bin/sh\nexit 0\n", string(text))
		require.NoDirExists(t, filepath.Join(ubuntu.clone, "tools", "browser", "node_modules"))

		out, errs, ok = ubuntu.setup("test")
		require.True(t, ok)
		require.Empty(t, out+errs, "once is enough")
	}
	for says, npm := range map[string]string{
		"no such host\nsetup: npm could not fetch the browser; its own words are above\n": "echo no such host >&2; exit 1",
		"setup: npm's Chromium does not start here; its own words are above\n":            fmt.Sprintf(fetches, "1"),
	} {
		ubuntu := aMachine(t, "clone")
		ubuntu.does("apt-cache", "")
		ubuntu.does("npm", npm)
		_, errs, ok := ubuntu.setup("test")
		require.False(t, ok)
		require.Equal(t, says, errs)
		require.NoFileExists(t, filepath.Join(ubuntu.clone, "libexec", "chromium"))
	}
	arm := aMachine(t, "clone")
	arm.does("apt-cache", "")
	arm.does("uname", `[ "$1" = -s ] && echo Linux || echo aarch64`)
	_, errs, ok := arm.setup("test")
	require.False(t, ok)
	require.Equal(t, "setup: the tests need a browser, and here neither apt nor npm has a Chromium that they can use: install one, then run this again\n", errs)
}

func TestSetupSaysAtOnceThatThisIsNoLinuxWithApt(t *testing.T) {
	t.Parallel()
	mac := aMachine(t, "clone")
	mac.does("uname", "echo Darwin")
	_, errs, ok := mac.setup("demo")
	require.False(t, ok)
	require.Equal(t, "setup: the demo runs code in gVisor, which needs Linux (Debian 12 or Ubuntu 24.04); this is Darwin. With a key of E2B the code runs there: E2B_API_KEY=... make demo. Or use a virtual machine with Linux\n", errs)
	_, errs, ok = mac.setup("test")
	require.False(t, ok)
	require.Regexp(t, "^setup: the tests need Linux .*; this is Darwin\n$", errs)
	_, errs, ok = mac.setup("build")
	require.True(t, ok, errs)
	out, errs, ok := mac.setup("demo", "E2B_API_KEY=key")
	require.True(t, ok, errs)
	require.Empty(t, out+errs, "code runs in the cloud, and Postgres is there")
	require.Empty(t, mac.asked())

	fedora := aMachine(t, "clone")
	require.NoError(t, os.Remove(filepath.Join(fedora.root, "bin", "apt-get")))
	out, errs, ok = fedora.setup("test")
	require.False(t, ok)
	require.Regexp(t, `^setup: there is no apt-get here, so please install these first \(named as Debian names them\): chromium`, errs)
	require.Empty(t, out+fedora.asked(), "nothing has been begun")
}

func TestSetupSaysWhichGoIsNeeded(t *testing.T) {
	t.Parallel()
	fetches := `[ -n "$GOTOOLCHAIN" ] && echo go version go1.22.2 linux/amd64 || echo go version go1.26.0 linux/amd64`
	for name, c := range map[string]struct{ script, says string }{
		"too old to read go.mod":   {"echo go version go1.19.8 linux/amd64", "setup: Go 1.26.0 is needed, or one from 1.21 on, which fetches it by itself; this is Go 1.19.8: https://go.dev/dl\n"},
		"old, and fetches the new": {fetches, ""},
		"old, and cannot fetch":    {`[ -n "$GOTOOLCHAIN" ] && echo go version go1.22.2 linux/amd64`, "setup: Go 1.26.0 is needed; this is Go 1.22.2, which could not fetch it: https://go.dev/dl\n"},
		"one of its own":           {"echo go version devel go1.27-abcdef linux/amd64", ""},
		"none at all":              {"", "setup: Go 1.26.0 is needed, and is not there: https://go.dev/dl\n"},
	} {
		m := aMachine(t, "clone")
		m.does("go", c.script)
		if c.script == "" {
			require.NoError(t, os.Remove(filepath.Join(m.root, "bin", "go")))
		}
		_, errs, ok := m.setup("build")
		require.Equal(t, c.says == "", ok, "%s: %s", name, errs)
		require.Equal(t, c.says, errs, name)
	}
}
