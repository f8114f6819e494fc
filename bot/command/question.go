package command

import (
	"regexp"
	"strings"

	"countersign/approval"
	"countersign/bot/ids"
)

// choosesModel is how a question begins that names its model. Keyboards make a dash of two
// hyphens.
var choosesModel = regexp.MustCompile(`(?is)^(?:--|[–—-])model(?:\s*=\s*|\s+|$)(\S*)\s*(.*)$`)

// Question reads what somebody asks: "--model NAME" in front of it names the model that writes.
func Question(text string) (model, question string, err error) {
	found := choosesModel.FindStringSubmatch(strings.TrimSpace(text))
	if found == nil {
		return "", text, nil
	}
	if found[1] == "" || found[2] == "" {
		return "", "", &approval.InputError{Why: approval.Words("Name the model, then ask. For example: " + ids.CommandAnalyze + " --model codestral-2508 What were sales per month in sales.csv?")}
	}
	return found[1], found[2], nil
}
