package models

// WithCache pretends that the caches hold so many bytes.
func WithCache(bytes int) FreezeOption { return func(f *freezing) { f.cache = bytes } }
