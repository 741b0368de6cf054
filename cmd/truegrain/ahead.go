package main

import (
	"context"
	"runtime"
)

// ahead calls take with read(0), read(1) … in their order, while others are read on every core: at most two
// for each core wait to be taken.
func ahead[T any](ctx context.Context, n int, read func(i int) T, take func(i int, v T) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	workers := runtime.GOMAXPROCS(0)
	queue := make(chan chan T, 2*workers)
	busy := make(chan struct{}, workers)
	go func() {
		defer close(queue)
		for i := range n {
			place := make(chan T, 1)
			select {
			case queue <- place:
			case <-ctx.Done():
				return
			}
			busy <- struct{}{}
			go func() {
				place <- read(i)
				<-busy
			}()
		}
	}()
	i := 0
	for place := range queue {
		if err := take(i, <-place); err != nil {
			return err
		}
		i++
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return context.Cause(ctx)
}
