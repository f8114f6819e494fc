package steps

import "countersign/approval"

// revisions keeps the versions of a request as the schema does: each number once,
// one after the other, and what comes back to the reviewers is a new one unless an
// edit was refused. Decisions are on the current one only.
func (m *memStore) revisions(had, r *approval.Request) {
	if rev := r.Changes.Revision; rev != nil {
		if m.versions[r.ID] == nil {
			m.versions[r.ID] = map[int]*approval.Revision{}
		}
		if m.versions[r.ID][rev.Number] != nil || rev.Number != len(m.versions[r.ID])+1 || r.Revision.Number != rev.Number {
			panic("a revision out of order: " + r.ID)
		}
		m.versions[r.ID][rev.Number] = deepCopy(rev)
	}
	if had == nil {
		return
	}
	if had.State != approval.Pending && r.State == approval.Pending && had.Edit == nil && r.Changes.Revision == nil {
		panic("back before the reviewers without a new revision: " + r.ID)
	}
	if had.State == approval.Approved && r.State == approval.Pending && len(r.Decisions) > 0 {
		panic("an approval outlived its seal: " + r.ID)
	}
	if r.Edit != nil && r.State != approval.Drafting {
		panic("an edit outside of the drafting: " + r.ID)
	}
}
