package slo

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"

	"github.com/slogate/slogate/secret"
)

// Code names a kind of error. Codes are stable: a tool may rely on them.
type Code string

// The kinds of errors, in groups of ten: the YAML text, the shape of the
// document, single values, requests, objectives, values in strings, checks,
// limits, and what scenarios carry along; from 100 on, what parts of the file
// say against each other, what a stranger's file may not do, profiles, protocols
// and documents beside the file.
const (
	CodeSyntax      Code = "SLO001" // not YAML
	CodeTooLarge    Code = "SLO002" // more bytes than a file may have
	CodeEncoding    Code = "SLO003" // not UTF-8
	CodeEmpty       Code = "SLO004" // nothing in the file
	CodeDocuments   Code = "SLO005" // more than one YAML document
	CodeTooDeep     Code = "SLO006" // nested too deeply, or too many values once aliases are followed
	CodeUnsupported Code = "SLO007" // YAML that is not accepted here: tags, keys that are no text
	CodeVersion     Code = "SLO008" // a version that this slogate does not know

	CodeMisread     Code = "SLO010" // YAML reads the text otherwise than meant
	CodeDuplicate   Code = "SLO011" // the same key twice
	CodeUnknownKey  Code = "SLO012" // a key that is not accepted at its place
	CodeKind        Code = "SLO013" // text, list or map where another is needed
	CodeMissing     Code = "SLO014" // a key that is needed is not there
	CodeCombination Code = "SLO015" // keys that exclude or need each other
	CodeName        Code = "SLO016" // a name that is empty, too long or not printable
	CodeNameTwice   Code = "SLO017" // a name that is taken
	CodeTooMany     Code = "SLO018" // more or fewer entries than accepted

	CodeDuration Code = "SLO020" // not a duration
	CodeRate     Code = "SLO021" // not a rate
	CodeNumber   Code = "SLO022" // not a whole number
	CodeSwitch   Code = "SLO023" // neither on nor off
	CodeStatus   Code = "SLO024" // not a status code or a range of them
	CodeRange    Code = "SLO025" // a number outside of the accepted range
	CodeChoice   Code = "SLO026" // none of the accepted words

	CodeTarget   Code = "SLO030" // a target that cannot be loaded
	CodeRequest  Code = "SLO031" // not METHOD PATH
	CodeHeader   Code = "SLO032" // a header that must not be sent
	CodeBodyFile Code = "SLO033" // a body file that cannot or must not be read
	CodeJSON     Code = "SLO034" // a value that JSON cannot hold
	CodeService  Code = "SLO035" // a service that cannot be built or started

	CodeObjective   Code = "SLO040" // not INDICATOR CMP BOUND
	CodeIndicator   Code = "SLO041" // an unknown indicator
	CodeBound       Code = "SLO042" // a bound of the wrong unit, or one that decides nothing
	CodeBaseline    Code = "SLO043" // a baseline that cannot be used, or a comparison with it that decides nothing
	CodeNoStage     Code = "SLO044" // an objective on a stage that does not exist
	CodeNotJudged   Code = "SLO045" // an objective on a stage that is not judged
	CodeNothingDone Code = "SLO046" // no stage is judged
	CodeNoStep      Code = "SLO047" // an objective on a scenario or a step that does not exist
	CodeWindow      Code = "SLO048" // a window that a stage does not have

	CodeTemplate Code = "SLO050" // a value in ${…} that is not closed or has wrong arguments
	CodeValue    Code = "SLO051" // an unknown value in ${…}
	CodeEnv      Code = "SLO052" // an environment variable that is not set or must not be read
	CodePlace    Code = "SLO053" // a value that may not stand at this place

	CodeCheck     Code = "SLO060" // an expression that does not compile
	CodeCheckType Code = "SLO061" // an expression that is neither true nor false
	CodeCheckCost Code = "SLO062" // an expression that could take too long

	CodeLimit Code = "SLO070" // a plan that exceeds a limit
	CodeHost  Code = "SLO071" // a host that the limits do not allow
	CodeHosts Code = "SLO072" // not a pattern of hosts

	CodeCapture    Code = "SLO080" // a capture that is not one, or whose name cannot be used
	CodeUnmade     Code = "SLO081" // a capture that is used before it is made
	CodeColumn     Code = "SLO082" // a column where there is no row, or that the data does not have
	CodeData       Code = "SLO083" // a data file that cannot or must not be used
	CodeRows       Code = "SLO084" // rows of a data file that are not as they must be
	CodeFewRows    Code = "SLO085" // rows that do not suffice for the load
	CodeNoScenario Code = "SLO086" // a stage of a scenario that does not exist

	CodeUnloaded     Code = "SLO100" // an objective on a scenario or a step that its stage does not load
	CodeUntrusted    Code = "SLO110" // a value of the environment for a host that may not get it
	CodeProfile      Code = "SLO120" // a profile that does not exist
	CodeProfileStage Code = "SLO121" // a profile of a stage that does not exist
	CodeMerge        Code = "SLO122" // a merge key (<<) without a map
	CodeParallel     Code = "SLO123" // what cannot be beside another workload at the same time
	CodeMediaType    Code = "SLO130" // not a media type
	CodeAddress      Code = "SLO131" // not an address that can be connected to or from
	CodeProxy        Code = "SLO132" // not a proxy
	CodeCertificate  Code = "SLO133" // a certificate or key that cannot be used
	CodeAuth         Code = "SLO134" // an auth that cannot be used
	CodeMeasure      Code = "SLO135" // a measure that is not one, or that no step has
	CodeProtocol     Code = "SLO150" // a protocol that the target cannot be spoken to in
	CodeTLS          Code = "SLO151" // TLS that cannot be had
	CodeStream       Code = "SLO152" // a stream that cannot be read so, or events where there is none
	CodeServiceName  Code = "SLO153" // not the address of a service, or not a name
	CodeGRPC         Code = "SLO154" // a method of gRPC that cannot be called, a message that it does not take, or a .proto file that does not compile
	CodeMetric       Code = "SLO155" // a query that is none, or a metric that no query gives
	CodePrometheus   Code = "SLO156" // not the address of a Prometheus server
	CodeProfiling    Code = "SLO157" // a CPU profile that cannot be taken
	CodeKubernetes   Code = "SLO160" // not a name of Kubernetes
	CodeUnwatched    Code = "SLO161" // an objective on replicas that nobody watches
	CodeDocument     Code = "SLO170" // a document of another kind (OpenAPI, HAR, Postman) that cannot be read
	CodeShards       Code = "SLO171" // what several generators cannot do together
)

// Error is one fault of an SLO file.
type Error struct {
	Code   Code
	File   string // as the user named it; empty: the fault is not in a file
	Line   int    // from 1; 0: the file as a whole
	Column int    // in characters, from 1; 0: the line as a whole
	Width  int    // how many characters are at fault; 0: unknown
	Msg    string // repeats texts of the user in full, in quotes: they are cut where it is shown
	Hint   string // what to do, in the same form; may be empty
	Source string // the line of the file; empty where there is none to show
}

// Error gives the fault in one line, without the hint. Nothing in it can
// reach a terminal or a log as a command.
func (e *Error) Error() string {
	return e.place() + string(e.Code) + ": " + shown(e.Msg)
}

// Place returns where the fault is; see the fields.
func (e *Error) Place() (file string, line, column int) { return e.File, e.Line, e.Column }

func (e *Error) place() string {
	switch {
	case e.File == "":
		return ""
	case e.Line == 0:
		return harmless(e.File) + ": "
	case e.Column == 0:
		return fmt.Sprintf("%s:%d: ", harmless(e.File), e.Line)
	}
	return fmt.Sprintf("%s:%d:%d: ", harmless(e.File), e.Line, e.Column)
}

// Advice is the hint, on one line; empty where there is none.
func (e *Error) Advice() string { return shown(e.Hint) }

// Pretty gives the fault with the line of the file, a mark below what is at
// fault, and the hint. It ends in a line feed.
func (e *Error) Pretty() string {
	var b strings.Builder
	b.WriteString(e.Error() + "\n")
	if e.Source != "" && e.Line > 0 {
		line, mark := e.excerpt()
		gutter := strconv.Itoa(e.Line)
		fmt.Fprintf(&b, " %s | %s\n", gutter, line)
		if mark != "" {
			fmt.Fprintf(&b, " %s | %s\n", strings.Repeat(" ", len(gutter)), mark)
		}
	}
	if e.Hint != "" {
		b.WriteString("hint: " + e.Advice() + "\n")
	}
	return b.String()
}

// excerptWidth is how much of a line is shown: with the gutter it fits a
// terminal of 100 columns.
const excerptWidth = 90

// excerpt gives the part of the line round the fault, and the mark below it.
func (e *Error) excerpt() (line, mark string) {
	runes := []rune(harmless(e.Source))
	at := min(max(e.Column-1, 0), len(runes))
	from := 0
	if at > excerptWidth*2/3 {
		from = at - excerptWidth/3
	}
	to := min(from+excerptWidth, len(runes))
	line = strings.TrimRight(string(runes[from:to]), " ")
	if e.Column == 0 {
		return line, ""
	}
	end := min(at+max(e.Width, 1), to)
	width := runewidth.StringWidth(string(runes[at:max(end, at)]))
	indent := runewidth.StringWidth(string(runes[from:at]))
	return line, strings.Repeat(" ", indent) + "^" + strings.Repeat("~", max(width-1, 0))
}

// ErrorList holds all faults of a file, sorted by position.
type ErrorList []*Error

// Error gives one line for each fault.
func (es ErrorList) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the faults.
func (es ErrorList) Unwrap() []error {
	errs := make([]error, len(es))
	for i, e := range es {
		errs[i] = e
	}
	return errs
}

// Pretty gives every fault as [Error.Pretty] does, with an empty line between
// two of them.
func (es ErrorList) Pretty() string {
	blocks := make([]string, len(es))
	for i, e := range es {
		blocks[i] = e.Pretty()
	}
	return strings.Join(blocks, "\n")
}

// without takes secrets out, which what is wrong with a value may quote.
func (es ErrorList) without(secrets []string) ErrorList {
	mask := secret.NewMask(secrets)
	for _, e := range es {
		e.Msg, e.Hint = mask.Text(e.Msg), mask.Text(e.Hint)
	}
	return es
}

func (es ErrorList) sort() {
	slices.SortStableFunc(es, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Code, b.Code))
	})
}

// harmless replaces what could move a cursor, end a line or be read as a
// workflow command of the CI. It keeps the number of characters.
func harmless(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return '\uFFFD'
		}
		return r
	}, s)
	return strings.ReplaceAll(s, "##[", "##(")
}

// quote repeats a user's text in a message, on one line. It does not cut it:
// where the text holds a secret, the beginning of that would stay.
func quote(s string) string { return strconv.Quote(s) }

// quoteWidth is how many characters of a user's text a message shows: enough to
// recognise it, and the line itself is shown below.
const quoteWidth = 60

// quoted is a text in quotes, as quote writes it.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// shown is a message as it is printed: harmless, and the texts in it cut.
func shown(msg string) string { return harmless(quoted.ReplaceAllStringFunc(msg, cutQuote)) }

func cutQuote(q string) string {
	text, err := strconv.Unquote(q)
	if err != nil {
		text = q[1 : len(q)-1] // a mask stands in an escape
	}
	if runes := []rune(text); len(runes) > quoteWidth {
		return strconv.Quote(string(runes[:quoteWidth-1]) + "…")
	}
	return q
}

// nearest gives the known word that the user probably meant, or "".
func nearest(word string, known []string) string {
	best, distance := "", max(len(word)/3, 1)+1
	for _, k := range known {
		if d := editDistance(strings.ToLower(word), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// meant is the known word that an unknown one stands for, by its spelling or in
// another tool, or "".
func meant(word string, known []string) string {
	if k := ours(word, known); k != "" {
		return k
	}
	return nearest(word, known)
}

// didYouMean ends a message about an unknown word.
func didYouMean(word string, known []string) string {
	if k := meant(word, known); k != "" {
		return ", did you mean " + quote(k) + "?"
	}
	return ""
}

// editDistance counts the insertions, deletions, replacements and swaps of
// neighbours between two words. Long words are never near.
func editDistance(a, b string) int {
	const long = 64
	if len(a) > long || len(b) > long {
		return long
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := last[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(last[j]+1, row[j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
