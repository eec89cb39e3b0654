package quantity

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"

	"k8s.io/apimachinery/pkg/api/resource"
)

// answer is what our program has to print for a text.
type answer struct {
	line   string
	ok     bool
	capped bool // the amount in units or in milli-units does not fit int64
}

func expect(text string) answer {
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return answer{line: "error"}
	}
	units, unitsCapped := scaled(q, 0)
	milli, milliCapped := scaled(q, resource.Milli)
	if units == math.MinInt64 {
		units++ // our cap is symmetrical
	}
	// Where the result fits, upstream's own int64 results are held to it too. Not for negative amounts, whose
	// rounding upstream makes depend on the way they were written, nor for zero, which upstream multiplies by 10
	// two thousand million times where its exponent says so.
	if q.Sign() > 0 {
		if got := q.Value(); !unitsCapped && got != units {
			panic(fmt.Sprintf("%q: Value() is %d, rounding up gives %d", text, got, units))
		}
		if got := q.MilliValue(); !milliCapped && got != milli {
			panic(fmt.Sprintf("%q: MilliValue() is %d, rounding up gives %d", text, got, milli))
		}
	}
	return answer{line: fmt.Sprintf("ok %d %d", units, milli), ok: true, capped: unitsCapped || milliCapped}
}

// scaled is the quantity in units of 10^scale, rounded away from zero by upstream's RoundUp, exact up to the caps
// of int64: Value() and MilliValue() wrap around or return 0 beyond them.
func scaled(q resource.Quantity, scale resource.Scale) (result int64, capped bool) {
	q = q.DeepCopy()
	q.RoundUp(scale)
	dec := q.AsDec()
	exponent := -int(dec.Scale()) - int(scale)
	unscaled := dec.UnscaledBig()
	sign := unscaled.Sign()
	if sign == 0 {
		return 0, false
	}
	if exponent < 0 {
		panic("RoundUp did not round")
	}
	if exponent <= 40 {
		value := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(exponent)), nil)
		value.Mul(value, unscaled)
		if value.IsInt64() {
			return value.Int64(), false
		}
	}
	if sign < 0 {
		return math.MinInt64, true
	}
	return math.MaxInt64, true
}

// maxSlowExponent bounds what upstream's slow path is asked: it raises 10 to the exponent.
const maxSlowExponent = 5000

var exponentSuffix = regexp.MustCompile(`[eE]([+-]?[0-9]+)$`)

// upstreamCanTell is false for strings whose parsing would cost upstream minutes and gigabytes, and for those
// whose exponent makes its 32-bit scale wrap around.
func upstreamCanTell(text string) bool {
	match := exponentSuffix.FindStringSubmatchIndex(text)
	if match == nil {
		return true
	}
	parsed, err := strconv.ParseInt(text[match[2]:match[3]], 10, 64)
	if err != nil {
		return true
	}
	exponent := int32(parsed)
	if exponent >= -maxSlowExponent && exponent <= maxSlowExponent {
		return true
	}
	takesFastPath := exponent > 0 && match[0] <= 17
	return takesFastPath
}
