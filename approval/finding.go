package approval

// The kinds of findings. Whatever is computed from findings (the tier of a
// request, what a run did beyond what was said) goes by these and by About, never
// by the sentences, which are for people.
const (
	KindImport      = "import"         // About: the module, or several
	KindMissing     = "missing module" // imported, not installed, and done without
	KindRead        = "read"           // About: the file; empty when its name is computed
	KindWrite       = "write"          // the same
	KindDelete      = "delete"
	KindList        = "list"    // names of files
	KindNetwork     = "network" // About: the host, or the function that connects
	KindProcess     = "process"
	KindMachineCode = "machine code"
	KindDynamic     = "dynamic code" // text that is run
	KindReflection  = "reflection"   // reaches Python's own machinery, or what cannot be followed
	KindPickle      = "pickle"
	KindThread      = "thread"
	KindSignal      = "signal"
	KindExit        = "exit"        // runs after the end, or ends without one
	KindEnvironment = "environment" // variables
	KindSystem      = "system"
	KindChange      = "change" // puts something else in the place of a library's function
	KindMisleading  = "misleading"
	KindPacked      = "packed" // text that cannot be read
	KindLoop        = "loop"
	KindMemory      = "memory"
	KindWait        = "wait"
	KindLongLine    = "long line"
	KindUnusedFile  = "unused file"
	KindColumn      = "column"
	KindNotListed   = "not listed" // About: the name, which is not on the list of harmless ones
	KindOutput      = "output"     // what its files could do to people
	KindMore        = "more"       // how many are not listed
)

// FindingKinds lists all of them.
func FindingKinds() []string {
	return []string{KindImport, KindMissing, KindRead, KindWrite, KindDelete, KindList, KindNetwork, KindProcess, KindMachineCode,
		KindDynamic, KindReflection, KindPickle, KindThread, KindSignal, KindExit, KindEnvironment, KindSystem, KindChange,
		KindMisleading, KindPacked, KindLoop, KindMemory, KindWait, KindLongLine, KindUnusedFile, KindColumn, KindNotListed, KindOutput, KindMore}
}

// Level grades a finding.
type Level string

// The levels of a finding.
const (
	Note    Level = "note"
	Caution Level = "caution"
	Danger  Level = "danger"
)

// Finding is one thing that the inspection of the code saw.
type Finding struct {
	Level Level  `json:"level"`
	Line  int    `json:"line,omitempty"`
	Text  string `json:"text"`
	Kind  string `json:"kind,omitempty"`  // one of FindingKinds; empty in findings of old
	About string `json:"about,omitempty"` // what it names: a file, a host, a module; ordinary imports in one, separated by ", "
}
