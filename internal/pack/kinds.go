package pack

// The kinds of event that a verifier has to understand. The program has constants of its own in package approval,
// which a verifier does not import: whoever checks it takes none of its word. That both spell them alike, a test
// holds against the schema, which refuses any other kind.
const (
	kindAsked            = "asked"
	kindRefusedDraft     = "refused draft"
	kindDrafted          = "drafted"
	kindSealedAnew       = "sealed anew"
	kindEdited           = "edited"
	kindOpened           = "opened review"
	kindApproved         = "approved"
	kindRejected         = "rejected"
	kindChangesRequested = "changes requested"
	kindDisowned         = "disowned"
	kindBrokeGlass       = "broke glass"
	kindLookedAtGlass    = "looked at glass"
	kindDisownedGlass    = "disowned glass"
	kindStarted          = "started"
	kindFinished         = "finished"
	kindMismatch         = "mismatch"
	kindFailed           = "failed"
	kindVoided           = "voided"
	kindLost             = "lost"
	kindExpired          = "expired"
	kindWithdrawn        = "withdrawn"
	kindSettled          = "settled"
	kindNamed            = "named"
	kindRemoved          = "removed"
	kindRestored         = "restored"
	kindKnownAs          = "known as"
	kindPacked           = "packed"
	kindSetRules         = "set rules"
	kindDelegated        = "delegated"
	kindDelegationEnded  = "delegation ended"
	kindRegisteredKey    = "registered key"
	kindRemovedKey       = "removed key"
)
