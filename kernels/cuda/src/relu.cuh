// The rectifier and its three rules, for every kernel with a ReLU inside.
#pragma once
#include "common.cuh"

enum { GRADIENT = 0, GUIDED = 1, DECONVNET = 2 }; // kernels.ReLURule

// max(x, 0), NaN staying NaN
DI float relu(float x) { return x <= 0.0f ? 0.0f : x; }

// What a ReLU with output y lets through of dy: dy where y > 0; max(dy, 0) where y > 0; max(dy, 0).
DI float relu_rule(int rule, float dy, float y) {
    float g = rule == GRADIENT ? dy : relu(dy);
    return rule == DECONVNET || y > 0.0f ? g : 0.0f;
}
