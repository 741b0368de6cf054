"""Writes bench/results/cpu.md and cpu.json from the steps' results."""
import importlib.metadata as meta
import json, platform

from ours import OUT, ROOT

NAMES = {"resnet50": "ResNet50", "fcn_resnet50": "FCN-ResNet50", "vit_l_16": "ViT-L/16",
    "vit_b_16": "ViT-B/16"}
# What the ratio ours/theirs must come to at most: inference against ONNX Runtime by way of ours, training
# against PyTorch.
SERVE = {"resnet50 b1": 0.90, "resnet50 b8": 0.85, "fcn_resnet50 b1": 0.80, "fcn_resnet50 b4": 0.80,
    "vit_l_16 b1": 0.95, "vit_l_16 b4": 0.95}
EXACT, BF16, TRAIN, KERNEL = 1.05, {"resnet50 b8": 0.65}, 0.80, 1.00
MEMORY = {"memory resnet50 b1": 300, "memory vit_l_16 b1": 1.7 * 1024, "memory resnet50 b8 train": 1.6 * 1024}
READY = {"memory vit_l_16 b1": 2.0}


def label(step):
    name, batch, *train = step.removeprefix("memory ").split()
    return f"{NAMES[name]}, batch {batch[1:]}" + (", training step" if train else "")


def seconds(s):
    for unit, scale in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if s >= scale:
            return f"{s / scale:.3g} {unit}"
    return f"{s / 1e-9:.3g} ns"


def ratio(r, target=None):
    """The median ratio with its quartiles; bold if it reaches the target."""
    text = f"{r[0]:.2f} ({r[1]:.2f} to {r[2]:.2f})"
    if target is None:
        return text
    return (f"**{text}**" if r[0] <= target else text) + f", target {target:.2f}"


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(c) for c in r) + " |" for r in lines) + "\n"


def inference(results):
    rows = []
    for step, target in SERVE.items():
        if step not in results:
            continue
        r = results[step]
        ways = [w for w in r["median"] if w not in ("ONNX Runtime", "PyTorch")]
        for way in ways:
            goals = {"exact": EXACT if "vit" not in step else target, "bfloat16": BF16.get(step)}
            goal = goals.get(way, target)
            by = r["ratio"][way]
            rows.append([label(step), way, seconds(r["median"][way]), seconds(r["median"]["ONNX Runtime"]),
                         ratio(by["ONNX Runtime"], goal), f"{seconds(r['median']['PyTorch'])} ({r['chosen']})",
                         ratio(by["PyTorch"]), f"{r['error'][way]:.1e}"])
        rows[-1].append(f"{r['error']['ONNX Runtime']:.1e}, {r['error']['PyTorch']:.1e}")
        for row in rows[-len(ways):-1]:
            row.append("")
    return table(["model", "ours", "time", "ONNX Runtime", "ours / ONNX Runtime", "PyTorch, its best",
        "ours / PyTorch", "error of ours",
                  "of theirs"], rows)


def training(results):
    rows = []
    for step, r in results.items():
        if step.endswith("train") and "median" in r:
            rows.append([label(step).removesuffix(", training step"), seconds(r["median"]["tape"]),
                         f"{seconds(r['median']['PyTorch'])} ({r['chosen']})",
                         ratio(r["ratio"]["tape"]["PyTorch"], TRAIN),
                         f"{max(abs(l[0] / l[1] - 1) for l in r['losses']):.1e}"])
    return table(["model", "ours", "PyTorch, its best", "ours / PyTorch",
        "difference of the losses of two steps"], rows)


def rate(row, s, ceiling):
    """GFLOP/s with the share of the multiply-add peak, or GB/s where bytes are what counts."""
    if row["op"] in ("convtranspose2d", "attention") and row["flops"] > 1e8:
        return f"{row['flops'] / s / 1e9:.0f} GFLOP/s, {100 * row['flops'] / s / ceiling['flops']:.0f} %"
    return f"{row['bytes'] / s / 1e9:.1f} GB/s, {100 * row['bytes'] / s / ceiling['copy'][-1]['rate']:.0f} %"


def kernels(results):
    rows = []
    for step, r in results.items():
        for row in r.get("rows", []):
            ours = row["median"]["ours"]
            rows.append([step, row["pass"], seconds(ours), rate(row, ours, r["ceilings"][-1]),
                         f"{seconds(row['median']['PyTorch'])} ({row['chosen']})",
                         ratio(row["ratio"]["ours"]["PyTorch"], KERNEL), f"{row['error']:.1e}"])
    return table(["kernel", "direction", "ours", "rate, of peak or of copy", "PyTorch, its best",
        "ours / PyTorch", "error against ref"], rows)


def memory(results):
    rows = []
    for step, target in MEMORY.items():
        if step in results:
            r = results[step]
            mib = r["peak_rss"] / 2**20
            text = f"{mib:.0f} MiB"
            ready = f"{r['ready']:.2f} s" + (f", target {READY[step]:.0f} s" if step in READY else "")
            rows.append([label(step), f"**{text}**" if mib <= target else text, f"{target:.0f} MiB", ready])
    return table(["run", "most resident", "target", "weights read, packed and ready"], rows)


HOW = """Written by `make bench-peers`. Times are medians. Ours and theirs take turns in one session, A B C A B C ..., with a rest
between them in which threads stop spinning; a ratio is the median of the rounds' ratios, with its quartiles. All have the same
random weights and pictures (float32, 224x224) and both cores. PyTorch is the fastest of what it offers: eager in NCHW and
channels-last, frozen and optimised TorchScript in both, and compiled (inductor, freezing); training is eager in both, with
fused optimisers. Errors are relative L2, of logits against PyTorch in float64. **Bold** reaches the target.
"""


def write(steps):
    results = {s: json.loads(p.read_text()) for s in steps
        if (p := OUT / (s.replace(" ", "_").replace("/", "-") + ".json")).exists()}
    if not results:
        raise SystemExit("no step has a result yet")
    last = list(results.values())[-1]
    m, c = last["machine"], last["ceilings"][-1]
    every = lambda f: " and ".join(sorted({f(r) for r in results.values()}))
    packages = ("ONNX Runtime", "onnxruntime"), ("PyTorch", "torch"), ("torchvision", "torchvision")
    peers = ", ".join(f"{n} {meta.version(p)}" for n, p in packages)
    text = f"""# CPU beside ONNX Runtime and PyTorch, {every(lambda r: r['date'])}

{m['cpu']}, {m['cores']} cores, {m['system']}, {m['backend']}, {m['go']}; {peers}, Python {platform.python_version()};
commit {every(lambda r: r['machine']['commit'])}. Ceilings measured beside them: multiply-adds {c['flops'] / 1e9:.0f} GFLOP/s,
copy of 256 MiB {c['copy'][-1]['rate'] / 1e9:.0f} GB/s, read and written.

{HOW}
## Inference
{inference(results)}
## Training step
{training(results)}
## Kernels
{kernels(results)}
## Memory and loading
{memory(results)}"""
    (ROOT / "bench/results/cpu.md").write_text(text)
    (ROOT / "bench/results/cpu.json").write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    print(text)
