package data

import (
	"fmt"
	"slices"
	"strings"
)

// Generators are GenImage's eight, by the names that recipes use, each with what its folders' names contain
// in one or the other naming ("stable_diffusion_v_1_4", "imagenet_ai_0419_sdv4").
var Generators = []struct {
	Name    string
	folders []string
}{
	{"adm", []string{"adm"}},
	{"biggan", []string{"biggan"}},
	{"glide", []string{"glide"}},
	{"midjourney", []string{"midjourney"}},
	{"sd14", []string{"sdv4", "stable_diffusion_v_1_4"}},
	{"sd15", []string{"sdv5", "stable_diffusion_v_1_5"}},
	{"vqdm", []string{"vqdm"}},
	{"wukong", []string{"wukong"}},
}

// generatorOf is the short name of a generator's folder, or the folder's own.
func generatorOf(folder string) string {
	lower := strings.ToLower(folder)
	for _, g := range Generators {
		if slices.ContainsFunc(g.folders, func(part string) bool { return strings.Contains(lower, part) }) {
			return g.Name
		}
	}
	return folder
}

// ofGenerators keeps the parts of some generators, called by short name or by folder; none keeps all.
func ofGenerators(parts []part, wanted []string) ([]part, error) {
	if len(wanted) == 0 {
		return parts, nil
	}
	var kept []part
	var have []string
	found := map[string]bool{}
	for _, p := range parts {
		name := generatorOf(p.generator)
		if !slices.Contains(have, name) {
			have = append(have, name)
		}
		for _, w := range wanted {
			if strings.EqualFold(w, name) || strings.EqualFold(w, p.generator) {
				kept = append(kept, p)
				found[w] = true
				break
			}
		}
	}
	for _, w := range wanted {
		if !found[w] {
			return nil, fmt.Errorf("no generator %q; there are %s", w, strings.Join(have, ", "))
		}
	}
	return kept, nil
}
