package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"truegrain/train/data"
	"truegrain/train/data/audit"
)

// CheckCmd decodes every picture and lists those that can't be read.
type CheckCmd struct {
	Source  []string `arg:"" help:"Folders, indexes or shards."`
	Out     string   `short:"o" placeholder:"FILE" help:"The list to write (default: unreadable.csv, if there is anything to list); 'data index --exclude' takes it."`
	Exclude []string `placeholder:"FILE" help:"Don't look at what a list names."`
	JSON    bool     `help:"Print the counts as JSON."`
}

// Run checks. A list that nobody asked for is not left behind empty.
func (c *CheckCmd) Run(ctx context.Context, t *terminal) error {
	list := cmp.Or(c.Out, "unreadable.csv")
	w, end := t.work("check", c.Exclude)
	r, err := data.Check(ctx, list, c.Source, w)
	end()
	if err != nil {
		return goesOn(ctx, err, list)
	}
	if c.Out == "" && r.Unreadable == 0 {
		if err := os.Remove(list); err != nil {
			return err
		}
	}
	if c.JSON {
		if err := json.NewEncoder(t.out).Encode(r); err != nil {
			return err
		}
	} else if r.Unreadable == 0 {
		fmt.Fprintf(t.out, "all %d pictures can be read\n", r.Pictures)
	} else {
		fmt.Fprintf(t.out, "%d of %d pictures can't be read: %s\n", r.Unreadable, r.Pictures, list)
	}
	if r.Unreadable > 0 {
		return errReported
	}
	return nil
}

// ShardCmd copies pictures into tar files.
type ShardCmd struct {
	Source  []string `arg:"" help:"Folders or indexes."`
	Out     string   `short:"o" required:"" placeholder:"DIR" help:"Folder for the shards and their index."`
	Per     int      `default:"5000" help:"Pictures a shard."`
	Seed    uint64   `default:"1" help:"Of the order; the same seed and pictures give the same bytes."`
	Exclude []string `placeholder:"FILE" help:"Leave out what a list names: what 'data check' wrote."`
	JSON    bool     `help:"Print the counts as JSON."`
}

// Run writes the shards.
func (c *ShardCmd) Run(ctx context.Context, t *terminal) error {
	if c.Per < 1 {
		return usagef("--per %d: want at least 1", c.Per)
	}
	w, end := t.work("shard", c.Exclude)
	shards, pictures, skipped, err := data.WriteShards(ctx, c.Out, c.Source, c.Per, c.Seed, w)
	end()
	if err != nil {
		return goesOn(ctx, err, c.Out)
	}
	if c.JSON {
		return json.NewEncoder(t.out).Encode(map[string]any{"folder": c.Out, "shards": shards,
			"pictures": pictures, "left_out": skipped})
	}
	_, err = fmt.Fprintf(t.out, "%s: %s in %s%s\n", c.Out, several(pictures, "picture"),
		several(shards, "shard"), leftOut(skipped))
	return err
}

// AuditCmd looks for what gives the classes away besides the pixels.
type AuditCmd struct {
	Source   string `arg:"" help:"Folder, index or shards."`
	Split    string `enum:"train,val,test,all" default:"all" help:"Which part: train, val, test or all."`
	Protocol string `enum:"raw,unbiased" default:"raw" help:"raw: the files as they are; unbiased: as that protocol shows them."`
	Limit    int    `help:"Look at only this many pictures (0: all)."`
	JSON     bool   `help:"Print the report as JSON."`
}

// Run audits.
func (c *AuditCmd) Run(ctx context.Context, t *terminal) error {
	if c.Limit < 0 {
		return usagef("--limit %d: want 0 or more", c.Limit)
	}
	set, err := data.OpenGenImage(c.Source, c.Split, data.Options{Limit: c.Limit})
	if err != nil {
		return err
	}
	if c.Protocol == "unbiased" {
		if set, err = data.Unbiased(ctx, set, 1); err != nil {
			return err
		}
	}
	w, end := t.work("audit", nil)
	r, err := audit.Run(ctx, set, w.Progress)
	end()
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(t.out)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	fmt.Fprintf(t.out, "%d AI pictures and %d photographs of %s (%s, %s)", r.Pictures[data.AI],
		r.Pictures[data.Photograph], c.Source, c.Split, c.Protocol)
	if r.Unread > 0 {
		fmt.Fprintf(t.out, ", %d more can't be read", r.Unread)
	}
	fmt.Fprint(t.out, "\n\n")
	if len(r.Properties) > 0 {
		if err := auditTable(t, r); err != nil {
			return err
		}
		fmt.Fprintln(t.out)
	}
	_, err = fmt.Fprintln(t.out, wrap(r.Verdict, 80))
	return err
}

// mostShown is how many values of a property the terminal lists.
const mostShown = 4

// auditTable prints what each property tells, and its values by class.
func auditTable(t *terminal, r *audit.Report) error {
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "property\tbalanced accuracy\tvalue\tAI\tphotographs")
	for _, p := range r.Properties {
		head := fmt.Sprintf("%s\t%5.1f %% (%.1f to %.1f)", p.Name, 100*p.Accuracy, 100*p.Low, 100*p.High)
		for i, v := range p.Values {
			if i == mostShown {
				break
			}
			fmt.Fprintf(w, "%s\t%.40s\t%d\t%d\n", head, v.Value, v.Count[data.AI], v.Count[data.Photograph])
			head = "\t"
		}
	}
	return w.Flush()
}

// wrap breaks a text at spaces into lines of at most n characters.
func wrap(text string, n int) string {
	var out strings.Builder
	room := n
	for i, word := range strings.Fields(text) {
		switch long := utf8.RuneCountInString(word); {
		case i == 0:
			room -= long
		case long+1 > room:
			out.WriteByte('\n')
			room = n - long
		default:
			out.WriteByte(' ')
			room -= long + 1
		}
		out.WriteString(word)
	}
	return out.String()
}
