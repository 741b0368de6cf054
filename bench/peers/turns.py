"""Timing in turn: A B C A B C ..., so that whatever else the machine does meets all alike."""
import statistics, time


def per_call(f):
    """A participant of a Python function: seconds of each call within a given time, behind one warm-up call.
    What is shorter than a millisecond is timed in runs of that length."""
    def timed(seconds):
        start = time.perf_counter()
        f()
        n = max(1, int(1e-3 / max(time.perf_counter() - start, 1e-7)))
        out, begin = [], time.perf_counter()
        while not out or time.perf_counter() - begin < seconds:
            start = time.perf_counter()
            for _ in range(n):
                f()
            out.append((time.perf_counter() - start) / n)
        return out
    return timed


REST = 0.1  # seconds between participants, in which the threads of the one before stop spinning


def interleave(participants, rounds, seconds):
    """Medians of each round, by participant."""
    out = {name: [] for name in participants}
    for _ in range(rounds):
        for name, timed in participants.items():
            time.sleep(REST)
            out[name].append(statistics.median(timed(seconds)))
    return out


def best(variants, seconds):
    """The fastest of some ways to do the same, by the median of two visits each, and what each took."""
    took = {name: [] for name in variants}
    for _ in range(2):
        for name, f in variants.items():
            time.sleep(REST)
            took[name].append(statistics.median(per_call(f)(seconds)))
    took = {name: min(t) for name, t in took.items()}
    return min(took, key=took.get), took


def quartiles(v):
    v = sorted(v)
    if len(v) < 2:
        return v[0], v[0]
    q = statistics.quantiles(v, n=4, method="inclusive")
    return q[0], q[2]


def summary(times, ours):
    """Medians, and for each way of ours the medians of the rounds' ratios ours/theirs with quartiles."""
    out = {"median": {n: statistics.median(t) for n, t in times.items()}, "ratio": {}, "times": times}
    for way in ours:
        out["ratio"][way] = {}
        for name, t in times.items():
            if name not in ours:
                ratios = [a / b for a, b in zip(times[way], t)]
                out["ratio"][way][name] = [statistics.median(ratios), *quartiles(ratios)]
    return out
