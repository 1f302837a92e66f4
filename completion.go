package main

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"
)

// This file is about what a word of a call of slogate may be.

// candidate is what a word may become.
type candidate struct{ word, about string }

// call is the part of a call before the word that is completed.
type call struct {
	command *kong.Node
	flag    *kong.Flag // whose value the word is; nil: it is none's
	given   []string   // names of flags
	args    []string
	slo     string // value of --slo
	onlyArg bool   // after --
}

// complete gives what the last of the words may be. The words are those after
// the program's name.
func complete(app *kong.Node, words []string) []candidate {
	if len(words) == 0 {
		words = []string{""}
	}
	word := words[len(words)-1]
	c := call{command: app}
	for _, w := range words[:len(words)-1] {
		c.take(w)
	}
	name, value, valued := strings.Cut(word, "=")
	switch flag := c.flagOf(name); {
	case c.flag != nil:
		return c.values(c.flag.Value, word)
	case valued && flag != nil:
		found := c.values(flag.Value, value)
		for i := range found {
			found[i].word = name + "=" + found[i].word
		}
		return found
	case strings.HasPrefix(word, "-") && !c.onlyArg:
		return startingWith(word, c.flags())
	case len(c.command.Children) > 0:
		return startingWith(word, commands(c.command))
	}
	return c.argument(word)
}

// take follows one word of the call.
func (c *call) take(word string) {
	name, value, valued := strings.Cut(word, "=")
	switch flag := c.flagOf(name); {
	case c.flag != nil:
		c.takeValue(c.flag, word)
		c.flag = nil
	case word == "--":
		c.onlyArg = true
	case flag != nil:
		c.given = append(c.given, flag.Name)
		if valued {
			c.takeValue(flag, value)
		} else if !flag.IsBool() {
			c.flag = flag
		}
	case strings.HasPrefix(word, "-") && !c.onlyArg:
		// a flag that does not exist
	case len(c.command.Children) > 0:
		i := slices.IndexFunc(c.command.Children, func(n *kong.Node) bool { return n.Name == word })
		if i >= 0 {
			c.command = c.command.Children[i]
		}
	default:
		c.args = append(c.args, word)
	}
}

// takeValue keeps what later words depend on.
func (c *call) takeValue(flag *kong.Flag, value string) {
	if flag.Name == "slo" {
		c.slo = value
	}
}

// flagOf finds the flag that is written as --name, nil for none.
func (c *call) flagOf(word string) *kong.Flag {
	name, long := strings.CutPrefix(word, "--")
	if !long || c.onlyArg {
		return nil
	}
	for _, group := range c.command.AllFlags(true) {
		for _, flag := range group {
			if flag.Name == name {
				return flag
			}
		}
	}
	return nil
}

// flags are those that were not given, or may be given again.
func (c *call) flags() []candidate {
	var all []candidate
	for _, group := range c.command.AllFlags(true) {
		for _, flag := range group {
			if flag.IsSlice() || !slices.Contains(c.given, flag.Name) {
				all = append(all, candidate{"--" + flag.Name, flag.Help})
			}
		}
	}
	return all
}

func commands(of *kong.Node) []candidate {
	var all []candidate
	for _, command := range of.Children {
		if !command.Hidden {
			all = append(all, candidate{command.Name, command.Help})
		}
	}
	return all
}

// argument completes a word that is neither a command nor a flag.
func (c *call) argument(word string) []candidate {
	args := c.command.Positional
	if len(args) == 0 {
		return nil
	}
	at := min(len(c.args), len(args)-1)
	if at < len(c.args) && !args[at].IsSlice() {
		return nil
	}
	return c.values(args[at], word)
}

// values completes the value of a flag or an argument, by its choice of words or
// its tag complete.
func (c *call) values(v *kong.Value, word string) []candidate {
	if v.Enum != "" {
		var all []candidate
		for _, choice := range v.EnumSlice() {
			if choice != "" {
				all = append(all, candidate{choice, ""})
			}
		}
		return startingWith(word, all)
	}
	switch kind := v.Tag.Get("complete"); kind {
	case "":
		return nil
	case "profile":
		return startingWith(word, c.profiles())
	case "command":
		return startingWith(word, commands(c.command.Parent))
	case "code":
		return startingWith(strings.ToUpper(word), codeCandidates())
	default:
		return files(word, strings.Split(kind, ","))
	}
}

func codeCandidates() []candidate {
	intro, _ := explanations(errorsDocument)
	var all []candidate
	for _, row := range codeRow.FindAllStringSubmatch(intro, -1) {
		all = append(all, candidate{row[1], row[2]})
	}
	return all
}

// profiles are those of the SLO file that the call names. One that cannot be
// read has none: this is no place to tell of errors.
func (c *call) profiles() []candidate {
	path := cmp.Or(c.slo, defaultFile)
	if args := c.command.Positional; c.slo == "" && len(c.args) > 0 && strings.Contains(args[0].Tag.Get("complete"), ".yaml") {
		path = c.args[0]
	}
	var file struct {
		Profiles yaml.Node `yaml:"profiles"`
	}
	text, err := readSLOFile(home(path)) // a pipe must not hold the shell
	if err != nil || yaml.Unmarshal(text, &file) != nil || file.Profiles.Kind != yaml.MappingNode {
		return nil
	}
	var all []candidate
	for i := 0; i < len(file.Profiles.Content); i += 2 {
		all = append(all, candidate{file.Profiles.Content[i].Value, "profile of " + path})
	}
	return all
}

// files gives the folders, and the files of one of the kinds, that a path may
// lead to: endings such as ".yaml", "*" for all, "/" for folders alone.
func files(path string, kinds []string) []candidate {
	folder, begin := filepath.Split(path)
	entries, err := os.ReadDir(filepath.Clean(home(folder)))
	if err != nil {
		return nil
	}
	var all []candidate
	for _, e := range entries {
		name := e.Name()
		info, err := os.Stat(filepath.Join(home(folder), name)) // where a link leads to
		switch {
		case !strings.HasPrefix(name, begin) || strings.HasPrefix(name, ".") && begin == "":
		case strings.ContainsFunc(name, unicode.IsControl):
		case err == nil && info.IsDir():
			all = append(all, candidate{folder + name + "/", ""})
		case slices.ContainsFunc(kinds, func(k string) bool { return k == "*" || k != "/" && strings.HasSuffix(name, k) }):
			all = append(all, candidate{folder + name, ""})
		}
	}
	return all
}

// home puts the user's folder in the place of ~, as the shell will.
func home(folder string) string {
	rest, ok := strings.CutPrefix(folder, "~/")
	if dir, err := os.UserHomeDir(); ok && err == nil {
		return dir + "/" + rest
	}
	return folder
}

func startingWith(word string, all []candidate) []candidate {
	return slices.DeleteFunc(all, func(c candidate) bool {
		return !strings.HasPrefix(c.word, word) || strings.ContainsFunc(c.word, unicode.IsControl)
	})
}
