package gate

import (
	"strings"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// clusterOf computes an indicator of what the service's replicas did. It reports
// false where that was not seen, or did not happen: no scale-up is no quick one.
func clusterOf(ind slo.Indicator, use *result.ClusterUse) (float64, bool) {
	if use == nil {
		return 0, false
	}
	switch ind.Kind {
	case slo.ReplicasMax:
		return float64(use.ReplicasMax), use.ReplicasMax > 0
	case slo.ScaleUpTime:
		return micros(use.ScaleUp), use.ScaleUp > 0
	case slo.CPUMax:
		return use.CPUMax, use.CPUMax > 0
	case slo.Restarts:
		if use.Restarts != nil {
			return float64(*use.Restarts), true
		}
	}
	return 0, false
}

// clusterUnknown says why an indicator of the replicas has no value.
func (t *trial) clusterUnknown() string {
	use := t.s.Cluster
	if use != nil && use.ReplicasMax > 0 && t.Indicator.Kind == slo.ScaleUpTime {
		return "no more pods became ready in the stage than there were at its start"
	}
	return joined("the cluster did not show "+t.Indicator.String()+" in the stage", t.stage.clusterMissing)
}

// missingOf says what could not be seen of a cluster, and why.
func missingOf(t *result.Timeline) string {
	if t == nil {
		return "it was not watched"
	}
	return strings.Join(t.Missing, "; ")
}
