package compare

import "os"

// Options of Many.
type Options struct {
	Program   string // c-sched
	Shapes    []string
	Seed      uint64 // of the first cluster
	Decisions int
	Most      int // clusters that differ, then stop; 0: never
}

// Result of Many.
type Result struct {
	Decisions, Clusters int
	Different           []*Case
	Tally               *Tally
}

// Many compares clusters, each of the next shape and seed, until there were enough decisions.
func Many(o Options) (*Result, error) {
	folder, err := os.MkdirTemp("", "oracle-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	result := &Result{Tally: NewTally()}
	for result.Decisions < o.Decisions {
		shape := o.Shapes[result.Clusters%len(o.Shapes)]
		c, err := Run(o.Program, shape, o.Seed+uint64(result.Clusters), folder)
		if err != nil {
			return nil, err
		}
		result.Clusters++
		result.Decisions += len(c.Want)
		result.Tally.Add(shape, c.Want)
		if c.Lines == nil {
			continue
		}
		result.Different = append(result.Different, c)
		if len(result.Different) == o.Most {
			break
		}
	}
	return result, nil
}
