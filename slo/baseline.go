package slo

import (
	"fmt"
	"path/filepath"
	"regexp"
	"time"
)

// Defaults and limits of the baseline. Runs of more than a quarter of a year
// ago measured another service.
const (
	defaultLast     = 20
	defaultMaxAge   = 90 * 24 * time.Hour
	defaultMax      = 180 * time.Second
	longestAge      = 3660 * 24 * time.Hour
	maxBaselines    = 100
	baselineExample = "files: results/ or files: [a.json, b.json]"
)

// baseline reads which earlier results to compare with.
func (p *parser) baseline(n *node) {
	off := n != nil && n.kind == scalarNode && n.text == noBaseline
	if off {
		n = nil
	}
	o := objectOf[baselineDoc](p, n, "the baseline")
	o.exclude(p, "files", []string{"artifact", "branch"}, "the earlier results are files, or artifacts of workflow runs")
	p.file.Baseline = Baseline{
		Off:           off,
		Files:         p.resultFiles(o.get("files")),
		Artifact:      p.artifact(o.get("artifact")),
		Branch:        p.branch(o.get("branch")),
		Last:          int(p.count(o.get("last"), "last", defaultLast, maxBaselines)),
		MaxAge:        p.duration(o.get("max_age"), "max_age", defaultMaxAge, longestAge),
		Strict:        p.isOn(o.get("strict"), "strict", false),
		AllowMismatch: p.isOn(o.get("allow_mismatch"), "allow_mismatch", false),
		Required:      p.isOn(o.get("required"), "required", false),
		Schedule:      choice(p, o.get("schedule"), "schedule", Alternate, Mixed),
		Max:           p.duration(o.get("max"), "max", defaultMax, maxDuration),
	}
	p.baseTarget(o.get("base_target"))
	if ref := o.get("ref"); ref != nil {
		p.file.Baseline.Ref, _ = p.resultFile(ref)
	}
}

// noBaseline in the place of the whole block.
const noBaseline = "none"

// artifactName is what every server of artifacts takes, with room for what is
// added to it.
var artifactName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$`)

// artifact reads the first part of the name under which results are kept.
func (p *parser) artifact(n *node) string {
	name, ok := p.fixed(n, "the artifact")
	if ok && !artifactName.MatchString(name) {
		p.failNode(n, CodeBaseline, quote(name)+" cannot be the name of an artifact", "a name has up to 60 letters, digits and . _ - and begins with a letter or a digit")
	}
	return name
}

// branchName leaves out what Git refuses in a name and what means something
// in a list or an address.
var branchName = regexp.MustCompile(`^[^\x00-\x20\x7f~^:?*\[\\,#%]{1,255}$`)

// branch reads the branch whose results count.
func (p *parser) branch(n *node) string {
	name, ok := p.fixed(n, "the branch")
	if ok && !branchName.MatchString(name) {
		p.failNode(n, CodeBaseline, quote(name)+" is not the name of a branch", "it is written as main or release/1.x")
	}
	return name
}

// baseTarget reads the address of the service to compare with, from the
// options before the file.
func (p *parser) baseTarget(n *node) {
	b := &p.file.Baseline
	switch {
	case p.opts.BaseTarget != "":
		b.BaseTarget = p.overriding("base target", p.opts.BaseTarget)
		p.checkHost(nil, "the base target that overrides the file's", b.BaseTarget)
	case n != nil:
		b.BaseTarget = p.baseURL(n, "the base target")
		p.checkHost(n, "the base target", b.BaseTarget)
	}
}

// resultFiles reads one path or a list of them.
func (p *parser) resultFiles(n *node) []string {
	if n == nil {
		return nil
	}
	items := []*node{n}
	if n.kind == listNode {
		items = p.list(n, "files", maxBaselines)
	}
	var paths []string
	for _, item := range items {
		if path, ok := p.resultFile(item); ok {
			paths = append(paths, path)
		}
	}
	return paths
}

// resultFile reads a path that is relative to the SLO file and lies in the
// workspace, and gives it relative to the workspace. The file need not exist:
// the first run has no baseline yet.
func (p *parser) resultFile(n *node) (string, bool) {
	name, ok := p.fixed(n, "a result file")
	if !ok {
		return "", false
	}
	path, err := p.within(name)
	if err != nil {
		p.failNode(n, CodeBaseline, err.Error(), "a result file is relative to the SLO file and lies within the workspace: "+baselineExample)
		return "", false
	}
	return path, true
}

// within gives a path that is relative to the SLO file as one that is relative
// to the workspace, and refuses what lies outside. It does not look at the
// disk: who opens the file must not follow symbolic links out of it either.
func (p *parser) within(name string) (string, error) {
	if filepath.IsAbs(name) || name == "" {
		return "", fmt.Errorf("%s is not a relative path", quote(name))
	}
	workspace, err := filepath.Abs(p.opts.Workspace)
	if err != nil {
		return "", fmt.Errorf("find the workspace: %w", err)
	}
	full, err := filepath.Abs(filepath.Join(filepath.Dir(p.opts.Path), name))
	if err != nil {
		return "", fmt.Errorf("find the file: %w", err)
	}
	relative, err := filepath.Rel(workspace, full)
	if err != nil || !filepath.IsLocal(relative) {
		return "", fmt.Errorf("%s lies outside of the workspace", quote(name))
	}
	return relative, nil
}

// toRead is within for a file that is read now.
func (p *parser) toRead(name string) (string, error) {
	relative, err := p.within(name)
	if err == nil && p.opts.Reads != nil {
		p.opts.Reads(relative)
	}
	return relative, err
}
