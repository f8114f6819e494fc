// Package pglocal runs a private Postgres from the programs that are installed on this
// machine. It is the database of the demo and of the tests.
//
// Its one idea: the server is a child of this process. It listens on no port, only on a
// socket in a folder that other users cannot enter, and it identifies users by their
// account on this machine, so there is no password. It has two roles: one that owns all
// tables, and one that works in them. Both are the same account, so this keeps out
// mistakes and injected SQL, and nobody who has that account. It ends when this process ends,
// even after a kill. Open is for short commands: they use the server that another
// process runs.
//
// Its one rule: data is never deleted. Only the major version of Postgres that wrote a
// data folder opens it, and a cluster is initialised only where the folder is empty;
// anything else found there is left alone and reported.
//
// Libraries that embed Postgres download its programs and start them on a TCP port with
// a password. Here nothing is downloaded, and nobody else can reach the server: that is
// why this package is our own.
//
// A folder looks like this:
//
//	lock          held by the process that has the folder open
//	guests        held by the commands that use its server
//	data/         the cluster; it belongs to the user that Postgres runs as
//	socket/       the socket, where its path is not too long for one
//	pg_hba.conf   who may connect: the users of pg_ident.conf, through the socket
//	pg_ident.conf written anew at every start
//	postgres.log  what the server said
package pglocal
