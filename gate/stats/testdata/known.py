"""Makes known.json: answers of SciPy and NumPy that the Go tests are held to.

    python3 known.py >known.json

What SciPy has is asked of SciPy. What it lacks (ranks with ties, Holm's
correction, batches) is done here in the plainest way: every choice counted
with whole numbers, every definition as printed in the literature.
"""
import itertools
import json
import math
import platform
from fractions import Fraction

import numpy as np
import scipy
from scipy.stats import beta, binomtest, kendalltau, mannwhitneyu, norm, rankdata, t, wilcoxon

random = np.random.default_rng(20261124)


def normals(n, shift=0.0):
    return [round(float(x), 4) for x in random.normal(shift, 1, n)]


def sign_sums(ranks):
    """How many of the 2^n choices of signs give each sum of doubled ranks."""
    ways = {0: 1}
    for r in ranks:
        more = dict(ways)
        for s, w in ways.items():
            more[s + r] = more.get(s + r, 0) + w
        ways = more
    return ways


def signed_rank(d):
    d = [x for x in d if x != 0]
    if not d:
        return 1.0
    if len(d) > 60:
        return float(wilcoxon(d, alternative="greater", correction=True, method="approx").pvalue)
    ranks = [round(2 * r) for r in rankdata(np.abs(d))]
    observed = sum(r for r, x in zip(ranks, d) if x > 0)
    if len(d) <= 12:  # every sign of every difference
        ways = sum(sum(r * s for r, s in zip(ranks, signs)) >= observed for signs in itertools.product((0, 1), repeat=len(d)))
    else:
        ways = sum(w for s, w in sign_sums(ranks).items() if s >= observed)
    p = float(Fraction(ways, 2 ** len(d)))
    if len(set(map(abs, d))) == len(d) and len(d) <= 50:
        assert math.isclose(p, wilcoxon(d, alternative="greater", method="exact").pvalue, rel_tol=1e-9)
    return p


def walsh(d):
    return sorted((d[i] + d[j]) / 2 for i in range(len(d)) for j in range(i, len(d)))


def walsh_interval(d, level):
    """Centres that the exact two-sided test without ties does not refute."""
    n, averages = len(d), walsh(d)
    ways, below, k = sign_sums([1 + i for i in range(n)]), 0, 0
    for s in range(n * (n + 1) // 2 + 1):
        below += ways.get(s, 0)
        if Fraction(below, 2**n) > Fraction(1 - level) / 2:
            break
        k += 1
    return [averages[k - 1], averages[-k]] if k else None


def rank_sum(x, y):
    ranks = [round(2 * r) for r in rankdata(x + y)]
    mean, n = len(x) * (len(x) + len(y) + 1), len(x)
    distance = abs(sum(ranks[:n]) - mean)
    choices = [abs(sum(c) - mean) >= distance for c in itertools.combinations(ranks, n)]
    p = float(Fraction(sum(choices), len(choices)))
    if len(set(x + y)) == len(x + y):
        assert math.isclose(p, mannwhitneyu(x, y, method="exact").pvalue, rel_tol=1e-9)
    return p


def mann_kendall(x):
    """SciPy's p-value has no correction for continuity: put it in."""
    n, time = len(x), range(len(x))
    score = sum(np.sign(x[j] - x[i]) for i in range(n) for j in range(i + 1, n))
    got = kendalltau(time, x, method="asymptotic")
    if score == 0:
        return [0.0, 1.0]
    deviation = abs(score) / norm.isf(got.pvalue / 2)
    return [float(got.statistic), float(2 * norm.sf((abs(score) - 1) / deviation))]


def holm(p):
    order, out, least = sorted(range(len(p)), key=lambda i: p[i]), [0.0] * len(p), 0.0
    for k, i in enumerate(order):
        least = max(least, min(1.0, (len(p) - k) * p[i]))
        out[i] = least
    return out


def walsh_limit(d, alpha):
    """The limit of the centre from below that the exact test at alpha leaves."""
    interval = walsh_interval(d, 1 - 2 * alpha)
    return interval and interval[0]


def detectable(s, n, m, tolerance):
    if Fraction(1, 2**n) > Fraction(1, 100 * m):
        return None
    noticed = t.ppf(0.8, n - 1) * s / math.sqrt(n)
    return float(max(t.isf(0.01 / m, n - 1) * s / math.sqrt(n), tolerance) + noticed)


def detectable_by_ranks(d, m, tolerance):
    limit = walsh_limit(d, Fraction(1, 100 * m))
    if limit is None:
        return None
    lower, upper = walsh_interval(d, 0.95)
    error = (upper - lower) / 2 / t.ppf(0.975, len(d) - 1)
    distance, noticed = np.median(walsh(d)) - limit, t.ppf(0.8, len(d) - 1) * error
    varies = math.sqrt(1 + (distance / error) ** 2 / (2 * (len(d) - 1)))
    return float(max(tolerance + noticed, distance + noticed * varies))


def predict(history, prior):
    k = len(history)
    sd = np.std(history, ddof=1) if k > 1 else 0.0
    s = math.sqrt((4 * prior**2 + (k - 1) * sd**2) / (k + 3))
    scale = s * math.sqrt(1 + 1 / k)
    limit = t.ppf(0.99, k + 3) * scale
    return {
        "history": history, "prior": prior,
        "centre": float(np.median(history)), "spread": s, "limit": float(limit),
        "false_alarm": float(t.sf(math.log(1.1) / scale, k + 3)),
        "detectable": float(max(math.log(1.1), limit) + t.ppf(0.8, k + 3) * scale),
    }


def clopper_pearson(y, n):
    lower = 0.0 if y <= 0 else float(beta.ppf(0.025, y, n - y + 1))
    upper = 1.0 if y >= n else float(beta.ppf(0.975, y + 1, n - y))
    if y == int(y) and n == int(n):
        exact = binomtest(int(y), int(n)).proportion_ci(0.95, "exact")
        assert math.isclose(lower, exact.low, rel_tol=1e-7) and math.isclose(upper, exact.high, rel_tol=1e-7)
    return [lower, upper]


def batch_variance(y, n):
    """The largest variance of sum(y)/sum(n) from batches of 1, 2, 4, … slices."""
    y, n = np.array(y, float), np.array(n, float)
    residual, best = y - n * y.sum() / n.sum(), None
    size = 1
    while len(y) // size >= 5:
        m = len(y) // size
        edges = [j * len(y) // m for j in range(m + 1)]
        sums = [residual[a:b].sum() for a, b in zip(edges, edges[1:])]
        v = m / (m - 1) * sum(s * s for s in sums) / n.sum() ** 2
        if best is None or v > best[0]:
            best = (float(v), m - 1)
        size *= 2
    return best


def proportion(y, n):
    total, p = sum(n), sum(y) / sum(n)
    deff, df, effective = 1.0, 0, float(total)
    if 0 < p < 1:
        v, df = batch_variance(y, n)
        deff = max(1.0, v / (p * (1 - p) / total))
        effective = min(total, total / deff * (norm.ppf(0.975) / t.ppf(0.975, df)) ** 2)
    lower, upper = clopper_pearson(p * effective, effective)
    return {"y": y, "n": n, "deff": deff, "df": df, "effective": float(effective), "lower": lower, "upper": upper}


def spells(slices):
    """Slices of about 40 requests, of which a share that wanders fails."""
    share, y, n = 0.1, [], []
    for _ in range(slices):
        share = min(0.9, max(0.01, share * math.exp(random.normal(0, 0.4))))
        n.append(int(random.integers(30, 50)))
        y.append(int(random.binomial(n[-1], share)))
    return proportion(y, n)


def rank_of(q, n):
    return min(max(math.ceil(q * n), 1), n)


def woodruff(slices, num, den):
    """Times in µs of a service whose level wanders, and the percentile's interval."""
    level, times = 400.0, []
    for _ in range(slices):
        level = min(1200.0, max(100.0, level * math.exp(random.normal(0, 0.2))))
        count = int(random.integers(15, 25))
        times.append([int(min(x, 2000)) + 1 for x in random.gamma(4, level / 4, count)])
    ordered = sorted(x for s in times for x in s)
    total = len(ordered)
    value = ordered[-(-num * total // den) - 1]
    share = proportion([sum(x > value for x in s) for s in times], [len(s) for s in times])
    v, df = batch_variance([sum(s) for s in times], [len(s) for s in times])
    mean, half = float(np.mean(ordered)), float(t.ppf(0.975, df) * math.sqrt(v))
    rv, rdf = batch_variance([len(s) for s in times], [1] * slices)
    rhalf = float(t.ppf(0.975, rdf) * math.sqrt(rv))
    return {
        "times": times, "num": num, "den": den, "value": value,
        "lower": ordered[rank_of(1 - share["upper"], total) - 1],
        "upper": ordered[rank_of(1 - share["lower"], total) - 1] if share["lower"] * total >= 1 else None,
        "mean": [mean - half, mean, mean + half],
        "rate": [total / slices - rhalf, total / slices, total / slices + rhalf],
    }


differences = [normals(n, shift) for n in (5, 7, 9, 12, 20, 33, 50, 60) for shift in (0.0, 0.5)]
tied = [[round(x * 2) / 2 for x in normals(n, 0.4)] for n in (6, 10, 12, 30, 60)]
many = [normals(61, 0.2), normals(90, 0.2), [round(x * 4) / 4 for x in normals(120, 0.1)]]

known = {
    "made_by": {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__},
    "student": [[p, df, float(t.ppf(p, df))] for p in (0.6, 0.8, 0.975, 0.99, 1 - 0.01 / 3, 0.999) for df in (1, 2, 4, 6.5, 10, 29, 89, 1000)],
    "signed_rank": [{"d": d, "p": signed_rank(d)} for d in differences + tied + many],
    "hodges_lehmann": [{"d": d, "estimate": float(np.median(walsh(d)))} for d in differences + tied + many],
    "walsh_interval": [{"d": d, "level": level, "limits": walsh_interval(d, level)} for d in differences for level in (0.8, 0.95, 0.99)],
    "rank_sum": [{"x": x, "y": y, "p": rank_sum(x, y)} for x, y in (
        [(normals(n), normals(m, 1.0)) for n, m in ((3, 3), (4, 6), (8, 5), (9, 9))]
        + [([round(v) for v in normals(n)], [round(v) for v in normals(m, 1.0)]) for n, m in ((4, 4), (6, 8), (9, 7))])],
    "kendall": [{"x": x, "answer": mann_kendall(x)} for x in (
        [normals(n) for n in (5, 16, 60)]
        + [[round(v + i / 10, 1) for i, v in enumerate(normals(n))] for n in (10, 30)]
        + [[float(round(v)) for v in normals(n)] for n in (8, 40)])],
    "quantile": [{"x": x, "q": q, "value": float(np.quantile(x, q))} for x in (normals(1), normals(2), normals(7), normals(150)) for q in (0, 0.1, 0.5, 0.95, 0.99, 1)],
    "deviation": [{"x": x, "value": float(np.std(x, ddof=1))} for x in (normals(2), normals(7), [v + 1e6 for v in normals(30)])],
    "holm": [{"p": p, "adjusted": holm(p)} for p in (
        [0.001], [0.01, 0.04, 0.03], [0.02, 0.02, 0.02], [0.5, 0.003, 0.2, 0.0001, 0.9], [round(float(v), 5) for v in random.uniform(0, 0.2, 9)])],
    "detectable": [{"s": s, "n": n, "m": m, "tolerance": tol, "value": detectable(s, n, m, tol)}
                   for s in (0.02, 0.15, 0.4) for n in (2, 9, 30, 90) for m, tol in ((1, 0.0), (3, math.log(1.1)), (20, 0.3))],
    "detectable_by_ranks": [{"d": d, "m": m, "tolerance": tol, "value": detectable_by_ranks(d, m, tol)}
                            for d in differences + tied for m, tol in ((1, 0.0), (3, math.log(1.1)), (20, 0.3))],
    "predict": [predict([round(v * sd, 5) for v in normals(k)], prior) for k in (1, 2, 7, 20) for sd in (0.0, 0.05, 0.2) for prior in (0.1, 0.005, 0.3)],
    "clopper_pearson": [{"y": y, "n": n, "limits": clopper_pearson(y, n)} for y, n in (
        (0, 1), (0, 20), (0, 3000), (1, 1), (3, 7), (2.7, 31.4), (0.04, 5.5), (99.5, 100), (999.3, 1000.1), (12.5, 250), (250000, 5e6))],
    "proportion": [spells(n) for n in (5, 9, 10, 16, 23, 60, 120)] + [proportion([0] * 20, [50] * 20), proportion([50] * 20, [50] * 20)],
    "woodruff": [woodruff(s, *q) for s in (16, 60) for q in ((1, 2), (19, 20), (99, 100))],
}
print(json.dumps(known, indent=None, separators=(",", ":")).replace('],"', '],\n"').replace('},{', '},\n{'))
