#!/usr/bin/env python3
"""Times our engine in turn with ONNX Runtime and PyTorch, on the same weights and inputs, and writes
bench/results/cpu.md.

    run.py                     every step that has no result of this program yet, then the report
    run.py STEP ... [--again]  some steps; --list names them; --report writes the report only
"""
import argparse, json, sys, time

import turns
from ours import OUT, Ours, build, fingerprint

INFERENCE = [("resnet50", 1), ("resnet50", 8), ("fcn_resnet50", 1), ("fcn_resnet50", 4), ("vit_l_16", 1),
    ("vit_l_16", 4)]
TRAINING = [("resnet50", 8), ("fcn_resnet50", 4), ("vit_b_16", 4)]
MEMORY = [("resnet50", 1, False), ("vit_l_16", 1, False), ("resnet50", 8, True)]
OURS = ["fast", "exact", "bfloat16"]  # the ways of ours to serve a model; the first is the default


def inference(ours, name, batch):
    import models
    import torch
    m, x = models.Logits(models.make(name)).eval(), models.pictures(batch)
    w, pic = models.weights(name, m.m), models.pictures_file(x)
    want = models.exact(m, x[:1])
    parties, out = {}, {"error": {}}
    ways = [w for w in OURS if w != "exact" or "vit" not in name]  # a transformer has no 3x3 convolutions
    for impl in ways:
        out.setdefault("ready", ours.ask(do="model", id=impl, model=name, batch=batch, impl=impl, weights=w,
            input=pic)["ready"])
        parties[impl] = ours.timer(impl)
        parties[impl](0)
        got = models.nchw(ours.output(impl), models.np.empty((batch, *want.shape[1:])))
        out["error"][impl] = models.relative(got[:1], want)
    run = models.onnx_session(name, m, x)
    out["error"]["ONNX Runtime"] = models.relative(run()[:1], want)
    parties["ONNX Runtime"] = turns.per_call(run)
    variants, out["failed"] = models.inference_variants(m, x, compiled=True)
    chosen, out["variants"] = turns.best(variants, 0.2)
    out["chosen"] = chosen
    with torch.inference_mode():
        out["error"]["PyTorch"] = models.relative(variants[chosen]().numpy()[:1], want)
    parties["PyTorch"] = turns.per_call(variants[chosen])
    slow = out["variants"][chosen]
    out.update(turns.summary(turns.interleave(parties, 9 if slow < 0.5 else 5, min(max(0.3, 3 * slow), 1.5)),
        ways))
    return out


def training(ours, name, batch):
    import models
    x, labels = models.pictures(batch), models.training_labels(name, batch)
    w, pic = models.weights(name, models.make(name)), models.pictures_file(x)
    file = models.write_floats(OUT / "labels.f32", labels.numpy())
    ours.ask(do="model", id="t", model=name, batch=batch, impl="tape", train=True, weights=w, input=pic,
        labels=file)
    variants = {n: models.Training(name, x, labels, last)
                for n, last in (("NCHW", False), ("channels_last", True))}
    out = {"losses": []}
    for _ in range(2):  # the first loss compares the forward, the second the step before it
        theirs = [v() for v in variants.values()]
        ours.ask(do="time", id="t", calls=1, cold=True)
        out["losses"].append([float(ours.output("t")[0]), *theirs])
    out["chosen"], out["variants"] = turns.best(variants, 0)
    parties = {"tape": ours.timer("t"), "PyTorch": turns.per_call(variants[out["chosen"]])}
    out.update(turns.summary(turns.interleave(parties, 7, 1.0), ["tape"]))
    return out


def kernel(ours, name):
    import single
    rows = []
    for op, direction, shape, variants in single.all_kernels()[name]():
        answer = ours.ask(do="kernel", id="k", op=op, **{"pass": direction}, shape=shape, impl="builtin")
        chosen, took = turns.best(variants, 0.05)
        times = turns.interleave({"ours": ours.timer("k"), "PyTorch": turns.per_call(variants[chosen])}, 9,
            0.05)
        ours.ask(do="drop", id="k")
        rows.append({"op": op, "pass": direction, "shape": shape, "chosen": chosen, "variants": took,
                     "flops": answer.get("flops", 0), "bytes": answer.get("bytes", 0),
                     "error": answer.get("differs", 0), **turns.summary(times, ["ours"])})
    return {"rows": rows}


def memory(ours, name, batch, train):
    spec = dict(model=name, batch=batch, impl="tape" if train else "fast")
    if train:
        return ours.memory(**spec, train=True)
    import models
    return ours.memory(**spec, weights=models.weights(name, models.make(name)))


def steps():
    import functools as f
    all = {f"{n} b{b}": f.partial(inference, name=n, batch=b) for n, b in INFERENCE}
    all |= {f"{n} b{b} train": f.partial(training, name=n, batch=b) for n, b in TRAINING}
    all |= {f"memory {n} b{b}{' train' if t else ''}": f.partial(memory, name=n, batch=b, train=t)
            for n, b, t in MEMORY}
    import single
    return all | {n: f.partial(kernel, name=n) for n in single.all_kernels()}


def result(name):
    return OUT / (name.replace(" ", "_").replace("/", "-") + ".json")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("step", nargs="*")
    p.add_argument("--again", action="store_true", help="also steps that have a result")
    p.add_argument("--list", action="store_true")
    p.add_argument("--report", action="store_true")
    a = p.parse_args()
    if a.report:
        import report
        return report.write(steps())
    names = list(steps())
    if a.list:
        return print("\n".join(names))
    if unknown := [s for s in a.step if s not in names]:
        sys.exit(f"no step {unknown}; --list names them")
    exe = build()
    program = fingerprint(exe)
    for name in a.step or names:
        if not a.again and result(name).exists() and json.loads(result(name).read_text())["program"] == program:
            continue
        ours, start = Ours(exe), time.time()  # a process each: what the last step left behind is gone
        try:
            machine = ours.machine()
            out = steps()[name](ours)
        finally:
            ours.close()
        out |= {"step": name, "program": program, "machine": machine["machine"],
            "ceilings": machine["ceilings"], "date": time.strftime("%Y-%m-%d")}
        result(name).write_text(json.dumps(out, indent=1))
        print(f"{name}: {json.dumps({k: out[k] for k in ('median', 'ratio', 'peak_rss', 'ready') if k in out})} "
              f"({time.time() - start:.0f} s)", flush=True)
    if not a.step:
        import report
        report.write(steps())


if __name__ == "__main__":
    main()
