// Package train trains detectors: the loop with its losses, its checkpoints and its workers, the search for a
// learning rate, and the rehearsal that says what a run will take. Below it lie what the loop works with
// (data, optim, recipes) and what comes after it (calibrate, evaluate); README.md beside it says what a run
// promises.
package train
