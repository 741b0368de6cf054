#!/usr/bin/env python3
"""PyTorch's side of `make bench-gpu PART=peers`: makes models and kernels ready and times them when asked.

It reads a JSON object a line from standard input and answers each with one. It needs torch and torchvision with
CUDA, and nothing else. Models run in channels-last memory under bfloat16 autocast, eager or compiled; weights are
random, which does not change the time.

    peers.py                 answers
    peers.py --warm          compiles what will be asked for, into the compiler's cache on disk, and ends
    peers.py --device cpu    answers without a GPU: a rehearsal of these lines, whose times mean nothing"""
import json
import os
import re
import sys
from time import perf_counter

DEVICE = "cpu" if sys.argv[1:] == ["--device", "cpu"] else "cuda"


def hello(_):
    if DEVICE == "cpu":
        return {"title": f"PyTorch {torch.__version__}, rehearsed on the CPU: its times mean nothing"}
    return {"title": f"PyTorch {torch.__version__}, CUDA {torch.version.cuda}, {torch.cuda.get_device_name(0)}"}


def build(name, size):
    classes = 21 if name.startswith("fcn") else 1000
    make = {"resnet50": lambda: torchvision.models.resnet50(weights=None),
            "vit_b_16": lambda: torchvision.models.vit_b_16(weights=None, image_size=size),
            "vit_l_16": lambda: torchvision.models.vit_l_16(weights=None, image_size=size),
            "fcn_resnet50": lambda: torchvision.models.segmentation.fcn_resnet50(
                weights=None, weights_backbone=None, num_classes=classes, aux_loss=False)}[name]
    m = make().to(DEVICE).to(memory_format=torch.channels_last)
    for part in m.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
    return m, classes


def logits(y):
    return y["out"] if isinstance(y, dict) else y


def model(q):
    """A forward pass, or a training step: forward, cross entropy, backward, the optimiser's update."""
    size = q["size"]
    m, classes = build(q["model"], size)
    x = torch.rand(q["batch"], 3, size, size, device=DEVICE).to(memory_format=torch.channels_last)
    if not q.get("train"):
        m.eval()
        f = torch.compile(m) if q["how"] == "compiled" else m

        def infer():
            with torch.inference_mode(), torch.autocast(DEVICE, torch.bfloat16):
                f(x)
        return infer
    m.train()
    shape = (q["batch"], size, size) if q["model"].startswith("fcn") else (q["batch"],)
    labels = torch.randint(classes, shape, device=DEVICE)
    f = torch.compile(m) if q["how"] == "compiled" else m
    params = list(m.parameters())
    if q["model"].startswith("vit"):
        opt = torch.optim.AdamW(params, lr=1e-4, weight_decay=0.05, fused=True)
    else:
        opt = torch.optim.SGD(params, lr=1e-4, momentum=0.9, weight_decay=1e-4, fused=True)

    def step():
        opt.zero_grad(set_to_none=True)
        with torch.autocast(DEVICE, torch.bfloat16):
            loss = torch.nn.functional.cross_entropy(logits(f(x)).float(), labels)
        loss.backward()
        opt.step()
    return step


def numbers(part):
    return [int(n) for n in part.split("x")]


def kernel(q):
    """One op in bfloat16 of a shape in our notation: 4096x4096x4096+tb, 128x16x197x64+lse, 256x56x56x64-64k3p1."""
    def rand(*shape):
        return torch.rand(*shape, device=DEVICE, dtype=torch.bfloat16) * 2 - 1
    op, shape = q["op"], q["shape"].split("+")[0]
    if op == "gemm":
        rows, cols, k = numbers(shape)
        a, b = rand(rows, k), rand(cols, k)
        return lambda: torch.nn.functional.linear(a, b)
    if op == "attention":
        b, heads, t, d = numbers(shape)
        parts = [v.transpose(1, 2) for v in rand(b, t, 3, heads, d).unbind(2)]
        if q["pass"] == "forward":
            return lambda: torch.nn.functional.scaled_dot_product_attention(*parts)
        parts = [v.detach().requires_grad_() for v in parts]
        y = torch.nn.functional.scaled_dot_product_attention(*parts)
        dy = torch.rand_like(y)
        return lambda: torch.autograd.grad(y, parts, dy, retain_graph=True)
    if op == "conv2d":
        sizes, rest = shape.split("-")
        b, h, w, c = numbers(sizes)
        oc, opts = int(re.match(r"\d+", rest)[0]), dict(re.findall(r"([a-z])(\d+)", rest))
        k, s, p = int(opts["k"]), int(opts.get("s", 1)), int(opts.get("p", 0))
        last = torch.channels_last
        x, f = rand(b, c, h, w).to(memory_format=last), rand(oc, c, k, k).to(memory_format=last)
        if q["pass"] == "forward":
            return lambda: torch.nn.functional.conv2d(x, f, stride=s, padding=p)
        dy = torch.rand_like(torch.nn.functional.conv2d(x, f, stride=s, padding=p))
        mask = [q["pass"] == "dx", q["pass"] == "dw", False]
        return lambda: torch.ops.aten.convolution_backward(dy, x, f, None, [s, s], [p, p], [1, 1], False, [0, 0], 1, mask)
    raise ValueError(f"no {op} here")


def settle():
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def make(q):
    run = model(q) if q["do"] == "model" else kernel(q)
    for _ in range(3):  # compiles, and lets cuDNN choose
        run()
    settle()
    READY[q["id"]] = run
    return {}


def time(q):
    """Seconds of one run, of some samples that fill the time asked for; by the device's clock."""
    run = READY[q["id"]]

    def sample(n):
        if DEVICE == "cpu":
            begun = perf_counter()
            for _ in range(n):
                run()
            return (perf_counter() - begun) / n
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        for _ in range(n):
            run()
        end.record()
        torch.cuda.synchronize()
        return start.elapsed_time(end) / 1e3 / n
    once = sample(1)
    n = max(1, int(q["seconds"] / 5 / max(once, 1e-6)))
    return {"times": [sample(n) for _ in range(5)]}


def drop(q):
    READY.pop(q.get("id"), None)
    torch._dynamo.reset()
    if DEVICE == "cuda":
        torch.cuda.empty_cache()
    return {}


def load():
    """Imports PyTorch; what is missing, or nothing."""
    global torch, torchvision
    try:
        import torch
        import torchvision
        import torch._dynamo
    except ImportError as e:
        return f"{e}: --python names an interpreter that has torch and torchvision"
    if DEVICE == "cuda" and not torch.cuda.is_available():
        return "it finds no GPU"
    torch.backends.cudnn.benchmark = True
    return ""


def said(e):
    return (str(e).strip().splitlines() or [type(e).__name__])[0][:500]


def answer(question, missing):
    if missing:
        return {"error": missing}
    try:
        return DO[question["do"]](question)
    except Exception as e:  # whatever a compiler may say; the asker decides
        told = {"error": said(e)}
    drop(question)  # out of memory, it holds what it had
    return told


def warm():
    for name, batch, size in ("resnet50", 256, 224), ("vit_l_16", 128, 224), ("fcn_resnet50", 32, 520):
        for train in True, False:
            begun, q = perf_counter(), {"do": "model", "model": name, "batch": batch, "size": size, "train": train,
                                        "how": "compiled", "id": "warm"}
            told = answer(q, "")
            drop(q)
            print(f"{name} {'training' if train else 'inference'}: {told or 'compiled'}, "
                  f"{perf_counter() - begun:.0f} s", flush=True)


READY = {}
DO = {"hello": hello, "model": make, "kernel": make, "time": time, "drop": drop}

if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")  # alone: what libraries print goes to standard error
    os.dup2(2, 1)
    missing = load()
    if sys.argv[1:] == ["--warm"]:
        sys.exit(missing or warm())
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), missing)), file=answers, flush=True)
