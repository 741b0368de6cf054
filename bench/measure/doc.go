// Package measure times things against each other and against the machine: in turn, for as long as it takes
// to see the noise, beside ceilings that are measured in the same run.
package measure
