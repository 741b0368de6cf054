"""Single kernels in PyTorch, each in the best of its memory formats, beside the same op and shape of ours."""
import torch, torch.nn.functional as F

aten = torch.ops.aten


def both(make):
    """The same call on NCHW and on channels-last operands."""
    return {"NCHW": make(lambda t: t.contiguous()),
            "channels_last": make(lambda t: t.contiguous(memory_format=torch.channels_last)
                                  if t.ndim == 4 else t)}


def transposed(b, h, c, oc, k, s, p):
    x, w = torch.rand(b, c, h, h), torch.rand(c, oc, k, k)
    dy = torch.rand_like(F.conv_transpose2d(x, w, stride=s, padding=p))

    def grad(mask):
        return lambda f: (lambda x=f(x), w=f(w), dy=f(dy): aten.convolution_backward(
            dy, x, w, None, [s, s], [p, p], [1, 1], True, [0, 0], 1, mask))
    shape = f"{b}x{h}x{h}x{c}-{oc}k{k}s{s}" + (f"p{p}" if p else "")
    return [("convtranspose2d", "forward", shape, both(
        lambda f: (lambda x=f(x), w=f(w): F.conv_transpose2d(x, w, stride=s, padding=p)))),
        ("convtranspose2d", "dx", shape, both(grad([True, False, False]))),
        ("convtranspose2d", "dw", shape, both(grad([False, True, False])))]


def attention(b, nh, t, hd):
    qkv = torch.rand(b, t, 3, nh, hd) * 2 - 1
    packed = [v.transpose(1, 2) for v in qkv.unbind(2)]  # views of what one linear layer writes
    apart = [v.contiguous() for v in packed]
    dy = torch.rand(b, nh, t, hd)

    def backward(parts):
        parts = [v.detach().requires_grad_() for v in parts]
        y = F.scaled_dot_product_attention(*parts)
        return lambda: torch.autograd.grad(y, parts, dy, retain_graph=True)
    shape = f"{b}x{nh}x{t}x{hd}"
    return [("attention", "forward", shape, {n: lambda v=v: F.scaled_dot_product_attention(*v)
                                             for n, v in (("packed", packed), ("apart", apart))}),
            ("attention", "backward", shape + "+lse", {"packed": backward(packed), "apart": backward(apart)})]


def maxpool(b, h, c):
    x = torch.rand(b, c, h, h)
    shape = f"{b}x{h}x{h}x{c}k3s2p1"

    def backward(f):
        v = f(x).requires_grad_()
        y = F.max_pool2d(v, 3, 2, 1)
        dy = f(torch.rand_like(y))
        return lambda: torch.autograd.grad(y, v, dy, retain_graph=True)
    return [("maxpool2d", "forward", shape, both(lambda f: (lambda v=f(x): F.max_pool2d(v, 3, 2, 1)))),
            ("maxpool2d", "backward", shape + "+index", both(backward))]


def batchnorm(b, h, c):
    x, g, beta = torch.rand(b, c, h, h), torch.rand(c), torch.rand(c)
    mean, var = torch.zeros(c), torch.ones(c)
    shape = f"{b * h * h}x{c}+train"

    def forward(f):
        v = f(x)
        return lambda: F.batch_norm(v, mean, var, g, beta, True, 0.1, 1e-5)

    def backward(f):
        v, w, z = f(x).requires_grad_(), g.clone().requires_grad_(), beta.clone().requires_grad_()
        y = F.batch_norm(v, mean, var, w, z, True, 0.1, 1e-5)
        dy = f(torch.rand_like(y))
        return lambda: torch.autograd.grad(y, (v, w, z), dy, retain_graph=True)
    return [("batchnorm", "forward", shape, both(forward)), ("batchnorm", "backward", shape, both(backward))]


def adam(n):
    def step(**how):
        p = torch.nn.Parameter(torch.rand(n))
        p.grad = torch.rand(n)
        return torch.optim.Adam([p], lr=1e-3, weight_decay=1e-2, **how).step
    return [("adam", "forward", str(n), {"fused": step(fused=True), "foreach": step(foreach=True),
        "loop": step(foreach=False)})]


def all_kernels():
    """(op, direction, our shape, {variant: call}), made when asked for."""
    return {"transposed 2048-512 k4 s2, 7x7": lambda: transposed(1, 7, 2048, 512, 4, 2, 1),
            "transposed 256-128 k4 s2, 28x28": lambda: transposed(1, 28, 256, 128, 4, 2, 1),
            "transposed 64-64 k2 s2, 112x112": lambda: transposed(1, 112, 64, 64, 2, 2, 0),
            "transposed 21-21 k16 s8, 34x34": lambda: transposed(1, 34, 21, 21, 16, 8, 4),
            "transposed 1-1 k16 s8, 28x28": lambda: transposed(1, 28, 1, 1, 16, 8, 4),
            "attention 4x16x197x64": lambda: attention(4, 16, 197, 64),
            "max pool 3x3/2, 8x112x112x64": lambda: maxpool(8, 112, 64),
            "batch norm, training, 8x56x56x256": lambda: batchnorm(8, 56, 256),
            "batch norm, training, 8x112x112x64": lambda: batchnorm(8, 112, 64),
            "Adam, 2.4 million parameters": lambda: adam(2359296),
            "Adam, 26 million parameters": lambda: adam(25557032)}
