package codegen

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
)

func TestExactlyOneWholeBlockIsCode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ answer, code, prose string }{
		"plain":            {"It adds.\n\n```python\n1 + 1\n```\n", "1 + 1\n", "It adds."},
		"words on both":    {"Before.\n```py\n1\n```\nAfter.", "1\n", "Before.\nAfter."},
		"no language":      {"```\n1\n```", "1\n", ""},
		"tildes":           {"~~~Python3\n1\n~~~", "1\n", ""},
		"line ends":        {"It adds.\r\n```python\r\na\r\nb\r\n```\r\n", "a\nb\n", "It adds."},
		"longer fence":     {"````python\nx = '''\n```\n'''\n````", "x = '''\n```\n'''\n", ""},
		"tildes inside":    {"```python\n~~~\n```", "~~~\n", ""},
		"in a list":        {"1. It:\n   ```python\n   if a:\n       b\n\n   ```\n", "if a:\n    b\n\n", "1. It:"},
		"attributes":       {"```python title=\"x\"\n1\n```", "1\n", ""},
		"braces":           {"```{python}\n1\n```", "1\n", ""},
		"other language":   {"```python\n1\n```\nIt prints\n```text\n1\n```", "1\n", "It prints\n" + leftOut},
		"output unmarked":  {"```python\n1\n```\nIt prints\n```\n   a\n0  1\n```", "1\n", "It prints\n" + leftOut},
		"output first":     {"It prints\n```\n42 rows of x\n```\nby\n```py\nx = 1\n```", "x = 1\n", "It prints\n" + leftOut + "\nby"},
		"output of two":    {"```\nimport pandas as pd\nx = 1\n```\nIt prints\n```\n1 rows in total\n```", "import pandas as pd\nx = 1\n", "It prints\n" + leftOut},
		"twice the same":   {"```python\nx = 1\n```\nOnce more:\n```python\nx = 1\n```", "x = 1\n", "Once more:"},
		"ipython":          {"```ipython\n1\n```", "1\n", ""},
		"version":          {"```python3.11\n1\n```\n", "1\n", ""},
		"end behind code":  {"It adds.\n```python\nx = 1\nprint(x)```\nDone.", "x = 1\nprint(x)\n", "It adds.\nDone."},
		"thought before":   {"<think>\nPerhaps\n```python\nos\n```\n</think>\nIt adds.\n```python\n1\n```", "1\n", "It adds."},
		"thought, no mark": {"Perhaps\n```python\nos\n```\n</think>\n\nIt adds.\n```python\n1\n```", "1\n", "It adds."},
		"thought only":     {"<think>\nPerhaps\n```python\nos\n```", "", ""},
		"thought after":    {"Sure.\n<think>\nPerhaps\n```python\nos\n```\n</think>\nIt adds.\n```python\n1\n```", "1\n", "Sure.\n\nIt adds."},
		"thought in vain":  {"Sure.\n<think>\nPerhaps\n```python\nos\n```", "", "Sure."},
		"marks of its own": {"It cuts.\n```python\nx = s.split(\"</think>\")[-1]\nprint(x)\n```\n", "x = s.split(\"</think>\")[-1]\nprint(x)\n", "It cuts."},
		"marks in a text":  {"It keeps <think> apart.\n```python\nx = \"<think>\"\n```\n", "x = \"<think>\"\n", "It keeps <think> apart."},
		"marks on a line":  {"```python\nx = \"\"\"\n<think>\na\n</think>\n\"\"\"\nprint(x)\n```", "x = \"\"\"\n<think>\na\n</think>\n\"\"\"\nprint(x)\n", ""},
		"a file's name":    {"```python:analysis.py\n1\n```", "1\n", ""},
		"how it is shown":  {"```{.python .numberLines startFrom=\"1\"}\n1\n```", "1\n", ""},
		"with a comma":     {"```py,linenos\n1\n```", "1\n", ""},
		"begins too early": {"```python import pandas as pd\nprint(1)\n```", "import pandas as pd\nprint(1)\n", ""},
		"byte order mark":  {"\ufeffimport pandas as pd\nx = 1\n", "import pandas as pd\nx = 1\n", ""},
		"magistral":        {"[THINK]Hm.[/THINK]It adds.\n```python\n1\n```", "1\n", "It adds."},
		"bare":             {"import pandas as pd\n\ndf = pd.read_csv(\"sales.csv\")\n# all of it\ntotal = df[\"units\"].sum()\nf\"sold: {total}\"\n", "import pandas as pd\n\ndf = pd.read_csv(\"sales.csv\")\n# all of it\ntotal = df[\"units\"].sum()\nf\"sold: {total}\"\n", ""},
		"bare, long":       {"\r\nfrom pathlib import Path\r\nx = [\r\n    \"a ```\"\r\n    'b',\r\n]\r\nfor i in x:\r\n    if not i: continue\r\n    print(i, sep='')\r\n", "from pathlib import Path\nx = [\n    \"a ```\"\n    'b',\n]\nfor i in x:\n    if not i: continue\n    print(i, sep='')\n", ""},
		"prose like code":  {"x is not in the data", "", "x is not in the data"},
		"one word":         {"No", "", "No"},
		"a number":         {"42", "", "42"},
		"fence in string":  {"```python\nx = \"\"\"\n```\nnot the end\n```\n\"\"\"\nprint(x)\n```\nDone.", "x = \"\"\"\n```\nnot the end\n```\n\"\"\"\nprint(x)\n", "Done."},
		"lone quote":       {"```python\nx = 1  # don't and \"\"\" are no strings\n```", "x = 1  # don't and \"\"\" are no strings\n", ""},
		"escaped quotes":   {"```python\nx = '\\'' + \"\\\"\" + '''\\''' '''\n```", "x = '\\'' + \"\\\"\" + '''\\''' '''\n", ""},
		"open string":      {"```python\nx = \"\"\"oops\n```\nEnd.", "x = \"\"\"oops\n", "End."},
		"code in the line": {"Use ```pd.sum()``` here.\n```python\n1\n```", "1\n", "Use ```pd.sum()``` here."},
		"prose":            {" I cannot. \n", "", "I cannot."},
		"backticks alone":  {"Write `x` and ``y``.\n```a``` is no block.", "", "Write `x` and ``y``.\n```a``` is no block."},
		"nothing":          {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, prose, err := Extract(c.answer)
			require.NoError(t, err)
			require.Equal(t, c.code, code)
			require.Equal(t, c.prose, prose)
		})
	}
}

func TestWhatIsNotOneProgramIsRefusedWithAHint(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ answer, words, repair string }{
		"two":              {"```python\n1\n```\n```python\n2\n```", "The answer held more than one program.", "exactly one"},
		"one and unnamed":  {"```python\nx = 1\n```\n```\nx = 2\n```", "The answer held more than one program.", "exactly one"},
		"bare with prose":  {"It adds.\nimport pandas as pd\nx = 1\n", "The answer held a program without a code block.", "exactly one"},
		"bare, no end":     {"import pandas as pd\nx = (1,\n", "The answer held a program without a code block.", "exactly one"},
		"two unnamed":      {"```\n   a\n0  1\n```\n```\nwords and more words\n```", "The answer held more than one program.", "exactly one"},
		"two programs":     {"```\nx = 1\n```\n```\nx = 2\n```", "The answer held more than one program.", "exactly one"},
		"no end":           {"It adds.\n```python\n1 +", "The code block has no end.", "never closed"},
		"no end, string":   {"```python\nx = '''\n1", "The code block has no end.", "never closed"},
		"shorter end":      {"````python\n1\n```", "The code block has no end.", "never closed"},
		"second has none":  {"```python\n1\n```\n```python\n2", "The code block has no end.", "never closed"},
		"another language": {"```sql\nSELECT 1\n```", "The answer held no Python program.", "```python"},
		"empty":            {"```python\n\n  \n```", "The answer held an empty program.", "was empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, _, err := Extract(c.answer)
			var e *steps.WriterError
			require.ErrorAs(t, err, &e)
			require.Empty(t, code)
			require.Equal(t, c.words, e.Words)
			require.Contains(t, e.Repair, c.repair)
			require.False(t, e.Retry)
		})
	}
}

func TestAFenceThatIsLongEnoughHoldsAnyCode(t *testing.T) {
	t.Parallel()
	code, _, err := Extract(Fenced("x = 1\n```\n````python\n"))
	require.NoError(t, err)
	require.Equal(t, "x = 1\n```\n````python\n", code)
}

func FuzzExtract(f *testing.F) {
	for _, s := range []string{"```python\n1\n```", "a\n~~~\nb\n~~~~\nc", "```python\n'''\n```\n'''\n```", "   ````\n\t```\r\n````", "```sql\n```\n```\n```", "x = 1\ny = (x)", "00=\\", "0=0&\r", "```\n1\r\r\n```",
		"<think>a</think>```py\nx```"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		code, prose, err := Extract(answer)
		if err != nil {
			var e *steps.WriterError
			require.ErrorAs(t, err, &e)
			require.Empty(t, code)
			require.NotEmpty(t, e.Repair)
			return
		}
		// Nothing is made up: every line of the code and the prose stands in the answer.
		for _, line := range strings.Split(code+prose, "\n") {
			if line != leftOut {
				require.Contains(t, strings.ReplaceAll(answer, "\r\n", "\n"), line)
			}
		}
		if code != "" {
			require.True(t, strings.Contains(answer, "```") || strings.Contains(answer, "~~~") || isPython(strings.Split(code, "\n")))
			// What is shown as one program is one program when it is quoted again, as the prompt of a follow-up does.
			again, _, err := Extract(Fenced(code))
			require.NoError(t, err)
			require.Equal(t, strings.TrimRight(code, "\n"), strings.TrimRight(again, "\n"))
		}
	})
}

func TestWhatAModelSaysBesideItsProgram(t *testing.T) {
	t.Parallel()
	const program = "Adds it up.\n\n```python\nimport pandas as pd\nprint(1)\n```\n"
	d, failed := read(program + "\n```next\n- Per region?\n2. Per month?\n\n* In 2023?\n```\n")
	require.Nil(t, failed)
	require.Equal(t, "import pandas as pd\nprint(1)\n", d.Code)
	require.Equal(t, "Adds it up.", d.Summary)
	require.Equal(t, []string{"Per region?", "Per month?", "In 2023?"}, d.Next)

	d, failed = read("I am not sure.\n```question\nWhich year do you mean,\nand which region?\n- 2023\n- 2024 <!channel>\n- a\n- b\n- c\n```")
	require.Nil(t, failed)
	require.Empty(t, d.Code)
	require.Equal(t, &approval.Clarification{Question: "Which year do you mean, and which region?", Choices: []string{"2023", "2024", "a", "b"}}, d.Ask)

	d, failed = read(program + "```question\nNet or gross?\n```")
	require.Nil(t, failed)
	require.Nil(t, d.Ask, "a program is a program")
	require.Equal(t, "Adds it up.\n\nThe model was in doubt: Net or gross?", d.Summary)

	for answer, repair := range map[string]string{
		"```question\n- 2023\n```":                     "held no question",
		"```question\nA?\n```\n\n```question\nB?\n```": "more than one question",
		"```question\nA?\n":                            "never closed",
		"```question\nA?\n```\n```python\nprint(1)":    "never closed",
		"```next\nPer region?\n```\n```python\n\n```":  "empty",
	} {
		_, failed := read(answer)
		require.NotNil(t, failed, answer)
		require.Contains(t, failed.Repair, repair, answer)
	}
	_, failed = read("```next\nPer region?\n```")
	require.NotNil(t, failed, "what could be asked next is no answer")
	d, failed = read("```python\ns = \"\"\"\n```question\nA?\n```\n\"\"\"\nprint(s)\n```")
	require.Nil(t, failed)
	require.Nil(t, d.Ask, "what stands in a string is not asked")
}
