// Package sandbox is the box in which approved code runs: create one, put the
// files in, start the code at most once, collect the result, kill the box.
//
// Its one rule: the host believes nothing that comes out of a box. What comes
// back is bytes; it is capped, checked for form and cleaned before anyone sees
// it, none of it is ever run, and a result without its end is never a success.
//
// The two kinds of box are the adapters in sandbox/local (gVisor) and
// sandbox/e2b (cloud microVMs). This package is what they share: the Python
// that goes into every box (runner/, embedded here) and the form in which a
// job goes in and a result comes out.
//
// # What goes in
//
// Every file of RunnerFiles, and one job: the bytes of a Packed, which hold the
// limits, the code and the inputs. Inputs are streams: their contents are never whole
// in the host's memory, nor in that of the runner. In the box, BASE being a folder of its own:
//
//	BASE/runner/       the runner, as RunnerFiles names its files, with the desk in it
//	BASE/job           those bytes; read once, then deleted
//	BASE/once/         made by the start command; whoever cannot make it does not start
//	BASE/work/         the code's working folder, with the inputs in it by name
//	BASE/out/          where the runner keeps charts and tables until they are sent
//	BASE/result.part   the result while it is written, which is when the code is dead: it holds the stamp
//	BASE/seen          what the witness in a cloud box has seen until now (seen.py)
//	BASE/line          the last line that was printed, to stdout or stderr, for whoever waits; data of whoever asked
//	BASE/result        the whole result: it appears by a rename, as the runner's last act
//
// StartCommand gives the shell line that starts it all. In a local box job and
// result are pipes (file descriptors 3 and 4) and work and out are mounts of
// their own; all else is the same.
//
// # Who does what in the box
//
//	supervise.py   makes the worker, then reads the job, hands it the code, reads what
//	               it prints, stops it at the time limit, kills whatever is left, and only
//	               then sends what there is to send
//	child.py       the worker as the supervisor sees it, and the pipes to it
//	printed.py     what the code prints, as much of it as may leave the box; its last line as it runs
//	machine.py     the box as a machine: users and signals, kills what is left, counts files
//	guard.py       closes a machine of its own before the code begins, and tries whether it is closed
//	calls.py       the system calls that the code may not make there
//	seen.py        the witness that stays there: files and programs, by the kernel's word
//	door.py        the only way out of there, to the hosts that were allowed
//	worker.py      imports pandas and pyplot, waits, runs the code as __main__; puts down what it
//	               said before tables and charts are written, which may take too long
//	show.py        turns the last expression and the figures into tables and charts; draws
//	               what the code gives to chart() at once, within the code's time
//	watch.py       hints at what the code opens, imports, connects to and spawns; the witness of a
//	               local box is its kernel (package witness)
//	collect.py     chooses and reads the files that go back
//	cells.py       what these could do to people: cells that a spreadsheet computes, pages
//	               that hold programs, bytes that are not what their name says; so much
//	               time as there is
//	inspect.py     has code read with ast and said what is in it; runs nothing
//	inspection/    how: findings.py (all rules, in their order), scope.py (what names mean),
//	               values.py (what texts come to), changes.py (which lists change, what calls are
//	               given by stars), patterns.py (what a match reads), listed.py (all that is not in
//	               known.json, the list of what is known to be harmless, which tools/known makes),
//	               worded.py (texts that are evaluated), named.py (methods that are called by their
//	               names), settings.py (what loads something), outputs.py
//	               (what files could do to people); and the layer that looks for what is known to
//	               be odd: deeds.py (imports, calls, what is reached for), masks.py (what is put in
//	               the place of something else), formulas.py (texts that pandas computes), places.py
//	               (files and addresses), tables.py (columns), endless.py (loops, memory), sizes.py
//	               (what is made too large, or takes too many turns), looks.py (what looks like
//	               something else, or never runs), unusual.py (what to look for)
//	inspection/claims/  what people are told, held against what is computed: told.py and telling.py
//	               (numbers that nobody has computed), digits.py (digits that change once a number is
//	               written), for which bare.py says what rests on nothing that was read and over.py
//	               what is typed into what was read; fudge.py and flow.py (figures
//	               typed into what is computed), swapped.py and drawn.py (values under another
//	               name than theirs, axes that mislead), in_place.py (values written over those that
//	               were read, by the memory of a column), spoken.py and called.py (words and names
//	               that claim what nothing witnesses, by origin.py, which says what a value was
//	               made by), witness.py (words that one step makes true or false), states.py (words
//	               for the state and the time of rows), turned.py and small.py (small factors, signs, what is held against a
//	               later value), units.py (units that nothing converts), dropped.py (rows that are
//	               dropped or stand twice)
//	needs.py       the packages that every box has to bring along
//	read.py        has data files read, in a process that may open them and do nothing else
//	desk/          how: opening.py (what a file is), texts.py and encoding.py (its characters),
//	               dialect.py, records.py and mending.py (its records, those too that do not
//	               fit), above.py (what stands above a table), delimited.py (them as
//	               a table), parts.py (rows on their way),
//	               layout.py (headings, titles, totals), kinds.py (what a written value is,
//	               roughly), values.py, columns.py and typed.py (types), totals.py (rows that
//	               sum others up), workbook.py, opendocument.py,
//	               sheets.py, objects.py, archive.py (other kinds), words.py (limits and
//	               refusals), reading.py (what is said of it, and the table by what was said),
//	               glimpse.py (what a model may see beyond its shape), telling.py (what a
//	               program tells people: a sentence, notes, tables, charts)
//	frames.py      the form below, as Python reads and writes it
//
// The reviewed code shares a process with the worker, so whatever the worker
// says is as good as what the code says. It does not share one with the
// supervisor, and that is why frames are stamped: the stamp comes with the job,
// after the worker has been made, so only the supervisor knows it.
//
// # The form of a job and of a result
//
// Both are a row of frames, numbers being big-endian:
//
//	16 bytes stamp | 1 byte kind | 4 bytes length of head | 4 bytes length of body | head | body
//
// The head is JSON, the body bytes. Kinds in a job: J (head: limits and stamp;
// always the first, its own stamp field is zero), C (body: the code), I (head:
// name and sha256; body: an input), Z (the end, which the host sends when every input was
// the sealed one, and before which nothing begins). A job to read has the files alone, after
// its head (seconds, memory), each with a G behind it, before which it is not touched; its result has for each file the pieces of its first
// table (F) and how it is read, or why not (R), both with the file's number. Kinds in a result: Y (ready;
// only ever the first, with a zero stamp, since no job has been read), O and E
// (body: what was printed to stdout and stderr), L (body: the last line of either, where only its end
// is kept; it is shown while the code runs, and is no part of the result), R (body: JSON, what there is to
// say), F (head: name, kind, alt; body: a file), Z (the end mark).
package sandbox
