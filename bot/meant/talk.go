package meant

import (
	"slices"
	"strings"
	"unicode"

	"countersign/bot/draw"
)

// Talk is what somebody says who asks nothing.
type Talk string

// The sorts of small talk. It is answered at once, without a model and without a card.
const (
	NoTalk   Talk = ""
	Greeting Talk = "greeting"
	Thanks   Talk = "thanks"
	Farewell Talk = "farewell"
	Help     Talk = "help"
)

// Words by which people greet, thank and leave, in the languages in which that is often
// done by one word. A sentence is small talk only when it has no other words than these
// and the fillers.
var talk = map[Talk][]string{
	Greeting: strings.Fields("hi hello hey hiya howdy morning afternoon evening greetings yo hallo moin servus salut bonjour hola ciao guten ola namaste hej привет"),
	Thanks: strings.Fields("thanks thank thx ty tysm cheers danke merci gracias grazie obrigado obrigada tak спасибо great perfect awesome nice cool lovely " +
		"brilliant excellent wonderful super amazing"),
	Farewell: strings.Fields("bye goodbye cya tschüss adieu night"),
}

var fillers = strings.Fields("good there you all everyone everybody team bot countersign very much so a lot many again that is was it this works job work ok okay " +
	"tag morgen abend dear friend guys folks for the help your day to and see later of")

// asksForHelp are the whole sentences by which people ask what the bot is for.
var asksForHelp = []string{"help", "help me", "help please", "please help", "hilfe", "what can you do", "what do you do", "who are you", "what are you", "how does this work",
	"how do you work", "how do i use this", "how do i use you", "how can you help", "how can you help me", "what is this"}

// mostTalk is how many words small talk has. More of them say something.
const mostTalk = 8

// TalkOf tells whether a text is small talk, and of which sort. What it is not sure of is
// a question.
func TalkOf(text string) Talk {
	words := strings.FieldsFunc(emojiless(strings.ToLower(text)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' })
	if slices.Contains(asksForHelp, strings.Join(words, " ")) {
		return Help
	}
	// A question mark makes it a question, whatever its words: "thanks?" may want something.
	if len(words) == 0 || len(words) > mostTalk || strings.Contains(text, "?") {
		return NoTalk
	}
	found := NoTalk
	for _, word := range words {
		sort := sortOf(word)
		if sort == NoTalk && !slices.Contains(fillers, word) {
			return NoTalk
		}
		if found == NoTalk || sort == Thanks {
			found = sort // "hi, thanks" is thanks
		}
	}
	return found
}

// sortOf says which kind of small talk a word is.
func sortOf(word string) Talk {
	for _, sort := range []Talk{Greeting, Thanks, Farewell} {
		if slices.Contains(talk[sort], word) {
			return sort
		}
	}
	return NoTalk
}

// emojiless takes :wave: and the like out of a text.
func emojiless(text string) string {
	pieces := strings.Split(text, ":")
	var kept []string
	for i, piece := range pieces {
		name := i > 0 && i < len(pieces)-1 && piece != "" && strings.Trim(piece, "abcdefghijklmnopqrstuvwxyz0123456789_+-") == ""
		if !name {
			kept = append(kept, piece)
		}
	}
	return strings.Join(kept, " ")
}

// Words by which people say that a message is about its own files and no others: "only these",
// "just with the attached file", "nur diese Datei". Between them stands nothing of weight. What
// is pointed at is a file: "only this year" is about the data.
var (
	only   = strings.Fields("only just solely nur seulement solo")
	light  = strings.Fields("use take read with from in of at about for the my mit aus von für die der das den dem avec de la le les con el los las il")
	points = strings.Fields("this these diese diesen dieser dieses dies diesem ce cet cette ces este esta estos estas esto questo questa questi queste")
	files  = strings.Fields("one ones file files attachment attachments upload uploads datei dateien fichier fichiers archivo archivos please here bitte hier")
	comes  = strings.Fields("attached uploaded angehängte angehängten")
)

// Only tells whether a text narrows a question to the files that come with it.
func Only(text string) bool {
	words := strings.Fields(strings.ToLower(text))
	for i, word := range words {
		if slices.Contains(only, bare(word)) && pointsAtFiles(words[i+1:]) {
			return true
		}
		if bare(word) == "alone" && (pointsAtFiles(words[max(0, i-2):i]) || pointsAtFiles(words[max(0, i-1):i])) { // "this file alone"
			return true
		}
	}
	return false
}

// pointsAtFiles tells whether words begin with what comes with a message, or with a file's name.
func pointsAtFiles(words []string) bool {
	for len(words) > 0 && slices.Contains(light, words[0]) {
		words = words[1:]
	}
	switch {
	case len(words) == 0:
		return false
	case draw.Data(bare(words[0])), slices.Contains(comes, bare(words[0])):
		return true
	case !slices.Contains(points, bare(words[0])):
		return false
	}
	ends := len(words) == 1 || bare(words[0]) != words[0] // "only this, please"
	return ends || slices.Contains(files, bare(words[1])) || draw.Data(bare(words[1]))
}

// bare is a word without the signs around it.
func bare(word string) string {
	return strings.TrimFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}
