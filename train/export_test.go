package train

// SaveState begins to save the state, as the loop does.
func (c *Checkpoints) SaveState(l *Loop) error { return c.save(l, false) }

// Wait waits until it is written.
func (c *Checkpoints) Wait() error { return c.wait() }
