"""The settings that the survey measures, their names, and the figures that its tables show."""

STEPS = [8, 16, 25, 50, 100]
# T = 100: the numbers of steps that a stride leads to, nearest to STEPS; with all 100 it is ancestral sampling.
STRIDED_STEPS = [9, 18, 26, 51]


def purity(sampler, weight=0.5):
    """The options of a sampler with a purity prior; the weight is the built-in model's if not given."""
    return ["--sampler", sampler, "--purity-weight", f"{weight:g}"]


SAMPLERS = {
    "ancestral": (["--sampler", "ancestral"], STEPS),
    "strided-reference": (["--sampler", "strided-reference"], STRIDED_STEPS),
    "fewer-tokens": (["--sampler", "fewer-tokens"], STEPS[:4]),
    "purity": (purity("purity"), STEPS[:4]),
    "purity-reference": (purity("purity-reference"), STEPS),
    "maskgit": (["--sampler", "maskgit"], STEPS[:4]),
    "halton": (["--sampler", "halton"], STEPS[:4]),
    "remdm": (["--sampler", "remdm", "--remasking", "cap:0.02"], STEPS),
}
GUIDANCE = [1, 1.5, 2, 3, 4, 6]
PURITY_WEIGHTS = [0, 0.5, 1, 2, 4]
# The built-in model's.
DEFAULT_GUIDANCE = 3


def settings():
    """Every setting once: its name and the options of `vqdiff generate`."""
    every = {}
    for scale in GUIDANCE:
        add(every, guided(scale))
    for options, steps in SAMPLERS.values():
        add(every, sampled(options, steps[2], DEFAULT_GUIDANCE))
    for weight in PURITY_WEIGHTS:
        add(every, weighted(weight))
    for column in range(len(STEPS)):
        for options, steps in SAMPLERS.values():
            if column < len(steps):
                add(every, sampled(options, steps[column]))
    return every


def sampled(options, steps, guidance=1):
    return [*options, "--steps", str(steps), "--guidance-scale", f"{guidance:g}"]


def guided(scale):
    return sampled(SAMPLERS["purity"][0], 25, scale)


def weighted(weight):
    return sampled(purity("purity", weight), 25)


def name_of(options):
    return "_".join(option.lstrip("-").replace(":", "-").replace(".", "_") for option in options)


def add(every, options):
    every[name_of(options)] = options


def quality_of(evaluation):
    """What the tables show of the program's JSON."""
    quality = evaluation["quality"]["all"]
    return {
        "frechet": quality["frechet_distance"],
        "kernel": quality["kernel_distance"]["mean"] * 1000,
        "spread": quality["kernel_distance"]["standard_deviation"] * 1000,
        "precision": quality["neighbours"]["precision"],
        "recall": quality["neighbours"]["recall"],
        "perplexity": evaluation["generated_codes"]["perplexity"],
    }
