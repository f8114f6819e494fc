package approval

import (
	"net/netip"
	"path"
	"slices"
	"strings"
)

// connections are those that no finding is about. A finding can name a host, or
// only the function that connects; if none names a host, any may have been meant.
func (a announced) connections(seen []string) (surprises []string) {
	hosts, nameless := map[string]bool{}, false
	for _, f := range a.findings {
		if f.Kind == KindNetwork && connects(f.About) {
			nameless = true
		} else if f.Kind == KindNetwork {
			hosts[hostOf(f.About)] = true
		}
	}
	if nameless && len(hosts) == 0 {
		return nil
	}
	found := false
	for _, entry := range seen {
		host := hostOf(strings.TrimPrefix(entry, "looks up "))
		_, err := netip.ParseAddr(host)
		switch {
		case hosts[host]:
			found = true
		case err == nil && found: // the address that an announced host has
		default:
			surprises = append(surprises, entry)
		}
	}
	return surprises
}

// connects tells whether a finding is about a function that connects to what is
// computed as the code runs, and not about a host.
func connects(about string) bool {
	return slices.Contains([]string{"", "urlopen", "urlretrieve", "create_connection", "create_server"}, about) ||
		strings.HasPrefix(about, "asyncio.") || strings.HasPrefix(about, "logging.") || strings.HasPrefix(about, "pandas.")
}

// hostOf is the host of "host:port", in the form in which two of them compare.
func hostOf(address string) string {
	if _, err := netip.ParseAddr(address); err == nil {
		return address
	}
	if at := strings.LastIndexByte(address, ':'); at >= 0 && strings.Trim(address[at+1:], "0123456789") == "" {
		address = address[:at]
	}
	return strings.ToLower(strings.TrimSuffix(address, "."))
}

// processes are those that no finding explains.
func (a announced) processes(seen []string) (surprises []string) {
	for _, entry := range seen {
		if !slices.ContainsFunc(a.findings, func(f Finding) bool { return f.Kind == KindProcess && explains(f.About, entry) }) {
			surprises = append(surprises, entry)
		}
	}
	return surprises
}

// Findings about processes that explain certain programs only.
var (
	copies    = []string{"os.fork", "os.forkpty", "fork", "forkpty", "ProcessPoolExecutor"}
	clipboard = []string{"to_clipboard", "pandas.read_clipboard"}
	programs  = map[string][]string{
		"latex":        {"latex", "pdflatex", "xelatex", "lualatex", "dvipng", "dvips", "kpsewhich", "luatex", "gs"},
		"to_clipboard": {"xclip", "xsel", "wl-copy", "wl-paste", "pbcopy", "pbpaste", "klipper", "qdbus", "which"},
	}
)

// explains tells whether a finding about a process says that this was to start.
func explains(about, started string) bool {
	words := strings.Fields(started)
	switch {
	case about == "os.kill" || about == "os.killpg":
		return false
	case slices.Contains(copies, about) || strings.HasPrefix(about, "concurrent."):
		return started == "a copy of itself"
	case about == "latex":
		return len(words) > 0 && slices.Contains(programs["latex"], path.Base(words[0]))
	case slices.Contains(clipboard, about) || strings.HasPrefix(about, "pandas.io.clipboard"):
		return len(words) > 0 && slices.Contains(programs["to_clipboard"], path.Base(words[0]))
	}
	return true
}
