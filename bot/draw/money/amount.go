package money

import (
	"strings"

	"countersign/budget"
)

// Dollars writes an amount as people say it: whole dollars without cents.
// It is exact where u has fractions of a cent. Most, Spent and Left round first, each to the side on which
// nobody is promised too much.
func Dollars(u budget.USD) string { return strings.TrimSuffix(u.String(), ".00") }

// Most writes what something costs at most, rounded up to a cent, so that no bound is passed by rounding.
func Most(u budget.USD) string {
	if 0 < u && u <= budget.Cent {
		return "1 cent"
	}
	return Dollars((u + budget.Cent - 1) / budget.Cent * budget.Cent)
}

// Spent writes what something has cost, rounded up to a cent. What is next to nothing is still something:
// many calls cost less than a cent, and "0" would look like a fault.
func Spent(u budget.USD) string {
	if 0 < u && u < budget.Cent {
		return "under 1 cent"
	}
	return Most(u)
}

// Left writes what is left of a budget. It rounds down, so that nobody is promised
// more than there is.
func Left(u budget.USD) string {
	if 0 < u && u < budget.Cent {
		return "under 1 cent"
	}
	return Dollars(max(0, u) / budget.Cent * budget.Cent)
}
