// Package telemetry makes the steps of a request visible from outside: one
// OpenTelemetry trace per request, and Prometheus metrics.
//
// Its one idea: the core does not know about it. It wraps the parts that cmd wires
// together (the service that the bot calls, the jobs, the writer, the sandbox), so the
// program behaves the same without it.
//
// The ids of a request's trace and of its first span are computed from the request's
// id. So every replica adds to the same trace, even after a restart, and nothing has to
// be stored. Traces go to Langfuse by OTLP over HTTP when its keys
// are set, and nowhere otherwise. No question, no code and no word of an answer is put
// into a span unless the settings allow it (Options.Content), and no row of data ever is; of
// a question whose answer goes to its asker alone nothing is, whatever is set.
//
// # What the attributes rest on
//
// Looked up on 2026-11-26, with the date of each source:
//
//   - OpenTelemetry's conventions for generative AI have a repository of their own,
//     open-telemetry/semantic-conventions-genai (v0.1.0; the main repository has only
//     pointed there since v1.41.0). A call of a model is a CLIENT span named
//     "{gen_ai.operation.name} {gen_ai.request.model}". gen_ai.provider.name is
//     required, and "mistral_ai" is Mistral's value; it has taken the place of
//     gen_ai.system (semantic-conventions#2046, v1.37.0, 2025). error.type goes with a
//     span that ended in an error, and with no other. All of it still has the
//     status Development.
//   - Langfuse (source of 2026-08-22, OtelIngestionProcessor.ts) reads the name of
//     the trace, the session and the user from each span by itself: so every span
//     carries langfuse.trace.name, session.id and user.id.
//   - langfuse.observation.prompt.version is the number of a prompt that Langfuse keeps,
//     and means nothing without langfuse.observation.prompt.name. Servers before
//     langfuse#16805 (2026-08-29) drop the whole observation when it is a text. Our
//     prompt is no prompt of Langfuse's, so neither is ever sent; which
//     instructions a draft was written under stands in the observation's metadata.
//   - A span with the status Error is an observation of the level ERROR (same source).
//   - OTLP comes in over HTTP only, at /api/public/otel, with Basic auth (langfuse.com,
//     integrations/native/opentelemetry).
package telemetry
