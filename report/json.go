package report

import (
	"io"

	"github.com/slogate/slogate/result"
)

// JSON writes the judged run as a result file, from which every other form
// can be made again.
func JSON(w io.Writer, r *result.Run) error { return result.Encode(w, r) }
