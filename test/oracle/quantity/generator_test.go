package quantity

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// corners are asked in every run.
var corners = []string{
	"", "0", "+", "-", ".", "+.", "m", "n", "Ki", "Ti", "Pi", "Ei", ".Pi", "E", "e", "e5", "e-9", "e-10", ".e-10",
	"0e-10", "0Pi", "00000000000000000000", "9223372036854775806", "9223372036854775807", "9223372036854775808",
	"-9223372036854775807", "-9223372036854775808", "-9223372036854775809", "9223372036854775.807",
	"9223372036854775.808", "-9223372036854775.808", "-9223372036854775.809", "7Ei", "8Ei", "-8Ei", "10E", "10P",
	"1e18", "1e19", "1e2147483647", "1e4294967296", "1e4294967299", "1e9223372036854775807", "1e9223372036854775808",
	"1e-9223372036854775808", "0.1n", "-0.1n", "1.5n", "-1.5n", "1.5Ki", "-1.5Ki", "0.1Ki", "0.0009765625Ki",
	"9007199254740991Ki", "9007199254740992Ki", "8388607Ti", "8388608Ti", "1000000n", "1000001n", "1.0000000001",
}

var (
	suffixes = []string{"", "", "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"}
	signs    = []string{"", "", "", "", "+", "-"}
	alphabet = []rune("0123456789" + "0123456789" + "..+-eEinumkKMGTP" + "eEi xX_,KB\t\né٣")
	// boundaries are digits around the values where int64, the caps and upstream's paths end.
	boundaries = []string{
		"9223372036854775807", "9223372036854775808", "9223372036854775806", "18446744073709551615",
		"18446744073709551616", "999999999999999999", "1000000000000000000", "9007199254740992", "9007199254740991",
		"8796093022208", "8589934592", "8388608", "8192", "8191", "1024", "1023", "7", "8",
	}
)

type generator struct{ *rand.Rand }

func pick[T any](g generator, from []T) T { return from[g.IntN(len(from))] }

// text is a string of any sort, without NUL.
func (g generator) text() string {
	switch n := g.IntN(100); {
	case n < 50:
		return g.valid()
	case n < 65:
		return g.boundary()
	case n < 90:
		return g.mutated()
	default:
		return g.garbage()
	}
}

func (g generator) valid() string {
	return pick(g, signs) + g.number() + g.suffix()
}

func (g generator) number() string {
	switch g.IntN(5) {
	case 0:
		return g.digits(1+g.IntN(20)) + "." + g.digits(g.IntN(20))
	case 1:
		return g.digits(1+g.IntN(3)) + "." + g.digits(1+g.IntN(4))
	case 2:
		return strings.Repeat("0", g.IntN(12)) + pick(g, []string{"", "."}) + g.digits(1+g.IntN(25))
	case 3:
		return g.digits(1 + g.IntN(45))
	default:
		return g.digits(1 + g.IntN(6))
	}
}

// digits often ends in zeros or is nothing else, since rounding looks there.
func (g generator) digits(n int) string {
	zeros := 0
	if g.IntN(3) == 0 {
		zeros = g.IntN(n + 1)
	}
	text := make([]byte, n)
	for i := range text {
		text[i] = '0'
		if i < n-zeros {
			text[i] += byte(g.IntN(10))
		}
	}
	return string(text)
}

func (g generator) suffix() string {
	if g.IntN(4) > 0 {
		return pick(g, suffixes)
	}
	exponent := int64(g.IntN(61) - 30)
	switch g.IntN(20) {
	case 0:
		exponent = int64(g.IntN(20001) - 10000)
	case 1:
		exponent += pick(g, []int64{1 << 32, -1 << 32, 5 << 32, 1 << 31, 1 << 62})
	}
	plus := ""
	if exponent >= 0 {
		plus = pick(g, []string{"", "+", "0", "+000"})
	}
	return pick(g, []string{"e", "E"}) + plus + fmt.Sprint(exponent)
}

// boundary is a value at a limit, perhaps with its point moved.
func (g generator) boundary() string {
	number := pick(g, boundaries)
	if g.IntN(2) == 0 {
		at := g.IntN(len(number) + 1)
		number = number[:at] + "." + number[at:]
	}
	if g.IntN(4) == 0 {
		number += g.digits(1 + g.IntN(3))
	}
	return pick(g, signs) + number + g.suffix()
}

// mutated is a valid string with one to three characters put in, taken out or replaced.
func (g generator) mutated() string {
	text := []rune(g.valid())
	for n := 1 + g.IntN(3); n > 0; n-- {
		at := g.IntN(len(text) + 1)
		switch {
		case at < len(text) && g.IntN(3) == 0:
			text = append(text[:at], text[at+1:]...)
		case at < len(text) && g.IntN(2) == 0:
			text[at] = pick(g, alphabet)
		default:
			text = append(text[:at], append([]rune{pick(g, alphabet)}, text[at:]...)...)
		}
	}
	return string(text)
}

func (g generator) garbage() string {
	if g.IntN(3) == 0 {
		text := make([]byte, g.IntN(7))
		for i := range text {
			text[i] = byte(1 + g.IntN(255))
		}
		return string(text)
	}
	text := make([]rune, g.IntN(12))
	for i := range text {
		text[i] = pick(g, alphabet)
	}
	return string(text)
}
