package bot

import (
	"context"
	"errors"
	"fmt"

	"countersign/approval"
	"countersign/bot/draw"
)

// Words says to a person what an error means to them, in plain text. What nobody
// has foreseen stays in the log, under a reference.
func (b *Bot) Words(err error) string {
	if text, ok := draw.Known(err); ok {
		return text
	}
	reference := approval.NewID(6)
	b.Log.Error("something went wrong", "reference", reference, "error", err)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("This took too long, so it may not have been saved. Please look, and try again if need be. Reference %s.", reference)
	}
	return fmt.Sprintf("Something went wrong on our side. Please try again; if it happens again, an administrator finds it in the log under reference %s.", reference)
}
