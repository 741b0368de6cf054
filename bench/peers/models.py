"""The models in PyTorch and ONNX Runtime: the same weights and pictures as ours."""
import warnings
import numpy as np
import torch, torch.nn as nn, torch.nn.functional as F
import torchvision

from ours import OUT, write_floats, write_safetensors

warnings.filterwarnings("ignore")
torch.set_num_threads(torch.get_num_threads())
SIZE = 224


def make(name):
    """A torchvision model with random weights that no layer leaves at a default."""
    torch.manual_seed(1)
    build = {"resnet50": lambda: torchvision.models.resnet50(weights=None),
             "vit_l_16": lambda: torchvision.models.vit_l_16(weights=None),
             "vit_b_16": lambda: torchvision.models.vit_b_16(weights=None),
             "fcn_resnet50": lambda: torchvision.models.segmentation.fcn_resnet50(
                 weights=None, weights_backbone=None, num_classes=21, aux_loss=False)}[name]
    m = build()
    for n, mod in m.named_modules():
        if isinstance(mod, nn.BatchNorm2d):
            nn.init.uniform_(mod.weight, 0.9, 1.1)
            if n.endswith("bn3"):
                mod.weight.data *= 0.2  # keeps the sums of many blocks in range
            nn.init.uniform_(mod.bias, -0.1, 0.1)
            nn.init.uniform_(mod.running_mean, -0.1, 0.1)
            nn.init.uniform_(mod.running_var, 0.8, 1.2)
        if isinstance(mod, nn.Dropout):
            mod.p = 0.0  # so that both sides compute the same
    if hasattr(m, "heads"):
        nn.init.normal_(m.heads.head.weight, std=0.02)
    return m


class Logits(nn.Module):
    """A segmenter's dictionary of outputs, reduced to the one that counts."""
    def __init__(self, m):
        super().__init__()
        self.m = m

    def forward(self, x):
        y = self.m(x)
        return y["out"] if isinstance(y, dict) else y


def pictures(batch):
    g = torch.Generator().manual_seed(2)
    return torch.rand(batch, 3, SIZE, SIZE, generator=g) * 2 - 1


def weights(name, m):
    """The weights' file for ours; counters are left out."""
    return write_safetensors(OUT / f"{name}.safetensors",
                             {k: v for k, v in m.state_dict().items()
                              if not k.endswith("num_batches_tracked")})


def pictures_file(x):
    return write_floats(OUT / f"x{x.shape[0]}.f32", x.permute(0, 2, 3, 1).numpy())


def nchw(y, like):
    """Our output in PyTorch's order."""
    if like.ndim == 4:
        b, c, h, w = like.shape
        y = y.reshape(b, h, w, c).transpose(0, 3, 1, 2)
    return y.reshape(like.shape)


def relative(got, want):
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    return float(np.linalg.norm(got - want) / np.linalg.norm(want))


def exact(m, x):
    """The logits in float64, of a copy of the model."""
    import copy
    with torch.inference_mode():
        return copy.deepcopy(m).double()(x.double()).numpy()


def onnx_session(name, m, x):
    """ONNX Runtime on the model that the exporter makes of it."""
    import onnxruntime as ort
    path = OUT / f"{name}_b{x.shape[0]}.onnx"
    torch.onnx.export(m, (x,), str(path), input_names=["x"], output_names=["y"], dynamo=True, verbose=False)
    o = ort.SessionOptions()
    o.intra_op_num_threads = torch.get_num_threads()
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    s = ort.InferenceSession(str(path), o, providers=["CPUExecutionProvider"])
    for f in OUT.glob(f"{name}_b{x.shape[0]}.onnx*"):
        f.unlink()
    a = x.numpy()
    return lambda: s.run(["y"], {"x": a})[0]


def inference_variants(m, x, compiled):
    """The ways in which PyTorch serves a model on a processor; what fails is left out, with the reason."""
    import copy
    last = torch.channels_last
    ml, xl = copy.deepcopy(m).to(memory_format=last), x.contiguous(memory_format=last)
    out, failed = {"eager NCHW": lambda: m(x), "eager channels_last": lambda: ml(xl)}, {}

    def attempt(name, f):
        try:
            with torch.inference_mode():
                g = f()
                g()
                g()
            out[name] = g
        except Exception as e:  # whatever a compiler may say
            failed[name] = str(e).strip().splitlines()[0][:200] if str(e).strip() else type(e).__name__

    def scripted(model, pic):
        with torch.no_grad():
            s = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(model, pic)))
        return lambda: s(pic)

    attempt("jit frozen NCHW", lambda: scripted(m, x))
    attempt("jit frozen channels_last", lambda: scripted(ml, xl))
    if compiled:
        import torch._inductor.config as config
        config.freezing = True

        def compile_(model, pic):
            c = torch.compile(model)
            return lambda: c(pic)
        attempt("compiled channels_last", lambda: compile_(ml, xl))

    def guarded(f):
        def g():
            with torch.inference_mode():
                return f()
        return g
    return {n: guarded(f) for n, f in out.items()}, failed


RATE = 1e-4  # the learning rate of ours


class Training:
    """A training step in one memory format: forward, cross entropy, backward, the optimiser's update."""
    def __init__(self, name, x, labels, last):
        self.m = Logits(make(name)).train()
        self.x, self.labels = x, labels
        if last:
            self.m.to(memory_format=torch.channels_last)
            self.x = x.contiguous(memory_format=torch.channels_last)
        params = list(self.m.parameters())
        if name.startswith("vit"):
            groups = [{"params": [p for p in params if p.ndim >= 2], "weight_decay": 0.05},
                      {"params": [p for p in params if p.ndim < 2], "weight_decay": 0.0}]
            self.opt = torch.optim.AdamW(groups, lr=RATE, fused=True)
        else:
            self.opt = torch.optim.SGD(params, lr=RATE, momentum=0.9, weight_decay=1e-4, fused=True)

    def __call__(self):
        self.opt.zero_grad(set_to_none=True)
        loss = F.cross_entropy(self.m(self.x), self.labels)
        loss.backward()
        self.opt.step()
        return float(loss)


def training_labels(name, batch):
    g = torch.Generator().manual_seed(3)
    if name.startswith("fcn"):
        return torch.randint(21, (batch, SIZE, SIZE), generator=g)
    return torch.randint(1000, (batch,), generator=g)
