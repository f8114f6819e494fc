// Package pglocal is a private Postgres, run from the programs that are already
// installed on this machine: the demo's database and the tests'.
//
// Its one idea: the server is a child of this process and of nobody else. It
// listens on no port, only on a socket in a folder that others cannot enter, and
// it knows people by who they are on this machine, so there is no password. It
// ends when this process ends, however that comes about. Open is for commands that
// are soon over: they go into the server that another process runs.
//
// Its one rule: data is never thrown away. A data folder is opened by the major
// version of Postgres that wrote it or not at all, and it is initialised only
// where there is none: whatever else is found there is left alone and reported.
//
// A folder looks like this:
//
//	lock          held by the process that has the folder open
//	guests        held by the commands that are in its server
//	data/         the cluster; it belongs to the user that Postgres runs as
//	socket/       the socket, where its path is not too long for one
//	pg_hba.conf   who may connect: the users of pg_ident.conf, through the socket
//	pg_ident.conf written anew at every start
//	postgres.log  what the server said
package pglocal
