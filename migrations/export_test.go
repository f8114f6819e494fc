package migrations

// Locks lists what of a migration the test of statements refuses.
func Locks(text string) []string { return locks(text) }
