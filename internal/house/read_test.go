package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// room is a folder with Go files: what they import, and how large things in it are.
type room struct {
	files      map[string]*source  // by name
	methods    map[string]int      // by type, outside of tests
	interfaces map[string][]string // what stands in each interface: methods, and the interfaces that it embeds
}

// source is one file of a room.
type source struct {
	test    bool
	lines   int
	imports []string
}

// walk calls visit with every file below the repository's root that is ours, by its path from there.
func walk(t *testing.T, visit func(file string)) {
	t.Helper()
	root := os.DirFS("../..")
	require.NoError(t, fs.WalkDir(root, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		switch {
		case d.IsDir() && file != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || name == "bin" || name == "libexec"):
			return fs.SkipDir
		case !d.IsDir():
			visit(file)
		}
		return nil
	}))
}

// read reads every room. Files of other systems count as well, so build tags are not looked at.
func read(t *testing.T) map[string]*room {
	t.Helper()
	rooms := map[string]*room{}
	walk(t, func(file string) {
		if path.Ext(file) != ".go" {
			return
		}
		dir := path.Dir(file)
		if rooms[dir] == nil {
			rooms[dir] = &room{files: map[string]*source{}, methods: map[string]int{}, interfaces: map[string][]string{}}
		}
		rooms[dir].add(t, file)
	})
	require.NotEmpty(t, rooms)
	return rooms
}

// add reads one file into its room.
func (r *room) add(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile("../../" + file)
	require.NoError(t, err)
	tree, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
	require.NoError(t, err)
	s := &source{test: strings.HasSuffix(file, "_test.go"), lines: lines(text)}
	r.files[path.Base(file)] = s
	names := map[string]string{} // the folder of ours that a name in this file stands for
	for _, spec := range tree.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		require.NoError(t, err)
		s.imports = append(s.imports, imported)
		name := path.Base(imported)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if ours, ok := within(imported); ok {
			names[name] = ours
		}
	}
	if s.test {
		return
	}
	for _, decl := range tree.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Recv != nil {
				r.methods[receiver(decl.Recv.List[0].Type)]++
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				named, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				if face, ok := named.Type.(*ast.InterfaceType); ok {
					r.interfaces[named.Name.Name] = members(face, path.Dir(file), names)
				}
			}
		}
	}
}

// lines counts as an editor does.
func lines(text []byte) int { return strings.Count(string(text), "\n") }

// within is the folder of an import of ours.
func within(imported string) (folder string, ours bool) {
	if imported == module {
		return ".", true
	}
	return strings.CutPrefix(imported, module+"/")
}

// receiver names the type of a method, without its star and its parameters.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "?"
}

// members lists an interface's methods as "Name", and what it embeds as "folder.Name".
func members(face *ast.InterfaceType, folder string, names map[string]string) (list []string) {
	for _, field := range face.Methods.List {
		for _, name := range field.Names {
			list = append(list, name.Name)
		}
		switch embedded := field.Type.(type) {
		case *ast.Ident:
			list = append(list, folder+"."+embedded.Name)
		case *ast.SelectorExpr:
			if pkg, ok := embedded.X.(*ast.Ident); ok && names[pkg.Name] != "" {
				list = append(list, names[pkg.Name]+"."+embedded.Sel.Name)
			}
		}
	}
	return list
}

// breadth is how many methods an interface has, with those that it embeds.
func breadth(rooms map[string]*room, folder, name string) int {
	methods := map[string]bool{}
	var collect func(folder, name string)
	collect = func(folder, name string) {
		if rooms[folder] == nil {
			return
		}
		for _, member := range rooms[folder].interfaces[name] {
			if i := strings.LastIndex(member, "."); i >= 0 {
				collect(member[:i], member[i+1:])
			} else {
				methods[member] = true
			}
		}
	}
	collect(folder, name)
	return len(methods)
}

// all are the files of a room that are tests, or are not.
func (r *room) all(tests bool) (names []string) {
	for name, s := range r.files {
		if s.test == tests {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
