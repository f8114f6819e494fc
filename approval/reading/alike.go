package reading

import "strings"

// Two names that look the same are told apart by nobody who reads them: letters of other alphabets that look
// like ASCII's, and blanks. Which letters those are, the inspection of code says as well (runner/looks.py).

// twins are letters of other alphabets that look like ASCII's.
var twins = strings.NewReplacer(pairs("аеорсухіјѕԁһкмтнвАВЕКМНОРСТХІЈЅοαρνκιτΟΑΒΕΖΗΙΚΜΝΡΤΥΧɑɡıℓ", "aeopcyxijsdhkmtnbABEKMHOPCTXIJSoapvkitOABEZHIKMNPTYXagil")...)

func pairs(from, to string) (list []string) {
	ascii := []rune(to)
	for i, r := range []rune(from) {
		list = append(list, string(r), string(ascii[i]))
	}
	return list
}

// looks is how a name looks to somebody who reads it.
func looks(name string) string { return strings.Join(strings.Fields(twins.Replace(name)), " ") }

// Alike are those of some names that look like another one of them, the later of each two.
func Alike(names []string) (found []string) {
	first := map[string]string{}
	for _, n := range names {
		look := looks(n)
		if other, seen := first[look]; seen && other != n {
			found = append(found, n)
			continue
		}
		first[look] = n
	}
	return found
}
