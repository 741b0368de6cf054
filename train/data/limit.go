package data

import (
	"cmp"
	"slices"
)

// Limited keeps n pictures, drawn by seed, in the set's order. Both classes stay in their proportion, and in
// a class its generators; as long as n allows it, no class and no generator is lost. 0 keeps all.
func (s *Set) Limited(n int, seed uint64) *Set {
	if n <= 0 || n >= len(s.Items) {
		return s
	}
	var kept []int
	classes := grouped(indices(len(s.Items)), func(i int) int32 { return s.Items[i].Label })
	for k, quota := range quotas(n, classes) {
		generators := grouped(classes[k], func(i int) string { return s.Items[i].Generator })
		for g, quota := range quotas(quota, generators) {
			places := generators[g]
			for _, at := range Permutation(seed, uint32(places[0]), len(places))[:quota] {
				kept = append(kept, places[at])
			}
		}
	}
	slices.Sort(kept)
	return &Set{Items: chosen(nil, s.Items, kept), Skipped: s.Skipped}
}

func indices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// grouped puts places with the same key together, groups in order of appearance.
func grouped[K comparable](places []int, key func(i int) K) (groups [][]int) {
	at := map[K]int{}
	for _, i := range places {
		k, ok := at[key(i)]
		if !ok {
			k = len(groups)
			at[key(i)], groups = k, append(groups, nil)
		}
		groups[k] = append(groups[k], i)
	}
	return groups
}

// quotas parts n, at most as many as there are, among groups by their sizes (largest remainders), none below
// one if n suffices for that.
func quotas(n int, groups [][]int) []int {
	all := 0
	for _, g := range groups {
		all += len(g)
	}
	out, rest := make([]int, len(groups)), n
	for k, g := range groups {
		out[k] = n * len(g) / all
		if out[k] == 0 && n >= len(groups) {
			out[k] = 1
		}
		rest -= out[k]
	}
	short := indices(len(groups)) // those whose share was cut the most stand in front
	over := func(k int) int { return out[k]*all - n*len(groups[k]) }
	slices.SortStableFunc(short, func(a, b int) int { return cmp.Compare(over(a), over(b)) })
	for i := 0; rest > 0; i = (i + 1) % len(short) {
		if k := short[i]; out[k] < len(groups[k]) {
			out[k]++
			rest--
		}
	}
	for i := len(short) - 1; rest < 0; i = (i + len(short) - 1) % len(short) {
		if k := short[i]; out[k] > 1 {
			out[k]--
			rest++
		}
	}
	return out
}
