package pglocal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Dump writes a copy of a database into a file, in the custom format of Postgres, for nobody else to
// read. Who owns what and who may do what is not in it: whoever puts it back says that anew.
func Dump(ctx context.Context, address, file string) error {
	// Made beforehand, so that it is nobody else's from its first byte on.
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return err
	}
	return tool(ctx, "pg_dump", address, "--format=custom", "--no-owner", "--no-privileges", "--file="+file)
}

// Load puts such a copy into an empty database, all of it or nothing.
func Load(ctx context.Context, address, file string) error {
	return tool(ctx, "pg_restore", address, "--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", file)
}

// tool runs a program of Postgres on a database. The password goes by the environment: a command line is
// for everybody on the machine to read.
func tool(ctx context.Context, name, address string, args ...string) error {
	path, err := client(name)
	if err != nil {
		return err
	}
	bare, password := apart(address)
	cmd := exec.CommandContext(ctx, path, append([]string{"--dbname=" + bare}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	if password != "" {
		cmd.Env = append(cmd.Env, "PGPASSWORD="+password)
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		if text := strings.TrimSpace(said.String()); text != "" {
			err = errors.New(text)
		}
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// apart takes the password out of an address.
func apart(address string) (bare, password string) {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return address, ""
	}
	password, _ = u.User.Password()
	u.User = url.User(u.User.Username())
	return u.String(), password
}

// client is a program of Postgres for whoever uses a server: beside the newest server that is installed, or on the PATH.
func client(name string) (string, error) {
	if bin, err := installed().find(0); err == nil {
		if path, err := exec.LookPath(filepath.Join(bin, name)); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is not installed here, and must not be older than the server: sudo apt-get install -y postgresql-client", name)
	}
	return path, nil
}
