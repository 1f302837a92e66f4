package kube

// ledger counts what happened to the pods since the first time that they were
// listed, also to those that are gone.
type ledger struct {
	known    map[string]int // restarts of each pod so far, by its UID; nil: none was listed
	old      map[string]bool
	restarts int
	killed   map[string]bool // containers' ends for want of memory
	evicted  map[string]bool // pods
}

// advance takes the pods of now. What the first list holds happened before.
func (l *ledger) advance(pods []pod) {
	first := l.known == nil
	if first {
		*l = ledger{known: map[string]int{}, old: map[string]bool{}, killed: map[string]bool{}, evicted: map[string]bool{}}
	}
	for _, p := range pods {
		id := p.Metadata.UID
		if !first {
			l.restarts += max(p.restarts()-l.known[id], 0)
		}
		l.known[id] = max(p.restarts(), l.known[id])
		for _, end := range p.memoryEnds() {
			l.note(l.killed, end, first)
		}
		if p.evicted() {
			l.note(l.evicted, id, first)
		}
	}
}

func (l *ledger) note(in map[string]bool, id string, before bool) {
	if before {
		l.old[id] = true
	} else if !l.old[id] {
		in[id] = true
	}
}

// memoryEnds names the ends of containers that the kernel killed for want of
// memory: the last one of each is known.
func (p pod) memoryEnds() []string {
	var ends []string
	for _, c := range p.Status.ContainerStatuses {
		for _, state := range []containerState{c.State, c.LastState} {
			if t := state.Terminated; t != nil && t.Reason == "OOMKilled" {
				ends = append(ends, p.Metadata.UID+" "+c.Name+" "+t.FinishedAt)
			}
		}
	}
	return ends
}
