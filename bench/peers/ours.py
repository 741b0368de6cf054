"""Our side: a long-lived `bench serve` process that is told over its standard input what to run."""
import hashlib, importlib.metadata as meta, json, os, pathlib, subprocess
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = pathlib.Path(__file__).resolve().parent / "out"


def build():
    OUT.mkdir(exist_ok=True)
    exe = OUT / "bench"
    subprocess.run([os.environ.get("GO", "go"), "build", "-buildvcs=false", "-trimpath", "-o", str(exe),
        "./bench"], cwd=ROOT, check=True)
    return exe


def fingerprint(exe):
    """What a result holds for: our program and the versions of theirs."""
    versions = [f"{p} {meta.version(p)}" for p in ("torch", "torchvision", "onnxruntime")]
    return ", ".join([hashlib.sha256(exe.read_bytes()).hexdigest()[:16], *versions])


class Ours:
    def __init__(self, exe):
        self.exe = exe
        self.p = subprocess.Popen([str(exe), "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, cwd=ROOT)

    def ask(self, **request):
        self.p.stdin.write(json.dumps(request) + "\n")
        self.p.stdin.flush()
        line = self.p.stdout.readline()
        if not line:
            raise RuntimeError("our process ended")
        answer = json.loads(line)
        if answer.get("error"):
            raise RuntimeError(answer["error"])
        return answer

    def machine(self):
        return self.ask(do="machine")

    def timer(self, id):
        """A participant: seconds of each call within a given time."""
        return lambda seconds: self.ask(do="time", id=id, seconds=seconds)["times"]

    def output(self, id):
        path = OUT / "y.f32"
        self.ask(do="output", id=id, file=str(path))
        return np.fromfile(path, np.float32)

    def memory(self, **spec):
        """Peak memory and time to get ready, in a process of its own."""
        args = [a for k, v in spec.items() for a in ([f"--{k}"] if v is True else [f"--{k}", str(v)])]
        return json.loads(subprocess.run([str(self.exe), "memory", *args], cwd=ROOT, check=True,
            stdout=subprocess.PIPE).stdout)

    def close(self):
        self.p.stdin.close()
        self.p.wait()


def write_floats(path, array):
    np.ascontiguousarray(array, np.float32).tofile(path)
    return str(path)


def write_safetensors(path, tensors):
    """The format in ten lines: a JSON header with each tensor's place, then the values, float32."""
    header, data, at = {}, [], 0
    for name, t in tensors.items():
        a = np.ascontiguousarray(t.detach().numpy(), np.float32)
        header[name] = {"dtype": "F32", "shape": list(a.shape), "data_offsets": [at, at + a.nbytes]}
        data.append(a)
        at += a.nbytes
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as f:
        f.write(len(head).to_bytes(8, "little") + head)
        for a in data:
            a.tofile(f)
    return str(path)
