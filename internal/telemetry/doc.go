// Package telemetry makes the steps of a request visible from outside: one
// OpenTelemetry trace per request, and Prometheus metrics.
//
// Its one idea: the core knows nothing of it. It wraps what cmd wires (the
// service that the bot calls, the jobs, the writer, the sandbox), so a program
// without it behaves the same.
//
// A request's trace and the id of its first span are derived from the request's
// id, so every replica, also after a restart, adds to the same trace without
// having stored anything. Traces go to Langfuse by OTLP over HTTP when its keys
// are set, and nowhere otherwise. No question, no code and no row of data is ever
// put into a span.
package telemetry
