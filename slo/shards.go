package slo

import "fmt"

// checkShards refuses what several generators cannot do without knowing of each
// other. The nodes are the file's base target and its limit of connections.
func (p *parser) checkShards(base, connections *node) {
	n := p.opts.Shards
	if n < 2 {
		return
	}
	if p.file.Baseline.BaseTarget != "" {
		p.failOr(base, CodeShards, "base and head cannot be compared in shards: they take turns, which several generators would not take at the same time", "compare them with one generator, or compare the merged result with earlier ones")
	}
	if most := p.file.Limits.Connections; most > 0 && most < n {
		p.failOr(connections, CodeShards, fmt.Sprintf("the limits permit %d connections, %d shards need one each at least", most, n), limitsHint)
	}
	for _, s := range p.file.Stages {
		if s.Workload.Search {
			p.fail(s.Pos, 0, CodeShards, "the stage "+quote(s.Name)+" searches, which cannot be done in shards: each would look for a rate of its own", "give the stage a rate, or a profile without it to the shards")
		}
	}
}

// under is a value of a map that may not be there.
func under(n *node, key string) *node {
	if n == nil {
		return nil
	}
	return n.child(key)
}

// failOr reports an error of a node, or of the file where there is none.
func (p *parser) failOr(n *node, code Code, msg, hint string) {
	if n == nil {
		p.failFile(code, msg, hint)
		return
	}
	p.failNode(n, code, msg, hint)
}
