package data

import (
	"fmt"
	"slices"
	"strings"
)

// Generators are GenImage's eight, by the names that recipes use, each with what its folders' names contain
// in one or the other naming ("stable_diffusion_v_1_4", "Stable Diffusion V1.4", "imagenet_ai_0419_sdv4"),
// letters and digits alone.
var Generators = []struct {
	Name    string
	folders []string
}{
	{"adm", []string{"adm"}},
	{"biggan", []string{"biggan"}},
	{"glide", []string{"glide"}},
	{"midjourney", []string{"midjourney"}},
	{"sd14", []string{"sdv4", "sdv14", "sd14", "stablediffusionv14"}},
	{"sd15", []string{"sdv5", "sdv15", "sd15", "stablediffusionv15"}},
	{"vqdm", []string{"vqdm"}},
	{"wukong", []string{"wukong"}},
}

// GeneratorOf is the short name of a generator's folder, or the folder's own.
func GeneratorOf(folder string) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(folder))
	for _, g := range Generators {
		if slices.ContainsFunc(g.folders, func(part string) bool { return strings.Contains(plain, part) }) {
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
		name := GeneratorOf(p.generator)
		if !slices.Contains(have, name) {
			have = append(have, name)
		}
		for _, w := range wanted {
			if strings.EqualFold(w, name) || strings.EqualFold(w, p.generator) || GeneratorOf(w) == name {
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
