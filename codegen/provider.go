package codegen

// Provider is who is asked for a model, in OpenTelemetry's spelling of
// gen_ai.provider.name.
func (m *Mistral) Provider(string) string { return "mistral_ai" }
